"""Encoded rows of a table, in memory."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class TableRows:
    """Encoded rows of one split, in memory: `arrays` is field name -> (n, …)."""

    arrays: Mapping[str, np.ndarray]
    table: str
    numbers: np.ndarray  # (n,) what a person calls each row

    def __len__(self) -> int:
        return len(self.numbers)

    def read(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """The fields of some rows, in the given order."""
        return {name: array[indices] for name, array in self.arrays.items()}

    def describe(self, index: int) -> str:
        """Where a row came from: "titanic.csv row 17"."""
        return f"{self.table} row {self.numbers[index]}"

    def targets(self) -> np.ndarray:
        """The `target` field of all rows."""
        return self.arrays["target"]

    def held(self) -> Mapping[str, np.ndarray]:
        """All rows as they are in memory (`sonde.data.rows.InMemory`)."""
        return self.arrays

    def nbytes(self) -> int:
        """Bytes of all fields."""
        return sum(array.nbytes for array in self.arrays.values())
