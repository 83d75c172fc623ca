import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from torch import Tensor

from sonde.metrics.frechet import between_normals, frechet_distance, frechet_error, moments


def covariance(dim: int, seed: int) -> Tensor:
    draw = torch.randn(dim, 2 * dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return draw @ draw.T / dim


def test_of_normals_with_independent_features_it_has_a_closed_form() -> None:
    mean, other = torch.tensor([1.0, 2, 3]).double(), torch.tensor([0.0, 2, 5]).double()
    spread, wider = torch.tensor([1.0, 2, 0.5]).double(), torch.tensor([2.0, 2, 1]).double()
    found = between_normals(mean, spread.square().diag(), other, wider.square().diag())
    wanted = (mean - other).square().sum() + (spread - wider).square().sum()
    assert found == pytest.approx(float(wanted), abs=1e-10)


def test_any_covariances_give_what_scipys_root_of_the_product_gives() -> None:
    first, second = covariance(20, 0), covariance(20, 1)
    root = np.real(sqrtm((first @ second).numpy()))
    wanted = float(first.trace() + second.trace()) - 2 * float(np.trace(root))
    zero = torch.zeros(20)
    assert between_normals(zero, first, zero, second) == pytest.approx(wanted, rel=1e-10)
    assert between_normals(zero, second, zero, first) == pytest.approx(wanted, rel=1e-10)


def test_singular_covariances_are_no_trouble() -> None:
    """Features that are 0 for every row, as after a ReLU, and features that are copies of one another."""
    rows = torch.randn(200, 4, generator=torch.Generator().manual_seed(0))
    wide = torch.cat([rows, rows, torch.zeros(200, 8)], 1)
    alone = frechet_distance(rows[:100], rows[100:])
    assert frechet_distance(wide[:100], wide[100:]) == pytest.approx(2 * alone, rel=1e-9)
    assert frechet_distance(wide, wide) == pytest.approx(0, abs=1e-10)


def test_moments_are_numpys() -> None:
    rows = torch.randn(30, 3, generator=torch.Generator().manual_seed(0))
    mean, found = moments(rows)
    np.testing.assert_allclose(found.numpy(), np.cov(rows.double().numpy(), rowvar=False), rtol=1e-12)
    np.testing.assert_allclose(mean.numpy(), rows.double().numpy().mean(0), rtol=1e-12)


def test_the_estimate_comes_near_the_distance_of_what_rows_are_drawn_from() -> None:
    draw = torch.Generator().manual_seed(0)
    first, second = torch.randn(20_000, 3, generator=draw), 2 * torch.randn(20_000, 3, generator=draw) + 1
    assert frechet_distance(first, second) == pytest.approx(3 * (1 + 1), rel=0.02)  # (2 - 1)^2 + 1^2 for each feature


def test_no_more_rows_than_features_are_refused() -> None:
    with pytest.raises(ValueError, match="8 rows of 8 features have no covariance of full rank"):
        frechet_distance(torch.randn(8, 8), torch.randn(20, 8))


def test_the_error_is_how_far_values_of_other_rows_lie_apart() -> None:
    drawn = torch.Generator().manual_seed(0)
    sets = [(torch.randn(200, 4, generator=drawn), torch.randn(200, 4, generator=drawn) + 1) for _ in range(60)]
    spread = torch.tensor([frechet_distance(*each) for each in sets]).std()
    errors = torch.tensor([frechet_error(*each) for each in sets[:20]])
    assert float(errors.mean()) == pytest.approx(float(spread), rel=0.3)
