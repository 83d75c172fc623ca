"""What each column of a table holds, cell by cell: the summary a person reads, and columns that say nothing."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sonde.core.units import number
from sonde.modalities.table.encode import is_row_number
from sonde.modalities.table.kinds import Categories, as_text, infer_kind, parse
from sonde.modalities.table.read import Table

SHOWN = 3  # commonest categories named


@dataclass(frozen=True, kw_only=True)
class ColumnSummary:
    """One column over all rows."""

    name: str
    holds: str  # "numbers", "categories", "dates", "nothing", "row numbers", or Arrow's word for what cannot be used
    rows: int
    missing: int
    distinct: int  # among the cells that are there
    range: str  # "0.42 to 512", "2010-01-01 to 2012-05-06", or the commonest categories

    @property
    def constant(self) -> bool:
        """One value in every row; with gaps, whether it is there still says something."""
        return self.distinct == 1 and self.missing == 0


def summarise(table: Table) -> list[ColumnSummary]:
    """A summary per column, in the table's order.

    Raises: DataError for a column with cells that do not fit the rest
    """
    return [_summary(table, name) for name in table.columns]


def cell_codes(tables: list[Table]) -> dict[str, np.ndarray]:
    """Column -> (rows of all tables,) int64 codes, equal where cells are; row numbers and columns not in all left out.

    Cells are compared as text, so an integer in one file is the same as in another, whatever type its column has there.
    """
    shared = [name for name in tables[0].columns if all(name in table.columns for table in tables)]
    codes = {}
    for name in shared:
        if all(_is_row_number(table, name) for table in tables):
            continue
        cells = []
        for column in (table.columns[name] for table in tables):
            kind = column.type
            plain = column.cast(kind.value_type) if pa.types.is_dictionary(kind) else column
            cells += [as_text(chunk) for chunk in plain.chunks]
        encoded = pa.chunked_array(cells, pa.large_string()).combine_chunks().dictionary_encode()
        indices = encoded.indices.fill_null(-1)
        codes[name] = np.asarray(indices).astype(np.int64)
    return codes


def _is_row_number(table: Table, name: str) -> bool:
    kind = infer_kind(table, name)
    if kind.kind != "number":
        return False
    values = parse(table, name, kind)
    return isinstance(values, np.ndarray) and is_row_number(name, values)


def _summary(table: Table, name: str) -> ColumnSummary:
    kind = infer_kind(table, name)
    values = parse(table, name, kind)
    rows = len(table)
    if kind.kind in ("empty", "unusable"):
        holds = "nothing" if kind.kind == "empty" else str(table.columns[name].type)
        missing = rows if kind.kind == "empty" else table.columns[name].null_count
        return ColumnSummary(name=name, holds=holds, rows=rows, missing=missing, distinct=0, range="")
    if isinstance(values, Categories):
        counts = np.bincount(values.codes[values.codes >= 0], minlength=len(values.names))
        common = [values.names[place] for place in np.argsort(-counts, kind="stable")[:SHOWN]]
        more = ", …" if len(values.names) > SHOWN else ""
        shown = [text if len(text) <= 24 else f"{text[:23]}…" for text in common]
        return ColumnSummary(
            name=name,
            holds="categories",
            rows=rows,
            missing=int((values.codes < 0).sum()),
            distinct=len(values.names),
            range=", ".join(shown) + more,
        )
    gone = np.isnat(values) if values.dtype.kind == "M" else np.isnan(values)
    there = values[~gone]
    if kind.kind == "date":
        holds, span = "dates", f"{there.min()} to {there.max()}"
    else:
        holds = "row numbers" if is_row_number(name, values) else "numbers"
        span = f"{number(float(there.min()))} to {number(float(there.max()))}"
    return ColumnSummary(
        name=name, holds=holds, rows=rows, missing=int(gone.sum()), distinct=len(np.unique(there)), range=span
    )
