from typing import Any

from sonde.tasks.forecasting.figures import forecast_figures, highlights, series_section

ENTRY: dict[str, Any] = {
    "index": 0,
    "row": "plant.csv from 2020-01-05 00:00:00",
    "loss": 0.25,
    "variable": "load <MW>",
    "past": [1.0, 2.0, 3.0],
    "truth": [4.0, None, 6.0],
    "found": [3.5, 4.5, 5.5],
}


def details(season: int = 24, **more: Any) -> dict[str, Any]:
    steps = {"mse": [0.1, 0.2, 0.3], "mae": [0.2, 0.3, 0.4]}
    names = ("model", "last season", "last value")
    totals = {name: {"mse": 0.2 + place} for place, name in enumerate(names)}
    table = {"season": season, "steps": dict.fromkeys(names, steps), "totals": totals}
    return {
        "horizon": table,
        "worst": [ENTRY, {**ENTRY, "index": 2}],
        "examples": [{**ENTRY, **more, "index": 3 * n} for n in range(5)],
    }


def test_the_error_by_step_stands_beside_the_baselines() -> None:
    first = forecast_figures(details())[0]
    assert first.title == "Error by step"
    assert "Over all steps: model 0.2000, last 24 steps repeated 1.200, last value repeated 2.200." in first.caption
    assert "last 24 steps repeated" in first.svg
    assert "last value repeated" in first.svg


def test_without_a_season_there_is_one_baseline() -> None:
    first = forecast_figures(details(season=1))[0]
    assert "steps repeated" not in first.caption + first.svg


def test_windows_are_drawn_with_truth_and_forecast() -> None:
    figures = forecast_figures(details(low=[3.0, 4.0, 5.0], high=[4.0, 5.0, 6.0]))
    assert [figure.title for figure in figures[1:]] == ["Forecast: load <MW>"] * 3 + [
        "Highest loss: load <MW>"  # the second worst overlaps with it
    ]
    assert (
        "plant.csv from 2020-01-05 00:00:00: loss 0.250. Faint lines: the lowest and highest quantile."
        in figures[1].caption
    )
    assert "load &lt;MW&gt;" in figures[1].svg
    assert figures[1].svg.count("<path") > figures[-1].svg.count("<path"), "the band is drawn where there is one"


def test_other_tasks_have_none() -> None:
    assert forecast_figures({"worst": [{"index": 1, "loss": 2.0}]}) == []


def test_each_series_has_a_row_and_names_are_escaped() -> None:
    rows = [
        {"name": "<b>", "index": 3, "windows": 5, "mase": 2.5, "raw_mae": {"y": 10.0}, "raw_rmse": {"y": 12.0}},
        {"name": "flat", "index": 0, "windows": 4, "mase": None, "raw_mae": {"y": 1.0}, "raw_rmse": {"y": 1.5}},
    ]
    (section,) = series_section({"by_series": rows})
    assert '<tr><td>&lt;b&gt;</td><td class="n">5</td><td class="n">2.500</td><td class="n">10.00</td>' in section.html
    assert series_section(details()) == []
    assert highlights({"by_series": [*rows, {**rows[0], "name": "c", "mase": 0.5}]}) == [
        "worst of 2 series: '<b>', MASE 2.500 (median 1.500)"
    ]
    assert highlights(details()) == []
