"""Rows of a split: inputs that can be read by number, and beside them the targets, which are small and kept in memory."""

from collections.abc import Callable, Iterator, Mapping, Sized
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np

from sonde.core.dataset import Rows
from sonde.data.mapped import release


def chunks(rows: Sized, size: int) -> Iterator[np.ndarray]:
    """The numbers of all rows, `size` at a time."""
    for start in range(0, len(rows), size):
        yield np.arange(start, min(start + size, len(rows)))


class Inputs(Protocol):
    """The inputs of some rows, without their targets. Must pickle.

    read(indices) returns (n, …): uint8 (n, channels, height, width) for images at their stored size, float32 elsewhere.
    Raises: DataError naming the file (and row)
    """

    def __len__(self) -> int: ...
    def read(self, indices: np.ndarray) -> np.ndarray: ...
    def describe(self, index: int) -> str: ...
    def nbytes(self) -> int: ...  # of all inputs once packed


@runtime_checkable
class Pieces(Protocol):
    """Rows that can only be read many at a time, such as the row groups of a Parquet file.

    keep: hold all pieces from now on, for reading in any order; otherwise a thread keeps only the one it read last
    drop: let go of what this thread read last
    """

    def keep(self) -> None: ...
    def drop(self) -> None: ...


@runtime_checkable
class Sequences(Protocol):
    """Rows of sequences in memory: reading gathers some and pads them to the longest of those requested.

    lengths: (n,) int64, of each row, for batches of like length
    """

    def lengths(self) -> np.ndarray: ...


@runtime_checkable
class BucketKeys(Protocol):
    """Sequences that have keys of their own by which they are bucketed: (n,) int64, None for their lengths."""

    @property
    def bucket_keys(self) -> np.ndarray | None: ...


@runtime_checkable
class InMemory(Protocol):
    """Rows that may be whole arrays in memory, one for each field (n, …); None where they are not."""

    def held(self) -> Mapping[str, np.ndarray] | None: ...


@runtime_checkable
class OnDisk(Protocol):
    """Sequences that may stand in a temporary file and not in memory."""

    @property
    def on_disk(self) -> bool: ...


@runtime_checkable
class WithTruth(Protocol):
    """Rows that say themselves what a trivial answer is computed from: `target`, and what else its task asks for."""

    def truth(self) -> dict[str, np.ndarray]: ...


@runtime_checkable
class Labelled(Protocol):
    """Rows of several things that have names, such as windows of several series."""

    def label_of(self, index: int) -> str: ...


@runtime_checkable
class OfEncoded(Protocol):
    """Inputs made of encoded images."""

    @property
    def encoded(self) -> object: ...


@dataclass(frozen=True)
class ArrayInputs:
    """Inputs that are already in memory."""

    array: np.ndarray  # (n, …), possibly a view in another order of axes
    place: str  # what `describe` calls the array: a file's name, or "" for one that has none

    def __len__(self) -> int:
        return len(self.array)

    def read(self, indices: np.ndarray) -> np.ndarray:
        """(len(indices), …), contiguous."""
        return np.ascontiguousarray(self.array[indices])

    def describe(self, index: int) -> str:
        """ "train-images-idx3-ubyte.gz row 17", counted from 0 as the array is."""
        return f"{self.place} row {index}".lstrip()

    def nbytes(self) -> int:
        """Bytes of the array."""
        return self.array.nbytes


@dataclass(frozen=True)
class MappedInputs:
    """Inputs in a mapped file (`sonde.data.mapped`): read row by row as they are needed, and let go of again.

    array:   (n, …) as it stands in the file, possibly a view in another order of axes
    convert: rows as they stand -> as `Inputs` has them, each by itself
    row:     one of them, converted: what says shape and size
    """

    array: np.ndarray
    place: str
    convert: Callable[[np.ndarray], np.ndarray]
    row: np.ndarray

    def __len__(self) -> int:
        return len(self.array)

    def read(self, indices: np.ndarray) -> np.ndarray:
        """(len(indices), …), contiguous."""
        found = np.ascontiguousarray(self.array[indices])
        release(self.array)
        return self.convert(found)

    def describe(self, index: int) -> str:
        """ "x.npy row 17", counted from 0 as the array is."""
        return f"{self.place} row {index}".lstrip()

    def nbytes(self) -> int:
        """Bytes of the array once converted."""
        return len(self) * self.row.nbytes


@dataclass(frozen=True)
class StandardisedInputs:
    """Flat inputs (n, features) less a mean and over a std, each (features,)."""

    inputs: Inputs
    mean: np.ndarray
    std: np.ndarray

    def __len__(self) -> int:
        return len(self.inputs)

    def read(self, indices: np.ndarray) -> np.ndarray:
        """float32 (len(indices), features)."""
        return (self.inputs.read(indices) - self.mean) / self.std

    def describe(self, index: int) -> str:
        """Where the input came from."""
        return self.inputs.describe(index)

    def nbytes(self) -> int:
        """Bytes of the inputs."""
        return self.inputs.nbytes()


@dataclass(frozen=True)
class InputRows:
    """Rows made of inputs and target fields: `target`, and `mask` where targets are missing."""

    inputs: Inputs
    fields: Mapping[str, np.ndarray] = field(default_factory=dict)  # name -> (n, …)

    def __len__(self) -> int:
        return len(self.inputs)

    def read(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """The fields of some rows, in the given order."""
        return {"input": self.inputs.read(indices), **{name: values[indices] for name, values in self.fields.items()}}

    def describe(self, index: int) -> str:
        """Where the input came from."""
        return self.inputs.describe(index)

    def nbytes(self) -> int:
        """Bytes of all fields once packed."""
        return self.inputs.nbytes() + sum(values.nbytes for values in self.fields.values())

    def targets(self) -> np.ndarray:
        """The `target` field of all rows."""
        return self.fields["target"]

    def held(self) -> Mapping[str, np.ndarray] | None:
        """Whole arrays, where the inputs are one."""
        return {"input": self.inputs.array, **self.fields} if isinstance(self.inputs, ArrayInputs) else None


@dataclass(frozen=True)
class InputsOf:
    """The inputs of rows that carry a target, for prediction."""

    rows: Rows

    def __len__(self) -> int:
        return len(self.rows)

    def read(self, indices: np.ndarray) -> np.ndarray:
        """(len(indices), …)."""
        return self.rows.read(indices)["input"]

    def describe(self, index: int) -> str:
        """Where the row came from."""
        return self.rows.describe(index)

    def nbytes(self) -> int:
        """Bytes of the rows, targets included: an upper bound."""
        return self.rows.nbytes()


def unanswered(rows: Rows) -> frozenset[int]:
    """Rows to predict on that lack what the model reads: each keeps its place, and its answer stays empty."""
    return getattr(rows, "unanswered", frozenset())
