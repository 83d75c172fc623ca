"""Rows of tables that a model has made: on the scale of the table, as a file of them."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
import torch.nn.functional as F
from torch import Tensor

from sonde.core.config_file import read_config
from sonde.core.dataset import Column, Schema
from sonde.core.date_parts import to_dates
from sonde.core.run_folder import RunFolder
from sonde.modalities.made import Made
from sonde.modalities.table.compared import as_text, columns, compared
from sonde.modalities.table.date_patterns import written
from sonde.modalities.table.encode import encode
from sonde.modalities.table.read import frame_table
from sonde.modalities.table.rows import TableRows
from sonde.modalities.table.target import read_target
from sonde.nn.column_code import decimals, unit_of

WORD = "text"  # for a text of which nothing but that it is there was learned
DIGITS = 6  # of a number whose decimals are not known
MOST = 0.9  # of the training rows' numbers: a few ages of infants in months are no reason for decimals in all others


def plain(values: Tensor, schema: Schema) -> pa.Table:
    """(N, F) as the network makes them -> a table with the columns of the one that was trained on, gaps where those had some."""
    columns = schema.input.columns
    if not columns:
        return pa.table({f"c{place + 1}": values[:, place].numpy() for place in range(values.shape[1])})
    cells = values.double().numpy()
    gaps = {column.source: cells[:, place] > 0.5 for place, column in enumerate(columns) if column.part == "missing"}
    found: dict[str, pa.Array] = {}
    for place, column in enumerate(columns):
        missing = gaps.get(column.source, np.zeros(len(cells), bool))
        if column.kind == "category":
            found[column.source] = _names(cells[:, place], column)
        elif column.part == "time":
            found[column.source] = _dates(cells[:, place], column, unit_of(columns, column), missing)
        elif not column.part:
            found[column.source] = _numbers(cells[:, place], column, missing)
    return pa.table(found)


def to_judge(values: Tensor, schema: Schema) -> pa.Table:
    """The same with the columns of texts of which only whether there is one was learned: a word stands for each text."""
    table = plain(values, schema)
    lost = _lost(schema)
    for place, column in enumerate(schema.input.columns):
        if column.source in lost and column.part == "missing":
            there = values[:, place] < 0.5
            table = table.append_column(column.source, pa.array([WORD if each else None for each in there.tolist()]))
    return table


def with_classes(table: pa.Table, classes: Sequence[str], schema: Schema) -> pa.Table:
    """The same with the class that each row was made for, in a column of the target's name."""
    name = schema.input.column or "class"
    numbers = all(each.lstrip("-").isdigit() for each in schema.target.names)
    return table.append_column(name, pa.array([int(each) for each in classes] if numbers else list(classes)))


def own_types(table: pa.Table, schema: Schema) -> pa.Table:
    """The same with booleans and times where the columns of a frame that was trained on held them, and not text or days.

    A class is a boolean where the classes are true and false.
    """
    kinds = {column.source: column.own for column in schema.input.columns}
    if {*schema.target.names} == {"true", "false"}:
        kinds.setdefault(schema.input.column, "bool")
    for place, name in enumerate(table.column_names):
        own, cells = kinds.get(name, ""), table[name]
        if own == "bool" and pa.types.is_string(cells.type):
            table = table.set_column(place, name, cells.cast(pa.bool_()))
        elif own == "datetime" and pa.types.is_date(cells.type):
            table = table.set_column(place, name, cells.cast(pa.timestamp("s")))
    return table


def write(path: Path, table: Any, labels: Sequence[str] | None, schema: Schema) -> None:
    """A CSV file, which `sonde train` reads, dates as they stood in the source. labels: stand in the table"""
    patterns = {column.source: column.written for column in schema.input.columns if column.written}
    for place, name in enumerate(table.column_names):
        if name in patterns:
            stamps = table[name].to_numpy().astype("datetime64[s]")
            table = table.set_column(place, name, written(stamps, patterns[name]))
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(table.column_names)
        out.writerows(zip(*(column.to_pylist() for column in table.columns), strict=True))


def notes(schema: Schema) -> list[str]:
    """Which columns no row has, since of their texts nothing but whether there is one was learned."""
    lost = _lost(schema)
    return [f"left out: {', '.join(lost)}, of which only whether there is a text was learned"] if lost else []


def _lost(schema: Schema) -> list[str]:
    columns = schema.input.columns
    known = {column.source for column in columns if column.part != "missing"}
    return list(dict.fromkeys(column.source for column in columns if column.source not in known))


def _numbers(values: np.ndarray, column: Column, missing: np.ndarray) -> pa.Array:
    """Rounded as nearly all training rows are: whole numbers stay whole."""
    own = values * column.std + column.mean
    places = decimals(column, MOST)
    if places == 0:
        return pa.array(np.round(own).astype(np.int64), mask=missing)
    if places is None:
        places = max(0, DIGITS - 1 - int(np.floor(np.log10(column.std)))) if column.std > 0 else DIGITS
    return pa.array(np.round(own, places) + 0.0, mask=missing)


def _names(values: np.ndarray, column: Column) -> pa.Array:
    names = [None, *column.categories]
    return pa.array([names[int(code)] for code in values], pa.string())


def _dates(values: np.ndarray, column: Column, unit: str, missing: np.ndarray) -> pa.Array:
    dates = to_dates(values * column.std + column.mean, unit)
    if unit == "D":
        return pa.array(dates.astype("datetime64[D]"), mask=missing)
    return pa.array(dates, mask=missing)


def vectors(table: pa.Table, schema: Schema) -> Tensor:
    """(N, D): numbers standardised, a gap as 0 and a 1 beside it, a category as one of as many columns as there are, of size √½.

    So that rows that differ in a category alone are as far apart as those whose number differs by one standard deviation.
    """
    if not schema.input.columns:
        return torch.from_numpy(np.stack([column.to_numpy() for column in table.columns], 1))
    coded = encode(frame_table(table, "table"), schema.input.columns)
    parts = []
    for place, column in enumerate(schema.input.columns):
        values = torch.from_numpy(coded[:, place])
        if column.kind == "category":
            parts.append(F.one_hot(values.long(), len(column.categories) + 1).float() * 0.5**0.5)
        else:
            parts.append(values[:, None])
    return torch.cat(parts, 1)


def labelled(table: pa.Table, schema: Schema, folder: RunFolder) -> TableRows | None:
    """The rows as a model that answers for one of their columns reads them; its gaps left out."""
    columns = tuple(read_config(folder.config).settings.get("target") or ())
    if len(columns) != 1 or columns[0] not in table.column_names:
        return None
    read = frame_table(table, "samples")
    target = read_target(read, columns, schema.target)
    if schema.target.has_values:  # standardised, as the dataset has them
        target = ((target - np.asarray(schema.target.mean)) / np.asarray(schema.target.std)).astype(np.float32)
        known = np.flatnonzero(np.isfinite(target).all(1))
    else:
        known = np.flatnonzero(target >= 0)
    coded = encode(read, schema.input.columns)
    return TableRows({"input": coded[known], "target": target[known]}, "samples", known)


MADE = Made(
    plain=plain,
    endings=(".csv",),
    write=write,
    rows=pa.Table.to_pylist,
    with_classes=with_classes,
    own_types=own_types,
    by_share=True,
    notes=notes,
    joined=pa.concat_tables,
    chosen=pa.Table.take,
    vectors=vectors,
    space="standardised columns",
    to_judge=to_judge,
    labelled=labelled,
    compared=compared,
    columns=columns,
    as_text=as_text,
)
