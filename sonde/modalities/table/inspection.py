"""What `sonde inspect` says of tables: their columns, copies of whole rows, and columns that give the target away."""

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import Rows
from sonde.core.findings import Finding
from sonde.core.units import count
from sonde.data.copies import Kind, copy_findings
from sonde.data.duplicates import digests, pairs_by_chance, same_groups
from sonde.data.listing import Listing
from sonde.data.splits import SubsetRows
from sonde.modalities.arrays.forms.memory import by_split
from sonde.modalities.inspect import MEETING_BY_CHANCE, InfoTable, Look, Parts
from sonde.modalities.table.column_summary import ColumnSummary, cell_codes, summarise
from sonde.modalities.table.config import TableConfig
from sonde.modalities.table.forms.tables import read_tables
from sonde.modalities.table.leaks import leak_findings
from sonde.modalities.table.read import Table, frame_table
from sonde.modalities.table.rows import TableRows


def _silent_columns(summaries: dict[str, list[ColumnSummary]], config: DataConfig) -> list[Finding]:
    """Columns that are the same, or missing, in every row."""
    findings, targets = [], config.of(TableConfig).target
    for table, columns in summaries.items():
        inputs = [column for column in columns if column.name not in targets]
        for check, chosen in (
            ("empty columns", [c.name for c in inputs if c.holds == "nothing"]),
            ("constant columns", [c.name for c in inputs if c.constant]),
        ):
            if chosen:
                what = "every cell is missing" if check == "empty columns" else "one value in every row"
                findings.append(
                    Finding(
                        check=check,
                        severity="note",
                        evidence=f"{table}: {', '.join(map(repr, chosen))}: {what}",
                        action="they are not used in training; check whether the export lost something",
                    )
                )
    return findings


def _equal_rows(look: Look, files: list[Table]) -> list[Finding]:
    codes = list(cell_codes(files).values())
    if not codes or pairs_by_chance(codes) >= MEETING_BY_CHANCE:
        return []
    starts = dict(zip((t.name for t in files), np.cumsum([0, *map(len, files)]).tolist(), strict=False))
    first_rows = {table.name: table.first_row for table in files}
    places = []
    for rows in look.dataset.splits.values():
        table, numbers = _row_numbers(rows)
        places.append(starts[table] + numbers - first_rows[table])
    matrix = np.stack(codes, axis=1)[np.concatenate(places)]
    return copy_findings(same_groups(digests(matrix)), Kind("exact", "rows"), look.survey)


def _row_numbers(rows: Rows) -> tuple[str, np.ndarray]:
    """The table some rows came from, and what a person calls each."""
    if isinstance(rows, SubsetRows):
        table, numbers = _row_numbers(rows.rows)
        return table, numbers[rows.indices]
    assert isinstance(rows, TableRows)
    return rows.table, rows.numbers


def _tables(look: Look) -> list[Table]:
    """The tables as they stand, for what encoding hides; only those whose rows are in the dataset."""
    used = {_row_numbers(rows)[0] for rows in look.dataset.splits.values()}
    path = look.path
    if path is None:
        given = by_split(look.data)["train"]
        frame = given[0] if isinstance(given, tuple) else given  # of (inputs, targets)
        return [frame_table(frame, name) for name in used]
    tables = list(read_tables(Listing(path), look.config).values())
    return [table for table in tables if table.name in used]


def _look(look: Look) -> tuple[list[Finding], list[InfoTable]]:
    files = _tables(look)
    summaries = {table.name: summarise(table) for table in files}
    found = [*_silent_columns(summaries, look.config), *_equal_rows(look, files), *leak_findings(look.dataset)]
    listings = [
        InfoTable(
            f"columns of {table}",
            ("column", "holds", "missing", "distinct", "range"),
            tuple((c.name, c.holds, count(c.missing), count(c.distinct), c.range) for c in columns),
        )
        for table, columns in summaries.items()
    ]
    return found, listings


PARTS = Parts(look=_look)
