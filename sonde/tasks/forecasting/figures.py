"""How a forecaster did: its error at each step of the horizon, and windows with truth and forecast."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from markupsafe import Markup

from sonde.core.units import number, share
from sonde.report.additions import Additions, Section
from sonde.report.figures import Axis, Series, curves
from sonde.report.learning import Figure

MOST_SERIES = 200  # rows of a table
CELL = Markup(' class="n"')  # of numbers
MOST_WINDOWS = 3  # of each kind that are drawn
FEW = 3  # quantiles, of which there is no curve
SHOWN_PATHS = 5
INTERVALS = (50, 80, 90)  # percent, that a caption tells
COLOURS = {"model": 1, "last season": 3, "last value": 4}


def additions(details: Mapping[str, Any]) -> Additions:
    """The figures of `forecast_figures`, and of several series a table."""
    return Additions(figures=forecast_figures(details), sections=series_section(details))


def highlights(details: Mapping[str, Any]) -> list[str]:
    """Which of several series is forecast worst, beside the one in the middle.

    >>> rows = [{"name": "a", "mase": 2.0}, {"name": "b", "mase": 0.5}, {"name": "c", "mase": 0.25}]
    >>> highlights({"by_series": rows})
    ["worst of 3 series: 'a', MASE 2.000 (median 0.5000)"]
    """
    rows = [row for row in details.get("by_series") or [] if row.get("mase") is not None]
    if len(rows) < 2:
        return []
    worst, middle = rows[0], median(row["mase"] for row in rows)
    return [
        f"worst of {len(rows):,} series: {worst['name']!r}, MASE {number(worst['mase'], 4)} (median {number(middle, 4)})"
    ]


def series_section(details: Mapping[str, Any]) -> list[Section]:
    """A row for each of several series, the worst first; none of a single one."""
    rows = details.get("by_series") or []
    if not rows:
        return []
    names = list(rows[0]["raw_mae"])
    heads = ["series", "windows", "MASE"]
    heads += [f"{what}{f' of {name}' if len(names) > 1 else ''}" for name in names for what in ("MAE", "RMSE")]
    lines = [
        [
            str(row["name"]),
            f"{row['windows']:,}",
            number(row["mase"], 4),
            *(number(row[what][name], 4) for name in names for what in ("raw_mae", "raw_rmse")),
        ]
        for row in rows[:MOST_SERIES]
    ]
    head = Markup("").join(Markup("<th{}>{}</th>").format(CELL * (place > 0), text) for place, text in enumerate(heads))
    body = Markup("").join(Markup("<tr>{}</tr>\n").format(_cells(line)) for line in lines)
    html = Markup(
        '<div class="scroll"><table class="sortable"><thead><tr>{}</tr></thead><tbody>\n{}</tbody></table></div>\n'
    )
    more = f" {MOST_SERIES} of {len(rows):,} are listed; by_series.json has all." if len(rows) > MOST_SERIES else ""
    note = f"The worst first, by MASE. MAE and RMSE are in each series' own units.{more}"
    return [Section(name="by-series", title="Each series", html=html.format(head, body), note=note)]


def _cells(line: Sequence[str]) -> Markup:
    return Markup("").join(Markup("<td{}>{}</td>").format(CELL * (place > 0), text) for place, text in enumerate(line))


def forecast_figures(details: Mapping[str, Any]) -> list[Figure]:
    """The error by step, where it was counted, of distributions how right they are, then windows as they came and those with
    the highest loss."""
    table, scores, calibration = (details.get(name) for name in ("horizon", "crps", "calibration_by_quantile"))
    found = [_crps_by_step(scores)] if scores else []
    found += [_calibration(calibration)] if calibration and len(calibration["levels"]) > FEW else []
    found += [_by_step(table)] if table else []
    for stem, title in (("examples", "Forecast"), ("worst", "Highest loss")):
        entries = _apart([entry for entry in details.get(stem) or [] if entry.get("found")])
        found += [_window(entry, title) for entry in entries[:MOST_WINDOWS]]
    return found


def _apart(entries: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those whose forecasts do not overlap with one before: the windows beside the worst are nearly as bad, and the same."""
    chosen: list[Mapping[str, Any]] = []
    for entry in entries:
        if all(abs(entry["index"] - other["index"]) >= len(entry["found"]) for other in chosen):
            chosen.append(entry)
    return chosen


