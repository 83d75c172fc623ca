import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from sonde.metrics.traces import contact_precision, embedded, local_agreement, superposed, superposed_up_to_reflection


def points(count: int = 30, seed: int = 0) -> Tensor:
    return 8 * torch.randn(count, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def distances(places: Tensor) -> Tensor:
    return torch.cdist(places, places, compute_mode="donot_use_mm_for_euclid_dist")


def turned(places: Tensor) -> Tensor:
    return places @ torch.from_numpy(Rotation.from_euler("xyz", [0.4, -1.1, 2.0]).as_matrix()) + torch.tensor(
        [3.0, -7.0, 11.0]
    )


def test_true_distances_give_the_trace_back_up_to_a_mirror_image() -> None:
    places = points()
    found = embedded(distances(places))
    torch.testing.assert_close(distances(found), distances(places))
    _, one = superposed(found, places)
    _, other = superposed(-found, places)
    assert min(one, other) < 1e-6
    assert max(one, other) > 1


def test_laying_on_takes_the_nearer_mirror_image() -> None:
    for places in (points(), -points()):
        found, off = superposed_up_to_reflection(distances(places), places)
        assert off < 1e-6
        torch.testing.assert_close(found, places)


def test_a_turned_and_moved_copy_lies_on_the_original() -> None:
    places = points()
    found, off = superposed(turned(places), places)
    assert off < 1e-9
    torch.testing.assert_close(found, places)


def test_superposing_is_scipys_and_never_a_reflection() -> None:
    one, other = points(), points(seed=1)
    _, off = superposed(one, other)
    rssd = Rotation.align_vectors((other - other.mean(0)).numpy(), (one - one.mean(0)).numpy())[1]
    assert off == pytest.approx(rssd / math.sqrt(30))
    flat = one * torch.tensor([1.0, 1.0, -1.0])
    assert superposed(flat, one)[1] > 1


def test_two_traces_of_two_points_lie_apart_by_half_their_difference_in_length() -> None:
    one, other = torch.tensor([[0.0, 0, 0], [4.0, 0, 0]]), torch.tensor([[1.0, 1, 0], [1.0, 1 + 7.0, 0]])
    assert superposed(one, other)[1] == pytest.approx(1.5)


def test_local_agreement_is_one_for_the_truth_and_counts_limits() -> None:
    true = distances(points())
    assert local_agreement(true, true) == 1
    assert local_agreement(true + 0.7, true) == pytest.approx(0.75)  # within 1, 2 and 4 ångström, not within 0.5
    assert local_agreement(true + 3, true) == pytest.approx(0.25)
    assert local_agreement(true + 5, true) == 0


def test_local_agreement_looks_at_near_pairs_alone_and_at_residues_alike() -> None:
    true = torch.tensor([[0.0, 5, 40], [5, 0, 10], [40, 10, 0]])
    found = true.clone()
    found[0, 2] = found[2, 0] = 100
    assert local_agreement(found, true) == 1
    found[1, 2] = found[2, 1] = 100
    assert local_agreement(found, true) == pytest.approx((1 + 0.5 + 0) / 3)


def test_the_likeliest_pairs_far_apart_along_the_chain_are_judged() -> None:
    true = torch.full((50, 50), 20.0)
    chances = torch.zeros(50, 50)
    for place in range(10):  # ten pairs are told surest, of which six touch
        chances[place, place + 30] = 0.9
        true[place, place + 30] = 6.0 if place < 6 else 12.0
    chances[0, 5], true[0, 5] = 1.0, 3.0  # near along the chain: not looked at
    assert contact_precision(chances, true, contact=8.0) == pytest.approx(0.6)
    assert contact_precision(chances, true, contact=8.0, among=25) == 1
    assert np.isnan(contact_precision(chances[:20, :20], true[:20, :20], contact=8.0))
