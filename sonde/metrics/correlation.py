"""Correlations of what is predicted with what is true: Pearson's of the values, Spearman's of their ranks."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from sonde.metrics.top_k import TopRows, shuffled_rank

VALUES = 1_000_000  # numbers kept, over all targets; of more rows a sample is taken

# B rows, T targets


class Correlations:
    """Keeps predictions and targets of an evaluation's rows, all of them up to `VALUES` numbers.

    Rows beyond that are sampled by their index, so that the same rows are kept however they are batched.
    """

    def __init__(self, targets: int) -> None:
        self.limit = max(1, VALUES // targets)
        self.rows = 0
        self.sample = TopRows(self.limit)
        self.waiting: list[Mapping[str, Tensor]] = []
        self.held = 0  # rows that wait

    def update(self, values: Tensor, target: Tensor, counted: Tensor, index: Tensor) -> None:
        """Add rows: values, target and counted (bool, whether a target is known) (B, T), index (B,)."""
        self.rows += len(index)
        self._add({"values": values, "target": target, "counted": counted, "index": index.to(values.device)})

    def merge(self, other: "Correlations") -> None:
        """Add another process's rows."""
        other._sort_out()
        self.rows += other.rows
        if other.sample.rows:
            self._add({name: value for name, value in other.sample.rows.items() if name != "rank"})

    def compute(self) -> dict[str, np.ndarray]:
        """pearson and spearman, (T,) float64 each; NaN where either side does not vary."""
        self._sort_out()
        found = {name: value.cpu().double().numpy() for name, value in self.sample.rows.items()}
        pairs = []
        for column in range(found["target"].shape[1]):
            there = found["counted"][:, column] > 0
            pairs.append([found[name][there, column] for name in ("values", "target")])
        return {
            "pearson": np.array([pearson(*pair) for pair in pairs]),
            "spearman": np.array([pearson(*map(mean_ranks, pair)) for pair in pairs]),
        }

    def _add(self, rows: Mapping[str, Tensor]) -> None:
        self.waiting.append(rows)
        self.held += len(rows["index"])
        if self.held > self.limit:  # sorting them out at every batch would cost more than an evaluation does
            self._sort_out()

    def _sort_out(self) -> None:
        if not self.waiting:
            return
        together = {name: torch.cat([rows[name] for rows in self.waiting]) for name in self.waiting[0]}
        index = together.pop("index")
        self.sample.update(shuffled_rank(index), index, together)
        self.waiting, self.held = [], 0


def pearson(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's product-moment correlation of two arrays (n,); NaN for fewer than two rows, or where one does not vary.

    >>> round(pearson(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 7.0])), 4)
    0.9934
    """
    if len(one) < 2:
        return float("nan")
    a, b = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((a * a).sum()) * np.sqrt((b * b).sum()))
    return float((a * b).sum()) / scale if scale > 0 else float("nan")


def mean_ranks(values: np.ndarray) -> np.ndarray:
    """(n,) ranks from 1; equal values share the mean of theirs, so that Pearson's of ranks is Spearman's with ties.

    Source: Spearman 1904, The proof and measurement of association between two things, Am. J. Psychology 15(1)

    >>> mean_ranks(np.array([10.0, 30.0, 10.0])).tolist()
    [1.5, 3.0, 1.5]
    """
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = count.cumsum()
    return (last - (count - 1) / 2)[place]
