"""Categories as normal numbers, each as often as in the training rows: what a density of numbers has no need to learn then.

Standard normal numbers lie where a category is with the probability that the category has; so noise that is standard normal
however it is cut up stands for rows of independent columns, and rare categories are rare before anything is learned.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

HALF = 0.5  # a row of each value besides, lest any be impossible. Source: Krichevsky and Trofimov 1981, IEEE IT 27
LN2 = math.log(2)
LEAST, MOST = 1e-30, 1 - 1e-7  # of a probability whose normal number is wanted

# B rows, C values of a category, G gaps


class OneOf:
    """A category of few values: C numbers, of which value v holds where -log Φ(z_v) / p_v is smallest.

    These are exponential numbers that race at the rates p, so v wins with probability p_v; where all are equally frequent, the
    largest number wins. How many win, and by how much, is drawn in closed form.
    Source: Maddison, Tarlow and Minka 2014, A* sampling, arXiv:1411.0030 (top-down); for flows Hoogeboom et al. 2021,
    Argmax flows, arXiv:2102.05379
    """

    def __init__(self, shares: Tensor) -> None:
        """shares: (C,) above 0, their sum 1"""
        self.shares, self.width = shares, len(shares)

    def spread(self, value: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """(values (B,) int64, normal numbers (B, C)) -> normal numbers under the condition that these win; log p of each (B,)."""
        shares, place = self.shares.to(noise), value[:, None]
        times = -torch.special.log_ndtr(noise)
        first = times.gather(1, place)
        raced = (times + shares * first).scatter(1, place, shares[value][:, None] * first)
        return _normal(raced), shares[value].log()

    def value(self, numbers: Tensor) -> Tensor:
        """(B, C) -> (B,) which wins."""
        return (-torch.special.log_ndtr(numbers) / self.shares.to(numbers)).argmin(1)


class Bits:
    """A category of many values by the bits of its number: each is 1 where a number lies above what is as likely as that bit is
    after those before it."""

    def __init__(self, shares: Tensor) -> None:
        """shares: (C,) above 0, their sum 1"""
        self.width = max(1, (len(shares) - 1).bit_length())
        numbers = torch.arange(len(shares))
        self.ones: list[Tensor] = []  # of each bit, by the bits before it: how likely it is 1
        for place in range(self.width):
            before = numbers & ((1 << place) - 1)
            whole = torch.zeros(1 << place, dtype=shares.dtype).index_add(0, before, shares)
            ones = torch.zeros_like(whole).index_add(0, before, shares * (numbers >> place & 1))
            self.ones.append(torch.where(whole > 0, ones / whole.clamp(min=LEAST), 0))

    def spread(self, value: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """As `OneOf.spread`; noise (B, bits)."""
        numbers, nats = [], noise.new_zeros(len(noise))
        for place, ones in enumerate(self.ones):
            likely = ones.to(noise)[value & ((1 << place) - 1)]
            number, log_share = _cut((value >> place & 1).bool(), noise[:, place], likely)
            numbers.append(number)
            nats = nats + log_share
        return torch.stack(numbers, 1), nats

    def value(self, numbers: Tensor) -> Tensor:
        """(B, bits) -> (B,)."""
        found = torch.zeros(len(numbers), dtype=torch.int64, device=numbers.device)
        for place, ones in enumerate(self.ones):
            found |= _above(numbers[:, place], ones.to(numbers)[found]).long() << place
        return found


class Frequencies:
    """How often each gap and each value of a category is there.

    Gaps and categories of the code of a row (`ColumnCode`) -> normal numbers, and back.
    """

    def __init__(self, gaps: Tensor, categories: Sequence[Tensor], *, one_hot: Sequence[bool]) -> None:
        """gaps: (G,) share of rows with each;  categories: (C,) shares of the values of each;  one_hot: else bits"""
        self.gaps, self.shares = gaps, list(categories)
        kinds = [OneOf if each else Bits for each in one_hot]
        self.categories = [kind(share) for kind, share in zip(kinds, self.shares, strict=True)]

    def spread(self, gaps: Tensor, values: Sequence[Tensor], noise: Tensor) -> tuple[Tensor, Tensor]:
        """(gaps (B, G) bool, values (B,) of each category, normal numbers (B, W)) -> normal numbers (B, W), and log p (B,)."""
        own, *rest = noise.split([len(self.gaps), *(each.width for each in self.categories)], 1)
        numbers, log_share = _cut(gaps, own, self.gaps.to(noise).expand_as(own))
        parts, nats = [numbers], log_share.sum(1)
        for each, value, part in zip(self.categories, values, rest, strict=True):
            numbers, log_share = each.spread(value, part)
            parts.append(numbers)
            nats = nats + log_share
        return torch.cat(parts, 1), nats

    def values(self, numbers: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(B, W) -> gaps (B, G) bool, values (B,) of each category."""
        own, *rest = numbers.split([len(self.gaps), *(each.width for each in self.categories)], 1)
        gaps = _above(own, self.gaps.to(numbers).expand_as(own))
        return gaps, [each.value(part) for each, part in zip(self.categories, rest, strict=True)]


def shares_of(counts: Tensor) -> Tensor:
    """(C,) how often each was met -> (C,) its probability, of none 0.

    >>> shares_of(torch.tensor([9, 0])).tolist()
    [0.95, 0.05]
    """
    smooth = counts.double() + HALF
    return smooth / smooth.sum()


def _cut(above: Tensor, noise: Tensor, likely: Tensor) -> tuple[Tensor, Tensor]:
    """Normal numbers under the condition that they lie above (or below) what is exceeded with a probability; log of that."""
    high = -torch.special.ndtri((likely * torch.special.ndtr(-noise)).clamp(LEAST, MOST))
    low = torch.special.ndtri(((1 - likely) * torch.special.ndtr(noise)).clamp(LEAST, MOST))
    return torch.where(above, high, low), torch.where(above, likely, 1 - likely).clamp(min=LEAST).log()


def _above(numbers: Tensor, likely: Tensor) -> Tensor:
    """Whether numbers lie above what is exceeded with that probability."""
    return (torch.special.ndtr(-numbers) < likely) | (likely >= 1)


def _normal(times: Tensor) -> Tensor:
    """The normal number z with -log Φ(z) as given, exact for small and for large ones."""
    small = -torch.special.ndtri((-torch.expm1(-times)).clamp(LEAST, MOST))
    large = torch.special.ndtri((-times).exp().clamp(LEAST, MOST))
    return torch.where(times < LN2, small, large)
