"""Predictions of a batch as dicts by row, in the words of the data: rows of tables in the table's own columns."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from torch import Tensor

from sonde.core.dataset import Schema
from sonde.core.seams import Task
from sonde.run.sampling import made_of

GIVEN_BACK, ERROR = "reconstruction", "error"


def worded(task: Task, schema: Schema) -> Callable[[Mapping[str, Tensor]], Sequence[dict[str, Any]]]:
    """The task's `format_predictions`; where what is fed are several numbers a column (a date's parts, whether a cell is empty),
    rows given back are in the columns, units and names of the data, and errors are the sums over what a column is fed as."""
    made = made_of(schema)
    if made is None or made.rows is None or not schema.input.columns:
        return task.format_predictions
    plain, as_rows, own_types = made.plain, made.rows, made.own_types

    def told(outputs: Mapping[str, Tensor]) -> Sequence[dict[str, Any]]:
        rows = list(task.format_predictions(outputs))
        if GIVEN_BACK in outputs:
            table = plain(outputs[GIVEN_BACK].detach().float().cpu(), schema)
            table = table if own_types is None else own_types(table, schema)
            cells = [{name: _cell(value) for name, value in row.items()} for row in as_rows(table)]
            rows = [{**row, GIVEN_BACK: own} for row, own in zip(rows, cells, strict=True)]
        if ERROR in outputs:
            rows = [{**row, ERROR: _by_source(row[ERROR], schema)} for row in rows]
        return rows

    return told


def _by_source(errors: Mapping[str, float], schema: Schema) -> dict[str, float]:
    found: dict[str, float] = {}
    for column in schema.input.columns:
        found[column.source] = found.get(column.source, 0.0) + errors[column.name]
    return found


def _cell(value: Any) -> Any:
    """Dates as text, as tables of text have them."""
    return value.isoformat() if isinstance(value, date) else value
