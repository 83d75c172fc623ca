"""Scores of distributions beside what is counted by hand."""

import math

import pytest
import torch

from sonde.core.dataset import TargetSpec
from sonde.metrics.crps import normal_crps
from sonde.metrics.forecast_distribution import ForecastDistribution, naive_crps

TARGET = TargetSpec(
    kind="series", names=("a", "b"), mean=(5.0, 0.0), std=(2.0, 3.0), shape=(3, 2), season=2, scales=(1.0, 6.0)
)
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


def outputs(rows: int = 50) -> dict[str, torch.Tensor]:
    drawn = torch.Generator().manual_seed(0)
    steps = torch.randn(rows, 3, 2, 5, generator=drawn, dtype=torch.float64).abs().cumsum(-1)
    return {
        "target": torch.randn(rows, 3, 2, generator=drawn, dtype=torch.float64),
        "seasonal": torch.randn(rows, 3, 2, generator=drawn, dtype=torch.float64),
        "quantiles": steps - steps[..., 2:3],
        "crps": torch.rand(rows, 3, 2, generator=drawn, dtype=torch.float64),
    }


def scored(*parts: slice, counted: torch.Tensor | None = None) -> ForecastDistribution:
    found, whole = ForecastDistribution(TARGET, LEVELS), outputs()
    counted = torch.ones(50, 3, 2, dtype=torch.float64) if counted is None else counted
    for part in parts:
        more = ForecastDistribution(TARGET, LEVELS)
        given = {name: value[part] for name, value in whole.items()}
        more.update(given, counted[part], torch.tensor(TARGET.std).double(), torch.tensor(TARGET.scales).double())
        found.merge(more)
    return found


def test_means_shares_and_own_units() -> None:
    given, found = outputs(), scored(slice(None)).compute()
    assert found["crps"] == pytest.approx(float(given["crps"].mean()))
    assert found["raw_crps/b"] == pytest.approx(3 * float(given["crps"][..., 1].mean()))
    inside = (given["target"] > given["quantiles"][..., 1]) & (given["target"] <= given["quantiles"][..., 3])
    assert found["coverage_50"] == pytest.approx(float(inside.double().mean()))
    wide = (given["target"] > given["quantiles"][..., 0]) & (given["target"] <= given["quantiles"][..., 4])
    assert found["coverage_90"] == pytest.approx(float(wide.double().mean()))
    assert "coverage_80" not in found  # no pair of levels is that far apart
    details = scored(slice(None)).details()
    below = (given["target"] <= given["quantiles"][..., 3]).double().mean()
    assert details["calibration_by_quantile"]["below"][3] == pytest.approx(float(below))
    assert details["crps"]["steps"]["model"] == pytest.approx(given["crps"].mean((0, 2)).tolist())


def test_batches_and_processes_add_up() -> None:
    whole, parts = scored(slice(None)), scored(slice(0, 20), slice(20, 50))
    assert parts.compute() == pytest.approx(whole.compute())


def test_what_is_missing_counts_nowhere() -> None:
    counted = torch.ones(50, 3, 2, dtype=torch.float64)
    counted[10:, 1] = 0
    given = outputs()
    expected = (given["crps"] * counted).sum() / counted.sum()
    found = scored(slice(None), counted=counted).compute()
    assert found["crps"] == pytest.approx(float(expected))
    inside = (given["target"] > given["quantiles"][..., 1]) & (given["target"] <= given["quantiles"][..., 3])
    assert found["coverage_50"] == pytest.approx(float((inside * counted).sum() / counted.sum()))


def test_the_last_season_widens_with_the_seasons_ahead() -> None:
    given = outputs()
    found = naive_crps(given["seasonal"], given["target"], torch.tensor([2.0, 3.0]), torch.tensor([1.0, 6.0]), season=2)
    width = math.sqrt(math.pi / 2)  # a normal distribution of mean absolute deviation 1 is so wide
    one = normal_crps(given["seasonal"][:, 1, 0], torch.full((50,), width / 2).double(), given["target"][:, 1, 0])
    later = torch.full((50,), 2 * width * math.sqrt(2)).double()
    two = normal_crps(given["seasonal"][:, 2, 1], later, given["target"][:, 2, 1])
    torch.testing.assert_close(found[:, 1, 0], one, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found[:, 2, 1], two, rtol=1e-5, atol=1e-6)


def test_looking_at_nothing_is_the_normal_distribution_of_the_training_part() -> None:
    given = outputs()
    nothing = normal_crps(torch.zeros(()).double(), torch.ones(()).double(), given["target"])
    totals = scored(slice(None)).details()["crps"]["totals"]
    assert totals["training values"] == pytest.approx(float(nothing.mean()))
