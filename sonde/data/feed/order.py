"""Which rows each batch of each epoch holds: a pure function of the seed and the epoch."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import overload

import numpy as np
import torch
from torch import Tensor

from sonde.core.config import FeedConfig
from sonde.core.errors import ConfigError
from sonde.core.seeds import generator

AT_ONCE = 1024  # batches that are cut together
POOL = 50  # batches that are sorted by length together: few enough to leave most of the order to chance


class Batches(Sequence[Tensor]):
    """The rows of an epoch, cut a part at a time: tensors for all of millions of batches would take hundreds of megabytes.

    rows:    (n,) int64 of the whole epoch
    size:    rows of each of its `total` batches but the last, which takes all that is left
    numbers: which of them these are; by default all
    """

    def __init__(self, rows: Tensor, size: int, total: int, numbers: range | None = None) -> None:
        """
        >>> [batch.tolist() for batch in Batches(torch.arange(5), 2, 2)]
        [[0, 1], [2, 3, 4]]
        """
        self.rows, self.size, self.total = rows, size, total
        self.numbers = range(total) if numbers is None else numbers
        self._part = -1
        self._cut: tuple[Tensor, ...] = ()

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, place: int) -> Tensor: ...
    @overload
    def __getitem__(self, place: slice) -> "Batches": ...
    def __getitem__(self, place: int | slice) -> "Tensor | Batches":
        if isinstance(place, slice):
            return Batches(self.rows, self.size, self.total, self.numbers[place])
        part, number = divmod(self.numbers[place], AT_ONCE)
        if part != self._part:
            self._part, self._cut = part, self._cut_part(part)
        return self._cut[number]

    def _cut_part(self, part: int) -> tuple[Tensor, ...]:
        """Up to `AT_ONCE` batches."""
        begin, end = part * AT_ONCE, min((part + 1) * AT_ONCE, self.total)
        if end < self.total:
            return self.rows[begin * self.size : end * self.size].split(self.size)
        last = (self.total - 1) * self.size
        return (*self.rows[begin * self.size : last].split(self.size), self.rows[last:])[begin == self.total - 1 :]


@dataclass(frozen=True, kw_only=True, eq=False)
class Order:
    """The rows of an epoch, in order.

    chosen:  (n,) int64, the rows of the split that take part
    classes: rows of each class, for balanced drawing; empty draws every row once
    lengths: (rows of the split,) int64, of sequences that come in batches of like length; None for any order
    """

    chosen: Tensor
    batch_size: int
    seed: int
    shuffle: bool
    classes: tuple[Tensor, ...] = ()
    lengths: Tensor | None = None

    rows: int = field(init=False)
    """Rows of an epoch."""
    joins_last: bool = field(init=False)
    """Whether a single row would be left over at the end of an epoch of training; it then joins the batch before.

    Batch normalisation has no statistics of one row, and losses that compare rows none of their own.
    """
    batches: int = field(init=False)
    """Batches of an epoch; the last may be smaller, and in training one row larger (`joins_last`)."""

    def __post_init__(self) -> None:
        rows = len(self.chosen)
        joins = self.shuffle and rows > self.batch_size and rows % self.batch_size == 1
        # once: these are asked for at every step, and the length of a tensor takes half a microsecond
        for name, value in {"rows": rows, "joins_last": joins, "batches": -(-rows // self.batch_size) - joins}.items():
            object.__setattr__(self, name, value)

    @property
    def largest(self) -> int:
        """Rows of the largest batch."""
        return min(self.rows, self.batch_size) + self.joins_last

    def batches_of(self, epoch: int) -> Sequence[Tensor]:
        """The rows of each batch of epoch `epoch` (0-based): int64, `batch_size` each but for the last."""
        return Batches(self.of_epoch(epoch), self.batch_size, self.batches)

    def of_epoch(self, epoch: int) -> Tensor:
        """(rows,) int64: the rows of epoch `epoch` (0-based)."""
        if not self.shuffle:
            return self.chosen
        drawn = generator(self.seed, "shuffle", epoch)
        rows = self._balanced(drawn) if self.classes else self.chosen
        rows = rows[torch.randperm(len(rows), generator=drawn)]
        return rows if self.lengths is None else _bucketed(rows, self.lengths, self.batch_size, drawn)

    def _balanced(self, drawn: torch.Generator) -> Tensor:
        """As many rows as an epoch has, shared equally among the classes; small classes repeat, large ones take turns."""
        each, left_over = divmod(self.rows, len(self.classes))
        favoured = set(torch.randperm(len(self.classes), generator=drawn)[:left_over].tolist())
        picked = []
        for number, rows in enumerate(self.classes):
            whole, rest = divmod(each + (number in favoured), len(rows))
            picked += [rows.repeat(whole), rows[torch.randperm(len(rows), generator=drawn)[:rest]]]
        return torch.cat(picked)


def build_order(
    rows: int,
    config: FeedConfig,
    *,
    training: bool,
    seed: int,
    limit_batches: int = 0,
    labels: np.ndarray | None = None,
    lengths: np.ndarray | None = None,
) -> Order:
    """The order of a split of `rows` rows; without training they come once, as they stand, or by length where those differ.

    limit_batches: keep only that many batches' worth of rows, drawn once from the seed, the same in training and evaluation
    labels: (rows,) class of each row, needed for `config.balanced`
    lengths: (rows,) int64, of sequences, for `config.bucket`
    Raises: ConfigError for balanced drawing without classes
    """
    chosen = torch.arange(rows)
    if limit_batches and limit_batches * config.batch_size < rows:
        # drawn, because the first rows of sorted data are all of one class
        drawn = torch.randperm(rows, generator=generator(seed, "sample"))
        chosen = drawn[: limit_batches * config.batch_size].sort().values
    classes: tuple[Tensor, ...] = ()
    if training and config.balanced:
        if labels is None or labels.ndim != 1:
            raise ConfigError("--balanced draws classes equally often, and these targets are not one class a row")
        ours = torch.as_tensor(labels)[chosen]
        classes = tuple(chosen[ours == name] for name in ours.unique().tolist())
    known = None if lengths is None or not config.bucket or len(set(lengths)) < 2 else torch.as_tensor(lengths)
    if known is not None and not training:
        chosen = chosen[known[chosen].argsort(descending=True, stable=True)]
    return Order(
        chosen=chosen, batch_size=config.batch_size, seed=seed, shuffle=training, classes=classes, lengths=known
    )


def _bucketed(rows: Tensor, lengths: Tensor, batch_size: int, drawn: torch.Generator) -> Tensor:
    """Shuffled rows so that each batch holds like lengths: pools of many batches are sorted, and their batches shuffled."""
    pools = rows.split(POOL * batch_size)
    ordered = torch.cat([pool[lengths[pool].argsort(stable=True)] for pool in pools])
    whole = len(ordered) // batch_size
    batches = ordered[: whole * batch_size].view(whole, batch_size)
    return torch.cat([batches[torch.randperm(whole, generator=drawn)].flatten(), ordered[whole * batch_size :]])
