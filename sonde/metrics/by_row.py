"""What was answered for each row, so that two runs that were evaluated on the same rows can be compared row by row."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from sonde.metrics.top_k import TopRows, shuffled_rank

MOST = 10_000  # rows that are kept; of more a sample that depends on their index alone, the same for every model
DIGITS = 5


class ByRow:
    """Columns of rows, (B,) each, in the order of the rows' index however they are batched."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._kept, self._coming, self._waiting = TopRows(most), list[tuple[Tensor, Mapping[str, Tensor]]](), 0
        self.rows = 0

    def update(self, index: Tensor, **columns: Tensor) -> None:
        """Add rows: index and each column (B,)."""
        self._coming.append((index.detach(), {name: column.detach() for name, column in columns.items()}))
        self.rows, self._waiting = self.rows + len(index), self._waiting + len(index)
        if self._waiting >= self.most:  # and not at every batch: keeping the sample sorts it
            self._take()

    def merge(self, other: "ByRow") -> None:
        """Add another process's rows."""
        other._take()
        self._take()
        self._kept.merge(other._kept)
        self.rows += other.rows

    def columns(self) -> dict[str, Tensor]:
        """The columns of the rows that were kept, and their "index"; on the host."""
        self._take()
        found = {name: value.cpu() for name, value in self._kept.rows.items() if name != "rank"}
        if not found:
            return {}
        order = found["index"].argsort(stable=True)
        return {name: value[order] for name, value in found.items()}

    def _take(self) -> None:
        if not self._coming:
            return
        names = self._coming[0][1]
        device = next(iter(names.values())).device
        index = torch.cat([index.to(device) for index, _ in self._coming])
        joined = {name: torch.cat([columns[name] for _, columns in self._coming]) for name in names}
        self._kept.update(shuffled_rank(index), index, joined)
        self._coming, self._waiting = [], 0


def answers_table(rows: int, columns: Mapping[str, Tensor]) -> dict[str, Any]:
    """For answers.json. rows: evaluated in all; columns: "index" and others, (N,) each; numbers with DIGITS digits"""
    index = columns["index"]
    places = None if torch.equal(index, torch.arange(len(index))) else index.tolist()
    others = {name: _listed(column) for name, column in columns.items() if name != "index"}
    return {"rows": rows, "index": places, **others}


def sums_table(by_row: ByRow, unit: str, **more: Any) -> dict[str, Any]:
    """For sums.json: what a metric is made of, of each row.

    unit: what rows are, in words;  more: what else is needed to make a metric of the sums
    """
    columns = by_row.columns()
    index = columns.pop("index", None)
    return table_of_sums(unit, by_row.rows, columns, index) | more


def table_of_sums(unit: str, rows: int, columns: Mapping[str, Tensor], index: Tensor | None = None) -> dict[str, Any]:
    """For sums.json. rows: in all;  columns: (N, …) of those that are kept;  index: (N,) their numbers, None for 0, 1, 2, …"""
    places = None if index is None or torch.equal(index, torch.arange(len(index))) else index.tolist()
    listed = {name: _listed(column) for name, column in columns.items()}
    return {"unit": unit, "rows": rows, "index": places, "columns": listed}


def _listed(column: Tensor) -> list[Any]:
    if not column.is_floating_point():
        return column.tolist()
    return [float(f"{value:.{DIGITS}g}") for value in column.tolist()]
