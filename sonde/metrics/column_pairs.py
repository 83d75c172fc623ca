"""What two columns of a table say of one another, in made rows beside real ones: pair by pair, with one test for all of them.

Two numbers are compared by Spearman's correlation. Where one of the two is a category both are cut into values (a number at the
real rows' quintiles, gaps a value of their own) and the tables of how often two values meet are compared, without what their
margins alone bring about: columns that are each spread wrongly are no pair that goes together wrongly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

MOST = 2000  # rows of either that are compared
FEWEST = 20  # rows of either
MOST_VALUES = 12  # of a category; the rest counts as one
BINS = 5  # of a number beside a category
DRAWS = 300  # permutations: the least p is 1/301
HALVINGS = 8  # of the real rows, over which distances are averaged
LEVEL = 0.05  # of the test for all pairs together
LEAST = 0.05  # by which a pair is farther apart than halves of the real rows are, before anything is said of it

# M made rows, N real ones, D columns, K values of all columns together


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two columns.

    kind:     "numbers", "categories" or "mixed"
    made:     how strongly they go together in made rows: Spearman's correlation of numbers (-1 to 1), else Cramér's V (0 to 1)
    real:     the same in real rows
    distance: from 0, the same in both, to 1. Of numbers half the difference of the correlations, else the total variation
              distance of the joint tables, less the products of their margins; where margins agree, 1 - distance is what
              SDMetrics calls correlation and contingency similarity. Of as many rows on either side as a half of the real has
    floor:    the same between two halves of the real rows
    p:        that the pair is as far apart as it is, where the largest of all pairs is counted (family-wise)
    """

    first: str
    second: str
    kind: str
    made: float
    real: float
    distance: float
    floor: float
    p: float

    @property
    def wrong(self) -> bool:
        """Whether they go together otherwise than in real rows, beyond chance and by more than next to nothing."""
        return self.p < LEVEL and self.distance - self.floor >= LEAST


class Column(NamedTuple):
    """(M,) and (N,) float64 values of made and of real rows; NaN is a gap. category: whether values are codes without an order"""

    made: np.ndarray
    real: np.ndarray
    category: bool


def column_pairs(columns: Mapping[str, Column]) -> list[Pair]:
    """Of all pairs of columns that vary, those that are wrong first; by the first `MOST` rows, which are in random order.

    The test permutes which rows are made and which are real. Each pair's distance is standardised by its permutations, beside a
    category also how much higher or lower a number is for each of its values, which fewer rows tell; p is the share of
    permutations whose largest of all is as large (Westfall and Young 1993, Resampling-based multiple testing, single-step maxT).
    It holds for all pairs together, whatever depends on whatever. Empty for fewer than `FEWEST` rows of either.
    Source of the distances: Patki, Wedge and Veeramachaneni 2016, The synthetic data vault, and SDMetrics' column pair trends
    """
    kept = {name: _first(column) for name, column in columns.items() if _varies(column)}
    if len(kept) < 2 or min(len(each) for column in kept.values() for each in (column.made, column.real)) < FEWEST:
        return []
    looked = _Looked(list(kept.values()))
    drawn = np.random.default_rng(0)
    made, real = looked.made, looked.rows - looked.made
    both = [looked.associations(rows) for rows in (np.arange(made), np.arange(made, looked.rows))]
    seen, p = looked.distances(*both), _family_wise(looked.tested(*both), looked, drawn)
    distance, floor = _halved(made, real, looked, drawn)
    strength = [looked.strengths(np.arange(made)), looked.strengths(np.arange(made, looked.rows))]
    names, found = list(kept), []
    for place, (one, two) in enumerate(zip(*looked.pairs, strict=True)):
        if np.isfinite(seen[place]):
            codes = [looked.category[one], looked.category[two]]
            found.append(
                Pair(
                    first=names[one],
                    second=names[two],
                    kind="categories" if all(codes) else "mixed" if any(codes) else "numbers",
                    made=float(strength[0][place]),
                    real=float(strength[1][place]),
                    distance=float(distance[place]),
                    floor=float(floor[place]),
                    p=float(p[place]),
                )
            )
    return sorted(found, key=lambda pair: (not pair.wrong, pair.floor - pair.distance))


