"""The few rows that an evaluation keeps whole: the most wrong ones, and a sample for a scatter plot."""

from collections.abc import Mapping

import torch
from torch import Tensor


class TopRows:
    """The `count` rows with the highest rank; equal ranks in the order of the rows' index, however they are batched."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.rows: dict[str, Tensor] = {}  # each (kept, …), highest rank first

    def update(self, rank: Tensor, index: Tensor, fields: Mapping[str, Tensor]) -> None:
        """Offer rows: rank (B,), index (B,), fields (B, …)."""
        offered = {"rank": rank.detach(), "index": index.to(rank.device), **fields}
        self._take({name: value.detach() for name, value in offered.items()})

    def merge(self, other: "TopRows") -> None:
        """Offer another process's rows."""
        if other.rows:
            self._take(other.rows)

    def _take(self, offered: Mapping[str, Tensor]) -> None:
        if self.rows:
            offered = {name: torch.cat([held, offered[name].to(held.device)]) for name, held in self.rows.items()}
        by_index = offered["index"].argsort()
        order = by_index[offered["rank"][by_index].argsort(descending=True, stable=True)][: self.count]
        self.rows = {name: value[order] for name, value in offered.items()}


def shuffled_rank(index: Tensor) -> Tensor:
    """A rank that depends on the row's index alone and has no relation to its order: a sample that any batching gives.

    Source: multiplicative hashing, Knuth, The Art of Computer Programming 3, section 6.4
    """
    return (index * 2654435761) % 2**32
