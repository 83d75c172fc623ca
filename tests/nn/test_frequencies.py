"""Categories as normal numbers: standard normal whatever the frequencies, and never another category on the way back."""

import math

import pytest
import torch
from scipy import stats
from torch import Tensor

from sonde.nn.frequencies import Bits, Frequencies, OneOf, shares_of

SHARES = torch.tensor([0.6, 0.3, 0.09, 0.01], dtype=torch.float64)
MANY = torch.tensor(
    [0.5, *[0.02] * 24, 0.02], dtype=torch.float64
)  # 26 values: five bits, of whose patterns six stand for none


def drawn(shares: Tensor, number: int) -> Tensor:
    return torch.multinomial(shares, number, replacement=True, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize(("kind", "shares"), [(OneOf, SHARES), (Bits, SHARES), (Bits, MANY)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_come_back_and_their_numbers_are_standard_normal(kind: type, shares: Tensor, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    coded, values = kind(shares), drawn(shares, 20_000)
    numbers, log_share = coded.spread(values, torch.randn(20_000, coded.width, dtype=dtype))
    assert torch.isfinite(numbers).all()
    assert torch.equal(coded.value(numbers), values)
    torch.testing.assert_close(log_share, shares[values].log().to(dtype), atol=1e-5, rtol=1e-5)
    for column in numbers.T:
        assert stats.kstest(column.numpy(), "norm").pvalue > 1e-3
    assert (torch.corrcoef(numbers.T) - torch.eye(coded.width)).abs().max() < 0.04


@pytest.mark.parametrize(("kind", "shares"), [(OneOf, SHARES), (Bits, SHARES), (Bits, MANY)])
def test_normal_numbers_give_each_value_as_often_as_it_is(kind: type, shares: Tensor) -> None:
    torch.manual_seed(1)
    coded = kind(shares)
    found = torch.bincount(coded.value(torch.randn(100_000, coded.width)), minlength=len(shares))
    assert stats.chisquare(found.numpy(), 100_000 * shares.numpy()).pvalue > 1e-3


def test_where_all_are_as_frequent_the_largest_number_wins() -> None:
    numbers = torch.randn(500, 4)
    assert torch.equal(OneOf(torch.full((4,), 0.25)).value(numbers), numbers.argmax(1))
    assert torch.equal(
        Bits(torch.full((4,), 0.25)).value(numbers[:, :2]), (numbers[:, 0] > 0) + 2 * (numbers[:, 1] > 0).long()
    )


def test_extreme_noise_stays_finite_and_means_the_same() -> None:
    for value in range(4):
        for noise in (-8.0, 8.0):
            for coded in (OneOf(SHARES), Bits(SHARES)):
                numbers, _ = coded.spread(torch.tensor([value]), torch.full((1, coded.width), noise))
                assert torch.isfinite(numbers).all()


def test_gaps_and_categories_stand_beside_one_another() -> None:
    torch.manual_seed(2)
    known = Frequencies(torch.tensor([0.02, 0.7]), [SHARES, MANY], one_hot=[True, False])
    gaps, values = torch.rand(3000, 2) < 0.5, [drawn(SHARES, 3000), drawn(MANY, 3000)]
    numbers, nats = known.spread(gaps, values, torch.randn(3000, 2 + 4 + 5))
    again, found = known.values(numbers)
    assert torch.equal(again, gaps)
    assert all(torch.equal(a, b) for a, b in zip(found, values, strict=True))
    wanted = torch.where(gaps, torch.tensor([0.02, 0.7]), torch.tensor([0.98, 0.3])).log().sum(1)
    torch.testing.assert_close(
        nats, (wanted + SHARES.log()[values[0]] + MANY.log()[values[1]]).float(), atol=1e-4, rtol=1e-4
    )


def test_what_was_never_met_has_half_a_row() -> None:
    assert shares_of(torch.tensor([3, 0, 1])).tolist() == pytest.approx([3.5 / 5.5, 0.5 / 5.5, 1.5 / 5.5])
    assert math.isclose(float(shares_of(torch.zeros(4)).sum()), 1.0)
