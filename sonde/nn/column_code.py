"""Rows of an encoded table as vectors that noise can be added to, and back: never codes of categories as if they were numbers."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from sonde.core.dataset import Column
from sonde.core.date_parts import date_part, to_dates
from sonde.nn.frequencies import Frequencies, shares_of

# B rows, F encoded columns of a table, N of them numbers, W numbers of a code, K knots, C values of a category

KNOTS = 17  # of a number's curve: few rows fall between two, also of a small table
ONE_HOT = 16  # values of a category; more are written in bits
END = 0.005  # of the rows are taken to lie beyond the first and beyond the last
MOST_DECIMALS = 4
UNSEEN = math.log(1e-6)  # what a category is taken to be as likely as that no training row has, in nats
FAR = 100.0  # of a bent number, beyond which nothing is
LOG_NORMAL = 0.5 * math.log(2 * math.pi)


class ColumnCode:
    """Rows (B, F) as a dataset encodes them <-> codes (B, W) of which every number is continuous.

    numbers:    bent by a piecewise linear curve so that the training rows' quantiles come to lie where a normal distribution has
                its own (Kotelnikov et al. 2022, arXiv:2209.15421, use quantiles too); a missing one is 0
    gaps:       a bit, 1 or -1
    categories: one of C numbers 1 and the others -1, of more than 16 values the bits of their number as 1 and -1 (Chen et al.
                2022, arXiv:2208.04202); "missing or unknown" is a value like others where training rows have it
    dates:      their time alone; the other parts follow from it
    """

    def __init__(self, columns: Sequence[Column], *, straight: bool = False) -> None:
        """straight: numbers stay in standard deviations instead of being bent"""
        self.columns = tuple(columns)
        timed = {column.source for column in columns if column.part == "time"}
        number = [
            place
            for place, column in enumerate(columns)
            if column.kind == "number"
            and column.part != "missing"
            and (column.part == "time" or column.source not in timed)
        ]
        gap = {column.source: place for place, column in enumerate(columns) if column.part == "missing"}
        self._numbers = torch.tensor(number, dtype=torch.long)
        self._gaps = torch.tensor(list(gap.values()), dtype=torch.long)
        order = {place: at for at, place in enumerate(gap.values())}
        # of each number which gap is its own; the last entry stands for none
        self._gap_of = torch.tensor(
            [order.get(gap.get(columns[n].source, -1), len(gap)) for n in number], dtype=torch.long
        )
        self._categories = [place for place, column in enumerate(columns) if column.kind == "category"]
        self._first = [
            0 if columns[place].gaps else 1 for place in self._categories
        ]  # code of each one's first pattern
        sizes = zip(self._categories, self._first, strict=True)
        self._books = [book(len(columns[place].categories) + 1 - first) for place, first in sizes]
        self._curve = Curve([columns[place] for place in number], straight=straight)
        self._steps = torch.tensor([_step(columns[place]) for place in number], dtype=torch.float64)
        self._dates = [place for place in number if columns[place].part == "time"]
        self.frequencies = self._frequencies(
            [torch.zeros(2) for _ in gap], [torch.zeros(len(each)) for each in self._books]
        )
        self.width = len(number) + len(gap) + sum(each.shape[1] for each in self._books)

    @property
    def places(self) -> tuple[list[int], list[int], list[int]]:
        """Which of the F columns the numbers, the gaps and the categories of a code stand for, in its order."""
        return self._numbers.tolist(), self._gaps.tolist(), self._categories

    @property
    def one_hot(self) -> list[bool]:
        """Of each category, whether one of its numbers is 1 and the others -1; else they are bits."""
        return [len(patterns) <= ONE_HOT for patterns in self._books]

    def parts(self, code: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """(B, W) -> its numbers (B, N), its gaps (B, G), and what stands for each category (B, C) or (B, bits)."""
        widths = [len(self._numbers), len(self._gaps), *(patterns.shape[1] for patterns in self._books)]
        numbers, gaps, *patterns = code.split(widths, 1)
        return numbers, gaps, patterns

    def log_slopes(self, numbers: Tensor) -> Tensor:
        """(B, N) numbers of a code -> the logarithm of how steep their curves are there, by which densities differ."""
        return -self._curve.slopes_back(numbers).log()

    def absent(self, gaps: Tensor) -> Tensor:
        """(B, G) gaps of a code -> (B, N) whether a number is missing."""
        known = torch.cat([gaps > 0, gaps.new_zeros(len(gaps), 1, dtype=torch.bool)], 1)
        return known.index_select(1, self._gap_of.to(gaps.device))

    def unseen(self, rows: Tensor) -> Tensor:
        """(B, F) -> (B, categories) 1 where one is missing or unknown and no training row had such; else 0."""
        found = [rows[:, place] < first for place, first in zip(self._categories, self._first, strict=True)]
        return torch.stack(found, 1).to(rows) if found else rows.new_zeros(len(rows), 0)

    def encode(self, rows: Tensor) -> Tensor:
        """(B, F) -> (B, W)."""
        missing = self._missing(rows)
        numbers = torch.where(missing, 0, self._curve(rows.index_select(1, self._numbers.to(rows.device)))[0])
        return torch.cat([numbers, self._bits(rows), *self._patterns(rows)], 1)

    def cells(self, rows: Tensor) -> Tensor:
        """(B, F) -> (B, 2, N) between which bent numbers a number is rounded to what it is: its lower edge and its upper one.

        The lowest and the highest number of the training rows stand for all beyond (minus and plus `FAR`), as samples do not go
        beyond them; both edges of one whose rounding is not known are where it is itself.
        """
        numbers, half = rows.index_select(1, self._numbers.to(rows.device)), self._steps.to(rows) / 2
        low, high = (self._curve(numbers + side * half)[0] for side in (-1, 1))
        first, last = self._curve.ends(numbers - half, numbers + half)
        return torch.stack([torch.where((half > 0) & first, -FAR, low), torch.where((half > 0) & last, FAR, high)], 1)

    @property
    def widths(self) -> Tensor:
        """(N,) what numbers are rounded to, in standard deviations; 0 where that is not known."""
        return self._steps

    @property
    def counts_rows(self) -> bool:
        """Whether `know` makes a difference."""
        return bool(len(self._gaps) or self._categories)

    def know(self, rows: Tensor) -> None:
        """Let gaps and categories be as often in `spread` as in training rows (N, F); until then all are alike."""
        gaps = [torch.bincount(each, minlength=2) for each in (self._bits(rows) > 0).long().cpu().unbind(1)]
        values = [
            torch.bincount(each.cpu(), minlength=len(patterns))
            for each, patterns in zip(self._values(rows), self._books, strict=True)
        ]
        self.frequencies = self._frequencies(gaps, values)

    def shares(self) -> list[list[float]]:
        """What `know` came to, for `take_shares`: the gaps', and those of each category."""
        return [self.frequencies.gaps.tolist(), *(each.tolist() for each in self.frequencies.shares)]

    def take_shares(self, shares: Sequence[Sequence[float]]) -> None:
        """Be as `know` left another."""
        gaps, *categories = [torch.tensor(each, dtype=torch.float64) for each in shares]
        self.frequencies = Frequencies(gaps, categories, one_hot=self.one_hot)

    def spread(self, rows: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """(codes (B, W) that have a density, how many nats the likelihood of a row is at least above that of its code (B,)).

        Numbers get noise within what they are rounded to, missing ones are noise. Gaps and categories become normal numbers that
        lie where standard normal ones do as often as the training rows have these (`Frequencies`). A density of the codes then
        gives a lower bound of the rows': of their density in standard deviations, and of the probability of categories and gaps.
        For numbers that are neither rounded nor missing it is exact.
        Source: Ho et al. 2019, arXiv:1902.00275 (dequantisation)
        noise: (B, W) standard normal numbers
        """
        size = len(self._numbers)
        own, rest = noise[:, :size], noise[:, size:]
        missing = self._missing(rows)
        numbers = rows.index_select(1, self._numbers.to(rows.device))
        within = torch.special.ndtr(own) - 0.5
        bent, slopes = self._curve(numbers + within * self._steps.to(numbers))
        nats = torch.where(missing, _nats(own), slopes.log()).sum(1)
        chosen, log_share = self.frequencies.spread(self._bits(rows) > 0, self._values(rows), rest)
        nats = nats + _nats(chosen).sum(1) + log_share
        return torch.cat([torch.where(missing, own, bent), chosen], 1), nats + UNSEEN * self.unseen(rows).sum(1)

    def unspread(self, code: Tensor) -> Tensor:
        """(B, W) as `spread` gives them, or new ones like them -> (B, F) values that a row of the table could have."""
        size = len(self._numbers)
        gaps, values = self.frequencies.values(code[:, size:])
        return self._rows(code[:, :size], gaps.to(code), values)

    def decode(self, code: Tensor) -> Tensor:
        """(B, W) -> (B, F): the nearest values that a row of the training table could have."""
        numbers, gaps, parts = self.parts(code)
        values = [(part @ book.to(code).T).argmax(1) for part, book in zip(parts, self._books, strict=True)]
        return self._rows(numbers, (gaps > 0).to(code), values)

    def _rows(self, bent: Tensor, gaps: Tensor, values: Sequence[Tensor]) -> Tensor:
        """Bent numbers (B, N), gaps (B, G) 1 or 0, values (B,) of each category -> (B, F)."""
        rows = bent.new_zeros(len(bent), len(self.columns))
        numbers = self._curve.inverse(bent)
        rows[:, self._gaps] = gaps
        rows[:, self._numbers] = torch.where(self._missing(rows), 0, numbers)
        for place, first, value in zip(self._categories, self._first, values, strict=True):
            rows[:, place] = value.to(bent) + first
        for place in self._dates:
            self._follow(rows, place)
        return rows

    def _frequencies(self, gaps: Sequence[Tensor], values: Sequence[Tensor]) -> Frequencies:
        """Of how often each gap was not there and there, (2,), and each value of a category, (C,)."""
        there = torch.stack([shares_of(each)[1] for each in gaps]) if gaps else torch.zeros(0, dtype=torch.float64)
        return Frequencies(there, [shares_of(each) for each in values], one_hot=self.one_hot)

    def _missing(self, rows: Tensor) -> Tensor:
        """(B, N) whether a number is missing."""
        return self.absent(self._bits(rows))

    def _bits(self, rows: Tensor) -> Tensor:
        return 2.0 * (rows.index_select(1, self._gaps.to(rows.device)) > 0.5).to(rows) - 1

    def _patterns(self, rows: Tensor) -> list[Tensor]:
        """(B, C) or (B, bits) of each category."""
        return [patterns.to(rows)[value] for patterns, value in zip(self._books, self._values(rows), strict=True)]

    def _values(self, rows: Tensor) -> list[Tensor]:
        """(B,) int64 the value of each category, from 0."""
        places = zip(self._categories, self._first, strict=True)
        return [(rows[:, place].long() - first).clamp(min=0) for place, first in places]

    def _follow(self, rows: Tensor, place: int) -> None:
        """Set all parts of a date by its time."""
        time = self.columns[place]
        parts = [(n, c) for n, c in enumerate(self.columns) if c.source == time.source and c.part != "missing"]
        dates = to_dates(
            rows[:, place].detach().cpu().double().numpy() * time.std + time.mean, unit_of(self.columns, time)
        )
        gap = next((n for n, c in enumerate(self.columns) if c.source == time.source and c.part == "missing"), None)
        there = 1 - rows[:, gap] if gap is not None else torch.ones_like(rows[:, place])
        for number, column in parts:
            values = (date_part(dates, column.part) - column.mean) / column.std
            rows[:, number] = torch.from_numpy(values.astype(np.float32)).to(rows) * there


class Curve:
    """N numbers, each bent by its own increasing piecewise linear curve: its knots are training quantiles, and go where as many
    of a standard normal distribution lie below as of the training rows, ties by half. Beyond them it goes on as in the last
    piece."""

    def __init__(self, columns: Sequence[Column], *, straight: bool = False) -> None:
        knots = [_knots((), ()) if straight else _knots(column.quantiles, column.shares) for column in columns]
        most = max((len(x) for x, _ in knots), default=2)
        self._from = torch.stack([_continued(x, most) for x, _ in knots]) if knots else torch.zeros(0, 2)
        self._to = torch.stack([_continued(z, most) for _, z in knots]) if knots else torch.zeros(0, 2)
        self._low = torch.tensor([min(c.quantiles, default=-math.inf) for c in columns], dtype=torch.float64)
        self._high = torch.tensor([max(c.quantiles, default=math.inf) for c in columns], dtype=torch.float64)

    def __call__(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """(B, N) -> (the same, bent; how steep the curve is there)."""
        return _bent(numbers, self._from, self._to)

    def inverse(self, bent: Tensor) -> Tensor:
        """(B, N) -> what is bent to it, within the range of the training rows."""
        found, _ = _bent(bent, self._to, self._from)
        return found.clamp(self._low.to(found), self._high.to(found))

    def ends(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        """(B, N) lower and upper edges -> whether the least, and the largest, number of the training rows lies beyond them."""
        return low <= self._low.to(low), high >= self._high.to(high)

    def slopes_back(self, bent: Tensor) -> Tensor:
        """(B, N) -> how steep the way back is there."""
        return _bent(bent, self._to, self._from)[1]


def book(values: int) -> Tensor:
    """(values, bits) the pattern of 1 and -1 of each number of a category.

    >>> book(2).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    if values <= ONE_HOT:
        return 2 * torch.eye(values) - 1
    bits = torch.arange(max(1, (values - 1).bit_length()))
    return 2.0 * (torch.arange(values)[:, None] >> bits & 1) - 1


def decimals(column: Column, share: float = 1.0) -> int | None:
    """How many decimals the numbers of a column have at most, of at least this share of their quantiles; None for more than four.

    >>> decimals(Column(name="age", kind="number", source="age", mean=30.5, std=10.0, quantiles=(-2.95, 0.05)))
    0
    """
    if not column.quantiles:
        return None
    values = np.array(column.quantiles) * column.std + column.mean
    doubt = 1e-12 * (abs(column.mean) + column.std * np.abs(column.quantiles).max()) + 1e-15
    for places in range(MOST_DECIMALS + 1):
        if doubt > 0.01 * 10.0**-places:
            return None
        if (np.abs(values - np.round(values, places)) <= doubt).mean() >= share:
            return places
    return None


def unit_of(columns: Sequence[Column], time: Column) -> str:
    """To what a date column is exact: "m" for minutes, "h" for hours, "D" for days."""
    parts = {column.part for column in columns if column.source == time.source}
    return "m" if "minute" in parts else "h" if "hour" in parts else "D"


def _step(column: Column) -> float:
    """What numbers are rounded to, in standard deviations; 0 for nothing that is known."""
    places = decimals(column) if not column.part else None
    return 0.0 if places is None else 10.0**-places / column.std


def _knots(quantiles: Sequence[float], shares: Sequence[float]) -> tuple[Tensor, Tensor]:
    """(from, to) of one curve; a straight one where fewer than two quantiles are known.

    shares: of the training rows below each, rising; () takes even steps, as runs of earlier versions were trained
    """
    if len(quantiles) < 2:
        straight = torch.tensor([-1.0, 1.0], dtype=torch.float64)
        return straight, straight
    chosen = np.unique(np.linspace(0, len(quantiles) - 1, min(KNOTS, len(quantiles))).round().astype(int))
    edges = torch.tensor([quantiles[place] for place in chosen], dtype=torch.float64)
    share = torch.tensor([shares[place] for place in chosen], dtype=torch.float64) if shares else None
    share = torch.linspace(0, 1, len(edges), dtype=torch.float64) if share is None else share
    return edges, torch.special.ndtri(share.clamp(END, 1 - END))


def _continued(knots: Tensor, number: int) -> Tensor:
    """As many knots as all curves have, in even steps beyond the last."""
    more = torch.arange(1, number - len(knots) + 1, dtype=knots.dtype)
    return torch.cat([knots, knots[-1] + more * (knots[-1] - knots[-2])])


def _bent(numbers: Tensor, before: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
    """(B, N) by curves from knots (N, K) to knots (N, K), and their slopes (B, N)."""
    if not numbers.shape[1]:
        return numbers, numbers
    before, after = before.to(numbers), after.to(numbers)
    piece = torch.searchsorted(before[:, 1:-1].contiguous(), numbers.T.contiguous())
    x, z = before.gather(1, piece), after.gather(1, piece)
    slope = (after.gather(1, piece + 1) - z) / (before.gather(1, piece + 1) - x)
    return (z + slope * (numbers.T - x)).T, slope.T


def _nats(noise: Tensor) -> Tensor:
    """Minus the log-density of standard normal numbers, each."""
    return 0.5 * noise.square() + LOG_NORMAL
