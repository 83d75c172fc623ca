"""CRPS beside closed forms, beside the integral that defines it, and beside scipy's distances."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from sonde.metrics.crps import ensemble_crps, ensemble_quantiles, normal_crps, quantile_crps


def by_integral(mean: float, std: float, truth: float) -> float:
    """∫ (F(x) - 1{x ≥ y})² dx."""
    normal = stats.norm(mean, std)
    below = integrate.quad(lambda x: normal.cdf(x) ** 2, truth - 20 * std, truth)[0]
    return below + integrate.quad(lambda x: normal.sf(x) ** 2, truth, truth + 20 * std)[0]


@pytest.mark.parametrize(("mean", "std", "truth"), [(0.0, 1.0, 0.0), (1.5, 0.4, 1.0), (-2.0, 3.0, 4.0)])
def test_of_a_normal_distribution_it_is_the_integral_that_defines_it(mean: float, std: float, truth: float) -> None:
    found = normal_crps(*(torch.tensor(value).double() for value in (mean, std, truth)))
    assert float(found) == pytest.approx(by_integral(mean, std, truth), rel=1e-6)


def test_a_normal_distribution_without_width_is_a_value() -> None:
    found = normal_crps(torch.tensor(1.0).double(), torch.tensor(0.0).double(), torch.tensor(3.5).double())
    assert float(found) == pytest.approx(2.5)


def test_of_few_draws_it_is_the_mean_over_pairs() -> None:
    paths, truth = torch.tensor([0.3, -1.0, 2.5, 0.9]).double(), torch.tensor(0.5).double()
    values = paths.numpy()
    pairs = [abs(a - b) for place, a in enumerate(values) for b in values[place + 1 :]]
    expected = np.abs(values - 0.5).mean() - np.mean(pairs) / 2
    assert float(ensemble_crps(paths, truth)) == pytest.approx(expected)


def test_the_biased_form_is_scipy_s_distance_and_the_fair_one_takes_off_its_bias() -> None:
    rng = np.random.default_rng(0)
    values, truth = rng.standard_normal(12), 0.4
    # half the squared energy distance to a point mass is E|X - y| - E|X - X'| / 2 with pairs of one draw with itself among them
    plain = stats.energy_distance(values, [truth]) ** 2 / 2
    apart = np.abs(values[:, None] - values).mean()
    fair = float(ensemble_crps(torch.from_numpy(values), torch.tensor(truth).double()))
    assert fair == pytest.approx(plain - apart / (2 * 11))


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("members", [4, 10])
def test_it_is_without_bias_however_few_draws(members: int, mirrored: bool) -> None:
    drawn = torch.Generator().manual_seed(0)
    rows = 50_000
    paths = torch.randn(rows, members, generator=drawn, dtype=torch.float64)
    if mirrored:
        paths = torch.cat([paths[:, : members // 2], -paths[:, : members // 2]], 1)
    # of draws that are cubed, so that partners are no mirror images of one another about the mean
    paths = 0.5 + 2 * paths + 0.3 * paths.square()
    truth = torch.full((rows,), 0.7, dtype=torch.float64)
    many = torch.randn(1_000_000, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    many = 0.5 + 2 * many + 0.3 * many.square()
    first, second = many.chunk(2)
    expected = float((many - 0.7).abs().mean() - (first - second).abs().mean() / 2)
    found = ensemble_crps(paths, truth, mirrored=mirrored)
    error = float(found.std()) / math.sqrt(rows)
    assert float(found.mean()) == pytest.approx(expected, abs=4 * error + 0.004)


def test_of_many_draws_it_is_the_closed_form_s() -> None:
    paths = 1 + 2 * torch.randn(100_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    truth = torch.tensor(2.2).double()
    expected = float(normal_crps(torch.tensor(1.0).double(), torch.tensor(2.0).double(), truth))
    assert float(ensemble_crps(paths, truth)) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    ("levels", "within"), [(3, 0.13), (9, 0.016), (19, 0.005)]
)  # evenly spaced, as --quantiles 0.05 0.1 … 0.95 are
def test_twice_the_pinball_losses_come_near_the_closed_form(levels: int, within: float) -> None:
    level = [(place + 1) / (levels + 1) for place in range(levels)]
    quantiles = torch.tensor(stats.norm.ppf(level))
    truth = torch.tensor(stats.norm.ppf((np.arange(2000) + 0.5) / 2000))
    expected = float(normal_crps(torch.zeros(2000).double(), torch.ones(2000).double(), truth).mean())
    assert expected == pytest.approx(1 / math.sqrt(math.pi), rel=1e-3)  # of a normal forecast that is right
    found = float(quantile_crps(quantiles.expand(2000, -1), truth, level).mean())
    assert found == pytest.approx(expected, rel=within)


def test_it_is_numpy_s_integral_over_uneven_levels() -> None:
    level, quantiles, truth = np.array([0.1, 0.25, 0.5, 0.9]), np.array([-1.0, -0.2, 0.1, 2.0]), 0.7
    losses = np.maximum(level * (truth - quantiles), (level - 1) * (truth - quantiles))
    expected = 2 * np.trapezoid([0, *losses, 0], [0, *level, 1])
    found = quantile_crps(torch.tensor(quantiles), torch.tensor(truth).double(), level.tolist())
    assert float(found) == pytest.approx(expected)


def test_a_new_draw_lies_below_a_quantile_as_often_as_it_should() -> None:
    drawn = torch.randn(100_000, 20, generator=torch.Generator().manual_seed(0))
    paths, truth = drawn[:, :19], drawn[:, 19:]
    levels = (0.05, 0.25, 0.5, 0.8)
    below = (truth <= ensemble_quantiles(paths, levels)).double().mean(0)
    torch.testing.assert_close(below, torch.tensor(levels).double(), atol=0.005, rtol=0)
    numpy_s = np.quantile(paths[0].numpy(), levels, method="weibull")
    np.testing.assert_allclose(ensemble_quantiles(paths[0], levels).numpy(), numpy_s, rtol=1e-5)
