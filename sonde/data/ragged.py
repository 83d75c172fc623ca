"""Rows of different lengths, held end to end and padded when they are read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Ragged:
    """Arrays that differ in their first dimension, end to end.

    values: (total, …);  starts: (n + 1,) int64, where each begins, and at last `total`
    """

    values: np.ndarray
    starts: np.ndarray

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, row: int) -> np.ndarray:
        return self.values[self.starts[row] : self.starts[row + 1]]

    def lengths(self) -> np.ndarray:
        """(n,) int64."""
        return np.diff(self.starts)

    def padded(self, rows: np.ndarray) -> np.ndarray:
        """(len(rows), longest of them, …), zeros behind the end of each."""
        begins, ends = self.starts[rows], self.starts[np.asarray(rows) + 1]
        longest = int((ends - begins).max(initial=0))
        places = begins[:, None] + np.arange(longest)
        inside = places < ends[:, None]
        found = self.values[np.where(inside, places, 0)] if len(self.values) else np.zeros((*places.shape,))
        return np.where(inside.reshape(*inside.shape, *(1,) * (found.ndim - 2)), found, 0).astype(self.values.dtype)


def end_to_end(arrays: Sequence[Sequence[int]] | Sequence[np.ndarray], dtype: type | np.dtype = np.int32) -> Ragged:
    """Lists or arrays as one.

    >>> end_to_end([[1, 2, 3], [4]]).padded(np.array([1, 0])).tolist()
    [[4, 0, 0], [1, 2, 3]]
    """
    starts = np.zeros(len(arrays) + 1, dtype=np.int64)
    starts[1:] = np.cumsum([len(array) for array in arrays])
    if not len(arrays):
        return Ragged(np.zeros(0, dtype=dtype), starts)
    return Ragged(np.concatenate([np.asarray(array, dtype=dtype) for array in arrays]), starts)


@dataclass(frozen=True)
class Numbered(Sequence[str]):
    """Names of rows that have a number in a file: "train.tsv row 17".

    numbers: (n,) int64;  word: what the file calls a row
    """

    place: str
    numbers: np.ndarray
    word: str = "row"

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]  # a sequence's takes slices too
        if isinstance(index, slice):
            return Numbered(self.place, self.numbers[index], self.word)
        return f"{self.place} {self.word} {self.numbers[index]}"


@dataclass(frozen=True, kw_only=True)
class RaggedRows:
    """Rows of sequences in memory (`sonde.data.rows.Sequences`).

    ragged: fields that differ in length from row to row, padded with zeros when read; `input` is one of them
    fixed:  fields (n, …) of one shape
    names:  where each row came from
    with_lengths: whether batches say how long each input is; tokens need not, since PAD says it
    bucket_keys: (n,) int64 by which rows are batched together; None for the lengths of the inputs
    """

    ragged: Mapping[str, Ragged]
    names: Sequence[str]
    fixed: Mapping[str, np.ndarray] = field(default_factory=dict)
    with_lengths: bool = False
    bucket_keys: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.names)

    def read(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """The fields of some rows, in the given order, each as wide as the longest of them."""
        found = {name: held.padded(indices) for name, held in self.ragged.items()}
        if self.with_lengths:
            found["lengths"] = self.lengths()[indices]
        return found | {name: values[indices] for name, values in self.fixed.items()}

    def describe(self, index: int) -> str:
        """Where the row came from."""
        return self.names[index]

    def nbytes(self) -> int:
        """Bytes of all fields as they are held."""
        return sum(held.values.nbytes for held in self.ragged.values()) + sum(v.nbytes for v in self.fixed.values())

    def lengths(self) -> np.ndarray:
        """(n,) int64, of the inputs."""
        return self.ragged["input"].lengths()

    def targets(self) -> np.ndarray:
        """The `target` field of all rows, padded to the longest where they differ."""
        if "target" in self.fixed:
            return self.fixed["target"]
        return self.ragged["target"].padded(np.arange(len(self)))