def _by_step(table: Mapping[str, Any]) -> Figure:
    seasonal = (table.get("season") or 1) > 1
    series = [
        Series(name=_named(name, table), points=_points(steps["mse"], 1), colour=COLOURS.get(name, 0))
        for name, steps in table["steps"].items()
        if seasonal or name != "last season"
    ]
    figure = curves(
        series, Axis(label="step of the horizon"), Axis(label="mean squared error", zero=True), name="Error by step"
    )
    beside = [
        f"{_named(n, table)} {number(scores['mse'], 4)}"
        for n, scores in table["totals"].items()
        if seasonal or n != "last season"
    ]
    caption = "Squared error of standardised values. Over all steps: " + ", ".join(beside) + "."
    return Figure(title="Error by step", svg=figure, caption=caption)


def _crps_by_step(table: Mapping[str, Any]) -> Figure:
    names = {
        "model": "model",
        "last season": f"last {table['season']} steps" if (table.get("season") or 1) > 1 else "last value",
        "training values": "training values",
    }
    colours = {"model": 1, "last season": 3, "training values": 4}
    series = [
        Series(name=names[name], points=_points(steps, 1), colour=colours[name])
        for name, steps in table["steps"].items()
    ]
    figure = curves(series, Axis(label="step of the horizon"), Axis(label="CRPS", zero=True), name="CRPS by step")
    totals = ", ".join(f"{names[name]} {number(value, 4)}" for name, value in table["totals"].items())
    caption = (
        f"How far the forecast distribution lies from what came (of a single value the absolute error). Over all steps: "
        f"{totals}. "
        "Beside the model: a normal distribution about what was a season before, as wide as the training part's errors of that, "
        "and one with the training part's mean and deviation."
    )
    return Figure(title="CRPS by step", svg=figure, caption=caption)


def _calibration(table: Mapping[str, Any]) -> Figure:
    points = list(zip(table["levels"], table["below"], strict=True))
    series = [
        Series(name="", points=[(0.0, 0.0), (1.0, 1.0)], colour=0),
        Series(name="model", points=points, colour=1, dots=True),
    ]
    across, up = Axis(label="quantile", low=0.0, high=1.0), Axis(label="share of truths below it", low=0.0, high=1.0)
    figure = curves(series, across, up, name="Calibration of the quantiles")
    told = [
        f"{share(each['covered'])} of truths lie in the {share(each['nominal'], 0)} interval"
        for each in table["intervals"]
    ]
    shown = [text for text in told if any(f" {nominal} %" in text for nominal in INTERVALS)] or told[-1:]
    caption = "On the dashed line as many truths lie below a quantile as should. " + "; ".join(shown) + "."
    return Figure(title="Calibration of the quantiles", svg=figure, caption=caption)


def _fan(entry: Mapping[str, Any]) -> list[Series]:
    """Intervals as areas on top of one another, the widest first, and some paths."""
    fan = entry.get("fan") or []
    pairs = list(zip(fan, reversed(fan), strict=True))[: len(fan) // 2]
    areas = [Series(name="", points=_points(high, 1), down_to=_points(low, 1), colour=1) for low, high in pairs]
    paths = (entry.get("paths") or [])[:SHOWN_PATHS]
    return areas + [Series(name="", points=_points(path, 1), colour=1, faint=True) for path in paths]


def _window(entry: Mapping[str, Any], title: str) -> Figure:
    past, truth, found = (entry[name] for name in ("past", "truth", "found"))
    start = 1
    joined = [past[-1]] if past else []
    series = [
        Series(name="", points=_points(past, start - len(past)), colour=0),
        Series(name="truth", points=_points([*joined, *truth], start - len(joined)), colour=2),
        Series(name="forecast", points=_points(found, start), colour=1),
    ]
    if entry.get("fan"):
        series = [*_fan(entry), *series]
    elif entry.get("low") and entry.get("high"):
        series += [
            Series(name="", points=_points(entry[side], start), colour=1, faint=True) for side in ("low", "high")
        ]
    name = str(entry.get("variable") or "")
    figure = curves(series, Axis(label="steps after the last observation"), Axis(label=name), name=title, mark=None)
    caption = f"{entry.get('row', '')}: loss {number(entry.get('loss'), 3)}."
    if entry.get("fan"):
        caption += " Shaded: between quantiles of opposite levels, the outermost palest."
        caption += " Thin: some of the sample paths." if entry.get("paths") else ""
    elif entry.get("low"):
        caption += " Faint lines: the lowest and highest quantile."
    return Figure(title=f"{title}: {name}", svg=figure, caption=caption)


def _points(values: Sequence[float | None], first: int) -> list[tuple[float, float | None]]:
    return [(float(first + place), value) for place, value in enumerate(values)]


def _named(name: str, table: Mapping[str, Any]) -> str:
    return (
        f"last {table['season']} steps repeated"
        if name == "last season"
        else "last value repeated"
        if name == "last value"
        else name
    )
