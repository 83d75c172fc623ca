"""The comparison of two sets of rows beside slow references."""

import math

import pytest
import torch
from torch import Tensor

from sonde.metrics.two_samples import BANDWIDTHS, NEIGHBOUR, compare, covered, kernel, radii, standardised, unbiased


def rows(count: int, *, seed: int, shift: float = 0.0, scale: float = 1.0, features: int = 5) -> Tensor:
    return shift + scale * torch.randn(count, features, generator=torch.Generator().manual_seed(seed)).double()


def slow(real: Tensor, made: Tensor, bandwidth: float) -> float:
    """Sums over all pairs of different rows, one at a time."""

    def between(one: Tensor, other: Tensor) -> float:
        squared = float((one - other).square().sum())
        return sum(math.exp(-squared / (2 * (share * bandwidth) ** 2)) for share in BANDWIDTHS) / len(BANDWIDTHS)

    def within(these: Tensor) -> float:
        pairs = [between(a, b) for i, a in enumerate(these) for j, b in enumerate(these) if i != j]
        return sum(pairs) / len(pairs)

    across = [between(a, b) for a in real for b in made]
    return within(real) + within(made) - 2 * sum(across) / len(across)


def test_the_distance_is_the_sum_over_pairs() -> None:
    real, made = rows(9, seed=0), rows(7, seed=1, shift=0.5)
    parts = (torch.cdist(real, real), torch.cdist(real, made), torch.cdist(made, made))
    assert unbiased(*(kernel(each, 2.0) for each in parts)) == pytest.approx(slow(real, made, 2.0))
    one, other = standardised(real, made)
    among = torch.cdist(one, one)
    bandwidth = float(among[~torch.eye(9, dtype=torch.bool)].median())
    assert compare(real, made).distance == pytest.approx(slow(one, other, bandwidth))


def test_it_is_unbiased() -> None:
    """Rows of one source: 0 in the middle of many, on both sides, as large as the floor."""
    found = [compare(rows(60, seed=2 * n), rows(60, seed=2 * n + 1)) for n in range(40)]
    distances = torch.tensor([each.distance for each in found])
    assert abs(float(distances.mean())) < 3 * float(distances.std()) / math.sqrt(40)
    assert float(distances.min()) < 0 < float(distances.max())
    assert (
        0.3 < float(distances.std()) / float(torch.tensor([each.floor for each in found]).mean()) < 1.0
    )  # twice the rows


def test_shares_are_those_of_scikit_learns_neighbours() -> None:
    from sklearn.neighbors import NearestNeighbors

    real, made = rows(50, seed=0), rows(40, seed=1, shift=0.7)
    reach = NearestNeighbors(n_neighbors=NEIGHBOUR + 1).fit(real.numpy()).kneighbors(real.numpy())[0][:, -1]
    assert radii(torch.cdist(real, real)).tolist() == pytest.approx(reach.tolist())
    among = torch.cdist(made, real).numpy() <= reach
    assert covered(torch.cdist(made, real), torch.from_numpy(reach)) == pytest.approx(among.any(1).mean())


def test_rows_of_one_source_cover_each_other_and_far_ones_do_not() -> None:
    same = compare(rows(400, seed=0), rows(400, seed=1))
    assert same.recall == pytest.approx(same.real_recall, abs=0.08)
    assert same.precision == pytest.approx(same.recall, abs=0.08)
    assert same.spread == pytest.approx(1.0, abs=0.05)
    far = compare(rows(400, seed=0), rows(400, seed=1, shift=9.0))
    assert (far.precision, far.recall) == (0.0, 0.0)
    assert far.distance > 100 * far.floor


def test_a_generator_that_makes_one_thing_has_precision_without_recall() -> None:
    found = compare(rows(400, seed=0), rows(400, seed=1, scale=0.05))
    assert found.precision > 0.9
    assert found.recall < 0.1 * found.real_recall
    assert found.spread == pytest.approx(0.05, abs=0.01)


def test_the_spread_is_that_within_classes() -> None:
    label = torch.arange(200) % 2
    centres = torch.where(label == 0, -20.0, 20.0)[:, None].double()
    real, made = rows(200, seed=0) + centres, rows(200, seed=1, scale=0.5) + centres
    assert compare(real, made, label, label).spread == pytest.approx(0.5, abs=0.03)
    assert compare(real, made).spread > 0.9  # the classes lie as far apart


def test_a_feature_in_which_no_row_varies_does_not_drown_the_others() -> None:
    real, made = rows(50, seed=0), rows(50, seed=1)
    real[:, 0], made[:, 0] = 0.0, 0.0
    made[0, 0] = 1e-3
    assert compare(real, made).distance < 0.1
