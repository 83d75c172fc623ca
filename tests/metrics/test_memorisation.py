import numpy as np
import pytest
import torch
from scipy.stats import kstest, mannwhitneyu

from sonde.metrics.memorisation import mann_whitney, memorisation


@pytest.mark.parametrize(("shift", "digits"), [(0.0, 6), (0.5, 6), (-0.5, 6), (0.0, 1), (0.3, 0)])
def test_the_test_is_scipys_with_ties_and_without(shift: float, digits: int) -> None:
    draw = np.random.default_rng(0)
    first, second = (draw.normal(size=60) + shift).round(digits), draw.normal(size=45).round(digits)
    wanted = mannwhitneyu(first, second, alternative="less", method="asymptotic").pvalue
    assert mann_whitney(torch.from_numpy(first), torch.from_numpy(second)) == pytest.approx(wanted, rel=1e-10)


def test_where_nothing_differs_there_is_nothing_to_tell() -> None:
    assert mann_whitney(torch.zeros(5), torch.zeros(7)) == 0.5


def test_p_is_uniform_where_samples_are_drawn_like_held_out_rows() -> None:
    """Each time with training rows of its own: those of one training set lie closer to the one or the other by chance."""
    draw = torch.Generator().manual_seed(0)
    found = [memorisation(*(torch.randn(rows, 3, generator=draw) for rows in (60, 60, 200))) for _ in range(300)]
    for name in ("p_distance", "p_ratio"):
        assert kstest([getattr(each, name) for each in found], "uniform").pvalue > 0.01, name
    assert np.mean([each.copied for each in found]) == pytest.approx(
        np.mean([each.copied_held_out for each in found]), abs=0.01
    )


def test_copies_are_told_from_samples_that_are_only_smoother() -> None:
    draw = torch.Generator().manual_seed(0)
    train, held_out, new = (torch.randn(rows, 8, generator=draw) for rows in (300, 200, 200))
    smooth = memorisation(new * 0.5, held_out, train)
    assert smooth.p_distance < 1e-6
    assert smooth.p_ratio > 0.01
    assert smooth.copied == 0
    copies = train[:100] + 0.01 * torch.randn(100, 8, generator=draw)
    half = memorisation(torch.cat([copies, new[:100]]), held_out, train)
    assert max(half.p_distance, half.p_ratio) < 1e-6
    assert half.copied == 0.5
    assert half.samples.row[:100, 0].tolist() == list(range(100))


def test_what_equals_a_row_that_is_there_twice_is_a_copy() -> None:
    train = torch.tensor([[0.0], [0.0], [5.0]])
    assert memorisation(torch.zeros(1, 1), torch.ones(1, 1), train).copied == 1


def test_samples_beside_one_outlier_are_told_from_copies_of_many_rows() -> None:
    """Far from all rows, and nearest to the one that lies out there too: the second nearest is far away."""
    draw = torch.Generator().manual_seed(0)
    train, held_out, far = (torch.randn(rows, 8, generator=draw) for rows in (300, 200, 200))
    train[7] = 20.0
    mush = memorisation(20 + far, held_out, train)
    assert mush.p_ratio < 1e-6
    assert mush.p_distance > 0.99
    assert (mush.copied, mush.one_row) == (1.0, 1.0)
    copies = memorisation(train[:100] + 0.01, held_out, train)
    assert (copies.copied, copies.one_row) == (1.0, 0.01)
    assert memorisation(train[:1] + 0.01, held_out, train).one_row == 0
