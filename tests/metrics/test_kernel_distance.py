import pytest
import torch
from sklearn.metrics.pairwise import polynomial_kernel

from sonde.metrics.kernel_distance import kernel_distance


def test_it_is_the_mean_of_scikit_learns_kernel_over_pairs() -> None:
    draw = torch.Generator().manual_seed(0)
    first, second = torch.randn(33, 5, generator=draw).double(), 1 + torch.randn(40, 5, generator=draw).double()
    within, other, between = (
        torch.from_numpy(polynomial_kernel(a, b, degree=3, gamma=1 / 5, coef0=1))
        for a, b in ((first, first), (second, second), (first, second))
    )
    wanted = (within.sum() - within.trace()) / (33 * 32) + (other.sum() - other.trace()) / (40 * 39)
    wanted -= 2 * between.mean()
    assert kernel_distance(first, second).value == pytest.approx(float(wanted), rel=1e-10)


def errors_and_spread(shift: float) -> tuple[float, float, float]:
    """Of 300 pairs of sets whose features differ by `shift`: the mean value in its own error, the usual error, the spread."""
    draw = torch.Generator().manual_seed(0)
    found = [
        kernel_distance(torch.randn(60, 6, generator=draw), shift + torch.randn(60, 6, generator=draw))
        for _ in range(300)
    ]
    values, errors = (torch.tensor(each, dtype=torch.float64) for each in zip(*found, strict=True))
    spread = float(values.std())
    return float(values.mean()) / (spread / 300**0.5), float(errors.square().mean().sqrt()), spread


def test_of_one_distribution_its_mean_is_0() -> None:
    off, error, spread = errors_and_spread(0.0)
    assert abs(off) < 3
    assert spread < error < 2 * spread


def test_its_error_is_how_much_it_varies() -> None:
    off, error, spread = errors_and_spread(1.0)
    assert off > 50
    assert error == pytest.approx(spread, rel=0.2)


def test_what_differs_is_many_errors_away() -> None:
    draw = torch.Generator().manual_seed(0)
    found = kernel_distance(torch.randn(500, 6, generator=draw), 1 + torch.randn(500, 6, generator=draw))
    assert found.value > 10 * found.error > 0
    with pytest.raises(ValueError, match="19 rows are fewer than 2 for each of 10 subsets"):
        kernel_distance(torch.randn(19, 3), torch.randn(30, 3))