def wrong(pairs: Sequence[Pair]) -> list[Pair]:
    """Those that go together otherwise than in real rows, the farthest first."""
    return [pair for pair in pairs if pair.wrong]


@dataclass(frozen=True)
class _Associations:
    """correlations: (D, D) Spearman's, of numbers, else NaN;  joint: (K, K) joint shares less products of margins
    heights: (D, K) covariances of the rank of a number and of whether a value is there
    """

    correlations: np.ndarray
    joint: np.ndarray
    heights: np.ndarray


class _Looked:
    """All rows, made ones first, as the vectors whose products hold every pair's table: one matrix product for all pairs."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.made = len(columns[0].made)
        self.rows = self.made + len(columns[0].real)
        self.category = np.array([column.category for column in columns])
        hot = [_values(column) for column in columns]
        self.hot = np.concatenate(hot, 1)
        self.of = np.repeat(np.arange(len(hot)), [each.shape[1] for each in hot])
        self.sum = (self.of[:, None] == np.arange(len(hot))).astype(np.float32)  # (K, D)
        self.ranks, self.known = self._ranked(columns)
        self.pairs = np.triu_indices(len(columns), 1)

    def associations(self, rows: np.ndarray) -> _Associations:
        """Of some rows."""
        ranks, hot = self.ranks[rows], self.hot[rows]
        heights = ranks.T @ hot / np.float32(len(rows)) - np.outer(ranks.mean(0), hot.mean(0))
        return _Associations(self._correlations(rows), self._joint(rows), heights)

    def strengths(self, rows: np.ndarray) -> np.ndarray:
        """(pairs,) Spearman's correlation of numbers, Cramér's V of the tables of others."""
        share = self.hot[rows].mean(0, dtype=np.float64)
        expected = np.outer(share, share)
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = np.where(expected > 0, self._joint(rows) ** 2 / expected, 0)
        present = (share > 0).astype(np.float64) @ self.sum  # (D,) values that there are
        fewer = np.minimum(present[:, None], present[None]) - 1
        square = self.sum.T @ parts @ self.sum / np.maximum(fewer, 1)
        return np.where(self._numbers, self._correlations(rows)[self.pairs], np.sqrt(square[self.pairs]))

    @property
    def _numbers(self) -> np.ndarray:
        """(pairs,) whether both are numbers."""
        return ~(self.category[self.pairs[0]] | self.category[self.pairs[1]])

    def distances(self, one: _Associations, other: _Associations) -> np.ndarray:
        """(pairs,); NaN where nothing can be said."""
        moved = self.sum.T @ np.abs(one.joint - other.joint) @ self.sum / 2
        turned = np.abs(one.correlations - other.correlations) / 2
        return np.where(self._numbers, turned[self.pairs], moved[self.pairs])

    def tested(self, one: _Associations, other: _Associations) -> np.ndarray:
        """(2, pairs) the distances, and of a number and a category how differently high the number is; NaN of other pairs."""
        apart = np.abs(one.heights - other.heights) @ self.sum  # (D, D) of a number and the other column
        either = np.where(self.category[self.pairs[1]], apart[self.pairs], apart.T[self.pairs])
        mixed = self.category[self.pairs[0]] ^ self.category[self.pairs[1]]
        return np.stack([self.distances(one, other), np.where(mixed, either, np.nan)])

    def _joint(self, rows: np.ndarray) -> np.ndarray:
        hot = self.hot[rows]
        share = hot.mean(0)
        return hot.T @ hot / np.float32(len(rows)) - np.outer(share, share)

    def _correlations(self, rows: np.ndarray) -> np.ndarray:
        """Of ranks, over the rows in which both are known."""
        ranks, known = self.ranks[rows], self.known[rows]
        count, first = known.T @ known, ranks.T @ known  # (D, D); of the ranks of one where the other is known
        square = (ranks * ranks).T @ known
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = first / count
            spread = square / count - mean**2
            found = (ranks.T @ ranks / count - mean * mean.T) / np.sqrt(spread * spread.T)
        return np.where((count >= 3) & (spread > 1e-6) & (spread.T > 1e-6), found, np.nan)

    def _ranked(self, columns: Sequence[Column]) -> tuple[np.ndarray, np.ndarray]:
        """(N, D) ranks of numbers among made and among real rows, from -1/2 to 1/2, so that how a column is spread says nothing;
        and 1 where they are known. 0 where they are not, and of categories."""
        ranks = np.zeros((self.rows, len(columns)), np.float32)
        known = np.zeros_like(ranks)
        for place, column in enumerate(columns):
            if not column.category:
                both = [column.made, column.real]
                known[:, place] = np.isfinite(np.concatenate(both))
                ranks[:, place] = np.concatenate([_ranks(each) for each in both])
        return ranks, known


def _family_wise(seen: np.ndarray, looked: _Looked, drawn: np.random.Generator) -> np.ndarray:
    """(2, pairs) what is tested -> (pairs,) p, adjusted for all pairs."""
    permuted = np.empty((DRAWS, *seen.shape))
    for draw in range(DRAWS):
        order = drawn.permutation(looked.rows)
        permuted[draw] = looked.tested(
            *(looked.associations(rows) for rows in (order[: looked.made], order[looked.made :]))
        )
    usable = np.isfinite(permuted).all(0) & np.isfinite(seen)
    mean, spread = permuted.mean(0), permuted.std(0)
    usable &= np.where(usable, spread, 0) > 1e-9
    found = np.ones(seen.shape)
    if usable.any():
        largest = ((permuted[:, usable] - mean[usable]) / spread[usable]).max(1)
        score = (seen[usable] - mean[usable]) / spread[usable]
        found[usable] = (1 + (largest[:, None] >= score).sum(0)) / (DRAWS + 1)
    return found.min(0)


def _halved(made: int, real: int, looked: _Looked, drawn: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(pairs,) mean distances of made rows from one half of the real rows, and of the other half; as many rows of all three."""
    size = min(real // 2, made)
    apart, floors = [], []
    for _ in range(HALVINGS):
        order, some = made + drawn.permutation(real), drawn.permutation(made)[:size]
        half = looked.associations(order[:size])
        apart.append(looked.distances(looked.associations(some), half))
        floors.append(looked.distances(looked.associations(order[size : 2 * size]), half))
    return np.nan_to_num(np.array(apart)).mean(0), np.nan_to_num(np.array(floors)).mean(0)


def _first(column: Column) -> Column:
    return Column(made=column.made[:MOST], real=column.real[:MOST], category=column.category)


def _varies(column: Column) -> bool:
    """Whether real rows have two values, a gap among them."""
    return len(np.unique(column.real[:MOST])) > 1


def _values(column: Column) -> np.ndarray:
    """(N, values) 1 for the value that a row has."""
    both = np.concatenate([column.made, column.real])
    gap = ~np.isfinite(both)
    if column.category:
        names, counts = np.unique(both[~gap], return_counts=True)
        common = np.sort(names[np.argsort(-counts, kind="stable")[:MOST_VALUES]])
        place = np.searchsorted(common, both).clip(max=max(0, len(common) - 1))
        code = np.where(common[place] == both, place, len(common)) if len(common) else np.zeros(len(both), np.int64)
    else:
        known = column.real[np.isfinite(column.real)]
        edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS)) if len(known) else np.zeros(0)
        code = np.searchsorted(edges, both)  # up to an edge and above: what is common stands apart from what is larger
    code = np.where(gap, code.max(initial=0) + 1, code)
    hot = np.eye(int(code.max()) + 1, dtype=np.float32)[code]
    return hot[:, hot.any(0)]


def _ranks(values: np.ndarray) -> np.ndarray:
    """Mid-ranks of known values, from -1/2 to 1/2; 0 of a gap."""
    known = np.isfinite(values)
    found = np.zeros(len(values), np.float32)
    if known.any():
        _, place, counts = np.unique(values[known], return_inverse=True, return_counts=True)
        last = counts.cumsum()
        found[known] = (last - counts / 2)[place] / known.sum() - 0.5
    return found
