"""What the columns of a table hold that a model learns from, and what was assumed of them."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from sonde.modalities.table.counted_times import order_of
from sonde.modalities.table.date_patterns import pattern_of_numbers
from sonde.modalities.table.gaps import codes_of_gaps, doubtful_code
from sonde.modalities.table.kinds import Categories, Kind, Values, infer_kind, parse
from sonde.modalities.table.read import Table


def read_features(table: Table, columns: Iterable[str]) -> tuple[dict[str, Kind], dict[str, Values], list[str]]:
    """(the kind of each column, its values, what was assumed, for a warning).

    Raises: DataError for a column with cells that do not fit the rest
    """
    kinds: dict[str, Kind] = {}
    values: dict[str, Values] = {}
    said: list[str] = []
    for column in columns:
        kind = infer_kind(table, column)
        found = parse(table, column, kind)
        if kind.kind == "number" and not isinstance(found, Categories) and column not in table.numbers:
            kind, found = _of_numbers(table, column, kind, found)
        kinds[column], values[column] = kind, found
        said += [f"{table.name}: column {column!r}: {kind.guess}"] if kind.guess else []
    return kinds, values, said


def _of_numbers(table: Table, column: str, kind: Kind, values: np.ndarray) -> tuple[Kind, Values]:
    """Numbers that count time as times, and those that stand for a gap as gaps."""
    order, said = order_of(column, values)
    if order:
        dated = Kind(kind="date", order=order, guess=said)
        stamps = parse(table, column, dated)
        assert not isinstance(stamps, Categories)
        return replace(dated, written=pattern_of_numbers(values, stamps)), stamps
    absent = codes_of_gaps(values)
    if absent:
        gone = np.isin(values, absent)
        codes = " and ".join(f"{code:.15g}" for code in absent)
        said = f"{gone.sum():,} of its cells are {codes}, which counts as missing: no other value is near it"
        return _said(replace(kind, absent=absent), said), np.where(gone, np.nan, values)
    return _said(kind, doubtful_code(values)), values


def _said(kind: Kind, more: str) -> Kind:
    return replace(kind, guess="; ".join(filter(None, (kind.guess, more))))
