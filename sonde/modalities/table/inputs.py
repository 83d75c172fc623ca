"""Tables to predict on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sonde.core.data_warning import warn
from sonde.core.dataset import Rows, Schema
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.modalities.inputs import single
from sonde.modalities.table.encode import check_sources, encode, kind_of, strangers
from sonde.modalities.table.forms.tables import row_numbers
from sonde.modalities.table.kinds import parse
from sonde.modalities.table.noted import part_to_predict, read_noted
from sonde.modalities.table.read import Table, frame_table, is_frame, numbered_like
from sonde.modalities.table.rows import TableRows


def rows_to_predict(inputs: Any, schema: Schema, tick: Tick = silent) -> tuple[Rows, list[str]]:
    """Rows without target, and a name for each; columns the model does not use are ignored.

    inputs: what `as_table` takes
    Raises: DataError for columns that are absent, and cells that do not fit
    """
    table = as_table(inputs, [column.source for column in schema.input.columns])
    columns = schema.input.columns
    check_sources(table, columns)
    categories = {c.source: parse(table, c.source, kind_of(c, columns)) for c in columns if c.kind == "category"}
    warn(strangers(table.name, categories, columns))
    rows = TableRows({"input": encode(table, columns, categories)}, table.name, row_numbers(table))
    return rows, [rows.describe(index) for index in range(len(rows))]


def as_table(inputs: Any, sources: Sequence[str] = ()) -> Table:
    """A file, a frame, a dict of columns, one row as a dict or a list of such, as a table.

    sources: the columns that the model was trained on; where they only have numbers, so have those of a file
    Raises: DataError for anything else
    """
    inputs = single(inputs)
    rows = [inputs] if isinstance(inputs, Mapping) and all(np.ndim(value) == 0 for value in inputs.values()) else inputs
    if isinstance(rows, list) and rows and all(isinstance(row, Mapping) for row in rows):
        names = list(dict.fromkeys(name for row in rows for name in row))
        inputs = {name: [row.get(name) for row in rows] for name in names}
    if isinstance(inputs, str | Path):
        path = part_to_predict(Path(inputs))
        return read_noted(path, numbered_like(path, sources) if sources else ())
    if not is_frame(inputs):
        raise DataError(
            f"the model takes rows of a table, and the input is of type {type(inputs).__name__}; give a file, a data frame, a "
            "dict of columns or a list of rows as dicts"
        )
    return frame_table(inputs, "table")
