"""A long row of tokens as rows of a split: windows that lie end to end, moved at random while training."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sonde.core.batch import Batch
from sonde.data.feed.order import Batches
from sonde.modalities.text.token_file import TokenFile

AHEAD = "ahead"  # the field with the tokens behind a window, which it is moved into
COUNTED = 2**24  # tokens from which on a text is summed up by how often each comes

# B rows, T tokens of a window, N tokens in all


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Row r is the tokens r T … r T + T - 1 with the token that follows each (`sonde.data.rows.Sequences`).

    Every token but the first is the target of exactly one row; the last row is filled up with PAD.
    tokens: (N,) integers, 2 at least, in memory or on disk;  length: T
    places: what the text is called from which token on, sorted: ((0, "input.txt"),)
    word:   what a person calls a token
    counts: (symbols,) int64, how often each token comes, where that is known
    """

    tokens: np.ndarray | TokenFile
    length: int
    places: Sequence[tuple[int, str]]
    word: str = "token"
    counts: np.ndarray | None = None

    def __len__(self) -> int:
        return -(-(len(self.tokens) - 1) // self.length)

    @property
    def on_disk(self) -> bool:
        """Whether the tokens stand in a file (`sonde.data.rows.OnDisk`)."""
        return isinstance(self.tokens, TokenFile)

    def read(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """`input`, `target` and `ahead`, the T tokens behind the target's last: each (len(indices), T) int64."""
        found = self._spans(np.asarray(indices) * self.length, 2 * self.length + 1)
        whole = {"input": found[:, : self.length], "target": found[:, 1 : self.length + 1]}
        whole["input"] = np.where(whole["target"] == 0, 0, whole["input"])  # the very last token has none behind it
        return {**whole, AHEAD: found[:, self.length + 1 :]}

    def _spans(self, starts: np.ndarray, count: int) -> np.ndarray:
        """(len(starts), count) int64: the tokens from each start on, zeros behind the last."""
        if isinstance(self.tokens, TokenFile):
            found = np.zeros((len(starts), count), dtype=np.int64)
            for row, start in zip(found, starts.tolist(), strict=True):
                held = self.tokens[start : start + count]
                row[: len(held)] = held
            return found
        wanted = starts[:, None] + np.arange(count)
        inside = wanted < len(self.tokens)
        return np.where(inside, self.tokens[np.where(inside, wanted, 0)], 0).astype(np.int64)

    def describe(self, index: int) -> str:
        """ "input.txt character 512": where the window begins, counted from 0 in its file."""
        start = index * self.length
        begun, name = next(place for place in reversed(self.places) if place[0] <= start)
        return f"{name} {self.word} {start - begun}"

    def nbytes(self) -> int:
        """Bytes of the tokens."""
        return self.tokens.nbytes

    def lengths(self) -> np.ndarray:
        """(n,) int64: T for all but perhaps the last."""
        found = np.full(len(self), self.length, dtype=np.int64)
        found[-1] = len(self.tokens) - 1 - (len(self) - 1) * self.length
        return found

    def targets(self) -> np.ndarray:
        """(n, T) int64 of all rows."""
        return self.read(np.arange(len(self)))["target"]

    def truth(self) -> dict[str, np.ndarray]:
        """`target`; of a long text each token once, and in `times` how often it follows another."""
        if self.counts is None or len(self.tokens) <= COUNTED:
            return {"target": self.targets()}
        times = self.counts.copy()
        times[self.tokens[0:1]] -= 1  # the first follows none
        symbols = np.flatnonzero(times)
        return {"target": symbols, "times": times[symbols]}


def moved(batch: Batch, drawn: torch.Generator) -> Batch:
    """Each window begun up to T - 1 tokens later, so that over the epochs one begins at every token.

    A window that would reach past the end of the text stays where it is. An augmentation of `sonde.data.feed.source`.
    """
    input, ahead = batch["input"], batch[AHEAD]
    text = torch.cat([input[:, :1], batch["target"], ahead], 1)  # (B, 2 T + 1)
    length = input.shape[1]
    room = (ahead != 0).sum(1)  # (B,) tokens that are there
    offsets = torch.randint(length, (len(input),), generator=drawn).to(input.device)
    places = torch.where(offsets <= room, offsets, 0)[:, None] + torch.arange(length + 1, device=input.device)
    found = text.gather(1, places)
    target = found[:, 1:]
    return Batch({**batch.fields, "input": torch.where(target == 0, 0, found[:, :-1]), "target": target}, batch.index)


@dataclass(frozen=True, eq=False)
class Streams:
    """An order (`sonde.data.feed.order`) in which every batch goes on where the one before stopped.

    The windows are dealt out to `batch_size` streams of equal length, and batch k holds window k of each; the same in every
    epoch. What does not fill the streams is left out in training, and comes as one more, smaller batch in evaluation.
    windows: of the split
    """

    windows: int
    batch_size: int
    seed: int
    training: bool

    @property
    def rows(self) -> int:
        """Windows of an epoch."""
        return self.batches * self.batch_size if self.training else self.windows

    @property
    def batches(self) -> int:
        """Batches of an epoch."""
        whole, left = divmod(self.windows, self.batch_size)
        return whole + (left > 0 and not self.training)

    def of_epoch(self, epoch: int) -> Tensor:
        """(rows,) int64: the windows of any epoch."""
        each = self.windows // self.batch_size
        streams = torch.arange(self.batch_size * each).view(self.batch_size, each)
        left = torch.arange(self.batch_size * each, self.rows)
        return torch.cat([streams.T.flatten(), left])

    def batches_of(self, epoch: int) -> Sequence[Tensor]:
        """The windows of each batch of any epoch."""
        return Batches(self.of_epoch(epoch), self.batch_size, self.batches)
