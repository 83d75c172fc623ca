import pytest
import torch
from sklearn.metrics.pairwise import polynomial_kernel

from sonde.metrics import nearest
from sonde.metrics.kernel_distance import discrepancy, kernel_distance


def test_it_is_the_mean_of_scikit_learns_kernel_over_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = torch.Generator().manual_seed(0)
    first, second = torch.randn(30, 5, generator=draw).double(), 1 + torch.randn(40, 5, generator=draw).double()
    within, other, between = (
        torch.from_numpy(polynomial_kernel(a, b, degree=3, gamma=1 / 5, coef0=1))
        for a, b in ((first, first), (second, second), (first, second))
    )
    wanted = (within.sum() - within.trace()) / (30 * 29) + (other.sum() - other.trace()) / (40 * 39)
    wanted -= 2 * between.mean()
    assert discrepancy(first, second) == pytest.approx(float(wanted), rel=1e-10)
    monkeypatch.setattr(nearest, "AT_ONCE", 100)
    assert discrepancy(first, second) == pytest.approx(float(wanted), rel=1e-10)


def test_of_one_distribution_its_mean_is_0_and_its_error_is_no_smaller_than_its_spread() -> None:
    draw = torch.Generator().manual_seed(0)
    found = [kernel_distance(*torch.randn(2, 60, 6, generator=draw)) for _ in range(400)]
    values = torch.tensor([each.value for each in found], dtype=torch.float64)
    assert abs(float(values.mean())) < 3 * float(values.std()) / 400**0.5
    errors = torch.tensor([each.error for each in found], dtype=torch.float64)
    assert float(errors.square().mean().sqrt()) >= float(values.std())


def test_what_differs_is_many_errors_away() -> None:
    draw = torch.Generator().manual_seed(0)
    found = kernel_distance(torch.randn(500, 6, generator=draw), 1 + torch.randn(500, 6, generator=draw))
    assert found.value > 10 * found.error > 0
    with pytest.raises(ValueError, match="19 rows are fewer than 2 for each of 10 subsets"):
        kernel_distance(torch.randn(19, 3), torch.randn(30, 3))
