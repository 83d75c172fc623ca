import numpy as np
import pytest
import torch

from sonde.metrics.forecast_sums import FEWEST, STRETCHES, ForecastSums

HORIZON = 4


def fed(windows: int, series: torch.Tensor | None = None, *, pieces: int = 3, variables: int = 1):
    """Errors of a model and of two rules; the sums, and those errors (K, B, H, V)."""
    generator = torch.Generator().manual_seed(0)
    errors = torch.randn(3, windows, HORIZON, variables, generator=generator, dtype=torch.float64)
    counted = torch.ones(windows, HORIZON, variables, dtype=torch.float64)
    spread, season = torch.full((variables,), 2.0), torch.full((variables,), 0.5)
    sums, other = ForecastSums(), ForecastSums()
    for place, part in enumerate(torch.arange(windows).tensor_split(pieces)):
        number = None if series is None else series[part]
        (other if place else sums).update(errors[:, part], (spread, season), counted[part], (part, number))
    sums.merge(other)
    return sums, errors.numpy()


def test_stretches_of_one_series_are_at_least_two_horizons_long_and_hold_every_window() -> None:
    sums, errors = fed(90)
    table = sums.table()
    columns = {name: np.array(values) for name, values in table["columns"].items()}
    assert (table["unit"], table["rows"]) == ("stretches of time", 11)  # 90 // 8; the last holds what is left over
    assert columns["count"].tolist() == [32.0] * 10 + [40.0]
    assert columns["square"][1] == pytest.approx(np.square(errors[0, 8:16]).sum(), rel=1e-4)
    assert columns["raw_absolute"].sum() == pytest.approx(2 * np.abs(errors[0]).sum(), rel=1e-4)
    assert columns["scaled"].sum() == pytest.approx(4 * np.abs(errors[0]).sum(), rel=1e-4)
    assert columns["baseline_absolute"].sum() == pytest.approx(np.abs(errors[1]).sum(), rel=1e-4)


def test_long_series_have_about_thirty_stretches() -> None:
    table = fed(5000)[0].table()
    assert STRETCHES <= table["rows"] < STRETCHES + 2


def test_several_series_are_the_rows() -> None:
    number = torch.arange(60) % 7
    sums, errors = fed(60, number)
    table = sums.table()
    assert (table["unit"], table["rows"]) == ("series", 7)
    known = [np.square(errors[0, number.numpy() == each]).sum() for each in range(7)]
    assert table["columns"]["square"] == pytest.approx(known, rel=1e-4)


def test_too_few_series_are_cut_into_stretches_and_too_few_of_those_tell_nothing() -> None:
    assert fed(60, torch.arange(60) % (FEWEST - 1))[0].table()["unit"] == "stretches of time"
    few = fed(2 * HORIZON * (FEWEST - 1))[0].table()
    assert (few["rows"], few["columns"]) == (0, {})


def test_intervals_hold_the_mean_error_although_windows_overlap() -> None:
    """Errors of white noise: of neighbouring windows all steps but one are the same."""
    from sonde.report.sums import interval_of_sums, read_sums

    held, narrow = 0, 0
    for trial in range(200):
        steps = np.random.default_rng(trial).normal(size=420)
        windows = np.lib.stride_tricks.sliding_window_view(steps, HORIZON)
        errors = torch.from_numpy(np.stack([windows, windows]))[..., None]
        sums = ForecastSums()
        at = (torch.arange(len(windows)), None)
        sums.update(errors, (torch.ones(1), torch.ones(1)), torch.ones(errors.shape[1:]), at)
        table = read_sums({"sums": sums.table()})
        assert table is not None
        value = float(np.square(windows).mean())
        interval = interval_of_sums(table, "mse", value)
        assert interval is not None
        held += interval.holds(1.0)
        narrow += abs(value - 1.0) < 1.96 * float(np.square(windows).mean(1).std()) / len(windows) ** 0.5
    assert held / 200 > 0.9
    assert narrow / 200 < 0.8  # as if windows were independent
