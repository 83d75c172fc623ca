"""Rows of tables beside a report's cases: the values they hold, read back from what the network is fed."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from sonde.core.dataset import Column
from sonde.modalities.modality import Case

UNKNOWN = "missing or not among the training rows'"


def show(case: Case) -> dict[str, Any]:
    """The row's values by column."""
    features = case.rows.read(np.array([case.index]))["input"][0]
    return {"cells": cells(features, case.spec.columns)}


def cells(features: np.ndarray, columns: Sequence[Column]) -> dict[str, str | float | None]:
    """(F,) as fed -> the table's own values by column, of dates a value for each part; None for a gap.

    >>> age = Column(name="age", kind="number", source="age", mean=30.0, std=10.0)
    >>> sex = Column(name="sex", kind="category", source="sex", categories=("f", "m"))
    >>> cells(np.array([0.5, 2.0]), [age, sex])
    {'age': 35.0, 'sex': 'm'}
    """
    found: dict[str, str | float | None] = {}
    numbers: set[str] = set()  # columns with values of their own
    pairs = list(zip(columns, features.tolist(), strict=True))
    gaps = {column.source for column, value in pairs if column.part == "missing" and value}
    for column, value in pairs:
        if column.source in gaps:
            found[column.source] = None
        elif column.part == "missing":  # of a text column nothing but this is used
            found.setdefault(column.source, "present")
        elif column.kind == "category":
            code = int(value)
            found[column.name] = column.categories[code - 1] if 0 < code <= len(column.categories) else UNKNOWN
        else:
            found[column.name] = _own(value, column)
            numbers.add(column.source)
    return {name: value for name, value in found.items() if value != "present" or name not in numbers}


def _own(value: float, column: Column) -> float:
    """A number as the table has it, without the digits that standardising in single precision made up."""
    whole = value * column.std + column.mean
    digits = 5 - math.floor(math.log10(column.std)) if column.std > 0 else 6
    return float(f"{round(whole, digits) + 0.0:.6g}")
