"""Nearest rows by Euclidean distance, by brute force in parts: exact, in float64."""

from typing import NamedTuple

import torch
from torch import Tensor

AT_ONCE = 16_000_000  # distances that are held at a time: 128 MB

# Q queries, N rows, D numbers of a row


class Nearest(NamedTuple):
    """distance (Q, k) float64, smallest first;  row (Q, k) int64: which rows they are to"""

    distance: Tensor
    row: Tensor


def parts_of(queries: int, rows: int) -> list[slice]:
    """Queries whose distances to all rows are computed at a time."""
    step = max(1, AT_ONCE // max(1, rows))
    return [slice(first, min(first + step, queries)) for first in range(0, queries, step)]


def distances(queries: Tensor, rows: Tensor) -> Tensor:
    """(Q, D) and (N, D) float64 -> (Q, N). Of products, so that a pair's is exact to about 1e-8 of the rows' norms."""
    square = queries.square().sum(1)[:, None] + rows.square().sum(1) - 2 * (queries @ rows.T)
    return square.clamp_(min=0).sqrt_()


def nearest(queries: Tensor, rows: Tensor, k: int = 1, *, same: bool = False) -> Nearest:
    """The `k` rows next to each query; of rows of bytes only a part is held as float64 at a time.

    same: queries are the rows themselves, and a row is no neighbour of its own
    Raises: ValueError where there are fewer than `k` others
    """
    if len(rows) - same < k:
        raise ValueError(f"{k} nearest of {len(rows) - same} rows")
    middle = rows[: len(queries)].double().mean(0)  # distances of what lies far from the origin would lose digits
    queries = queries.double() - middle
    best: Nearest | None = None
    for block in parts_of(len(rows), max(len(queries), rows.shape[1])):
        found = _within(queries, rows[block].double() - middle, k, first=block.start, same=same)
        best = found if best is None else _better(best, found, k)
    assert best is not None
    return best


def _within(queries: Tensor, rows: Tensor, k: int, *, first: int, same: bool) -> Nearest:
    """The nearest among a block of rows, whose first is row `first`: at most `k`."""
    found: list[tuple[Tensor, Tensor]] = []
    for part in parts_of(len(queries), len(rows)):
        apart = distances(queries[part], rows)
        if same:
            own = torch.arange(max(part.start, first), min(part.stop, first + len(rows)))
            apart[own - part.start, own - first] = torch.inf
        values, index = apart.topk(min(k, len(rows)), dim=1, largest=False)
        found.append((values, index + first))
    return Nearest(torch.cat([values for values, _ in found]), torch.cat([index for _, index in found]))


def _better(one: Nearest, other: Nearest, k: int) -> Nearest:
    distance, index = torch.cat([one.distance, other.distance], 1), torch.cat([one.row, other.row], 1)
    values, place = distance.topk(min(k, distance.shape[1]), dim=1, largest=False)
    return Nearest(values, index.gather(1, place))
