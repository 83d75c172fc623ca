import numpy as np
import pytest
import torch
from sklearn.metrics import mean_absolute_error, mean_squared_error

from sonde.core.dataset import TargetSpec
from sonde.core.errors import NonFinite
from sonde.metrics.forecasting import ForecastMeter

WINDOWS, HORIZON = 40, 6
SPEC = TargetSpec(
    kind="series", names=("a", "b"), mean=(10.0, -5.0), std=(2.0, 3.0), shape=(HORIZON, 2), season=3, scales=(1.5, 0.5)
)


def outputs(spec: TargetSpec = SPEC, seed: int = 0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shape = (WINDOWS, HORIZON, len(spec.names))
    target, values = (torch.randn(shape, generator=generator) for _ in range(2))
    return {
        "values": values,
        "target": target,
        "seasonal": torch.randn(shape, generator=generator),
        "input": torch.randn(WINDOWS, 20, len(spec.names), generator=generator),
        "loss": (values - target).square().flatten(1).mean(1),
        "weight": torch.full((WINDOWS,), float(HORIZON * len(spec.names))),
    }


def judged(found: dict[str, torch.Tensor], spec: TargetSpec = SPEC, pieces: int = 3) -> ForecastMeter:
    meter = ForecastMeter(spec, quantiles=(0.1, 0.5, 0.9))
    for rows in torch.arange(WINDOWS).tensor_split(pieces):
        meter.update({name: value[rows] for name, value in found.items()}, rows)
    return meter


def test_scores_are_those_of_scikit_learn_and_of_the_formulas() -> None:
    given = outputs()
    found = judged(given).compute()
    flat = {name: given[name].flatten().double().numpy() for name in ("values", "target")}
    assert found["mse"] == pytest.approx(mean_squared_error(flat["target"], flat["values"]))
    assert found["mae"] == pytest.approx(mean_absolute_error(flat["target"], flat["values"]))
    assert found["loss"] == pytest.approx(found["mse"])
    mean, std = np.array(SPEC.mean), np.array(SPEC.std)
    truth, said = (given[name].double().numpy() * std + mean for name in ("target", "values"))
    error = np.abs(truth - said)
    assert found["raw_mae/b"] == pytest.approx(error[..., 1].mean())
    assert found["raw_rmse/a"] == pytest.approx(np.sqrt((error[..., 0] ** 2).mean()))
    assert found["mase"] == pytest.approx((error.mean((0, 1)) / np.array(SPEC.scales)).mean())
    assert found["smape"] == pytest.approx(100 * (2 * error / (np.abs(truth) + np.abs(said))).mean())
    assert next(iter(found)) == "mse"


def test_baselines_are_judged_beside_and_every_step_by_itself() -> None:
    given = outputs()
    meter = judged(given)
    table = meter.details()["horizon"]
    every = {
        "model": given["values"],
        "last season": given["seasonal"],
        "last value": given["input"][:, -1:].expand(-1, HORIZON, -1),
    }
    for name, values in every.items():
        error = (values - given["target"]).double()
        np.testing.assert_allclose(table["steps"][name]["mse"], error.square().mean((0, 2)), rtol=1e-5)
        np.testing.assert_allclose(table["steps"][name]["mae"], error.abs().mean((0, 2)), rtol=1e-5)
        assert table["totals"][name]["mse"] == pytest.approx(float(error.square().mean()))
    assert table["season"] == 3


def test_what_is_masked_counts_nowhere() -> None:
    given = outputs()
    mask = torch.ones_like(given["target"])
    mask[:, 2], mask[3] = 0, 0
    mask[0, 0, 0] = 0
    spoiled = torch.where(mask > 0, given["target"], 1e6)
    found = judged({**given, "target": spoiled, "mask": mask}).compute()
    error = (given["values"] - given["target"]).double()
    assert found["mse"] == pytest.approx(float((error.square() * mask).sum() / mask.sum()))
    assert found["smape"] < 200


def test_two_processes_add_up_to_one() -> None:
    given = {**outputs(), "quantiles": torch.randn(WINDOWS, HORIZON, 2, 3).sort(-1).values}
    levels = (0.1, 0.5, 0.9)
    whole, one, two = judged(given), ForecastMeter(SPEC, quantiles=levels), ForecastMeter(SPEC, quantiles=levels)
    for meter, rows in ((one, torch.arange(15)), (two, torch.arange(15, WINDOWS))):
        meter.update({name: value[rows] for name, value in given.items()}, rows)
    one.merge(two)
    assert one.compute() == pytest.approx(whole.compute())
    told, expected = one.details(), whole.details()
    assert [entry["index"] for entry in told["worst"]] == [entry["index"] for entry in expected["worst"]]
    assert [entry["index"] for entry in told["examples"]] == [entry["index"] for entry in expected["examples"]]


def test_coverage_is_the_share_between_the_outermost_quantiles() -> None:
    given = outputs()
    target = given["target"]
    band = torch.stack([target - 1, target, target + 1], -1)
    band[:10] += 5
    found = judged({**given, "quantiles": band}).compute()
    assert found["coverage_80"] == pytest.approx(30 / 40)
    assert not [name for name in judged(given).compute() if name.startswith("coverage")]


def test_worst_windows_show_the_variable_that_went_most_wrong() -> None:
    given = outputs()
    given["values"][7, :, 1] = given["target"][7, :, 1] + 9
    given["loss"] = (given["values"] - given["target"]).square().flatten(1).mean(1)
    worst = judged(given).details()["worst"][0]
    assert (worst["index"], worst["variable"]) == (7, "b")
    np.testing.assert_allclose(worst["truth"], given["target"][7, :, 1] * 3 - 5, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(worst["found"], given["values"][7, :, 1] * 3 - 5, rtol=1e-4, atol=1e-4)
    assert len(worst["past"]) == 12
    assert worst["loss"] == pytest.approx(float(given["loss"][7]))
    assert worst["target"].startswith("b ")


def test_own_units_carry_no_name_where_there_is_one_variable() -> None:
    spec = TargetSpec(kind="series", names=("a",), mean=(1.0,), std=(4.0,), shape=(HORIZON, 1), season=1, scales=(0.0,))
    found = judged(outputs(spec), spec).compute()
    assert found["raw_mae"] == pytest.approx(4 * found["mae"])
    assert found["mase"] != found["mase"], "a series that never changed has no scale"


def test_a_forecast_that_is_not_a_number_is_refused() -> None:
    given = outputs()
    given["values"][5, 0, 0] = torch.nan
    with pytest.raises(NonFinite):
        judged(given).compute()


def test_of_several_series_errors_are_in_each_ones_own_units_and_stand_by_series() -> None:
    spec = TargetSpec(
        kind="series", names=("y",), mean=(50.0,), std=(90.0,), shape=(HORIZON, 1), season=3, scales=(7.0,)
    )
    given = outputs(spec)
    number = torch.arange(WINDOWS) % 3
    centre, spread, season_error = (
        torch.tensor(v)[number, None, None] for v in ([0.0, 10.0, 1e6], [1.0, 5.0, 1e5], [2.0, 0.0, 5e4])
    )
    fields = {"series": number, "centre": centre, "spread": spread, "season_error": season_error}
    meter = judged({**given, **fields}, spec)
    found, table = meter.compute(), meter.details()["by_series"]
    truth, said = (
        given[n].double().numpy()[..., 0] * spread.numpy()[..., 0] + centre.numpy()[..., 0]
        for n in ("target", "values")
    )
    error = np.abs(truth - said)
    assert found["raw_mae"] == pytest.approx(error.mean())
    assert found["raw_rmse"] == pytest.approx(np.sqrt((error**2).mean()))
    assert found["mse"] == pytest.approx(float((given["values"] - given["target"]).square().mean()))
    assert found["smape"] == pytest.approx(100 * (2 * error / (np.abs(truth) + np.abs(said))).mean())
    changing = number.numpy() != 1
    by_season = error[changing] / season_error.numpy()[changing, 0]
    assert found["mase"] == pytest.approx(by_season.mean())
    rows = {int(number[row["index"]]): row for row in table}
    assert [rows[series]["windows"] for series in range(3)] == [14, 13, 13]
    for series in range(3):
        own = error[number.numpy() == series]
        assert rows[series]["index"] == series
        assert rows[series]["raw_mae"]["y"] == pytest.approx(own.mean())
        assert rows[series]["raw_rmse"]["y"] == pytest.approx(np.sqrt((own**2).mean()))
    assert rows[2]["mase"] == pytest.approx((error[number.numpy() == 2] / 5e4).mean())
    assert rows[1]["mase"] is None
    assert table[-1]["index"] == 1, "a series without a MASE stands last"
    assert table[0]["mase"] >= table[1]["mase"]
