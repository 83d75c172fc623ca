"""Rows of a table that follow one another in time, where a task looks at each by itself."""

from collections.abc import Mapping

import numpy as np

from sonde.core.units import counted
from sonde.modalities.table.kinds import Categories, Kind, Values
from sonde.modalities.table.together import are_times
from sonde.tasks.table import spec

BLOCK = (
    16  # rows in which a column of a series changes little from one to the next, beside how much it varies among them
)
CALM = 0.5  # of the squared change between rows that are in no order
FEWEST = 8 * BLOCK  # rows
SORTED = 0.98  # of the changes go one way: a table that was sorted by the column


def scored_one_by_one(
    kinds: Mapping[str, Kind], values: Mapping[str, Values], table: str, task: str | None
) -> list[str]:
    """A warning for a series whose rows a task tells apart from normal ones each by itself, with what has windows instead."""
    if task is None or not spec(task).trains_on:
        return []
    times = [
        name
        for name, kind in kinds.items()
        if kind.kind == "date" and not isinstance(found := values[name], Categories) and are_times(name, found)
    ]
    order = None if not times else np.argsort(values[times[0]], kind="stable")  # type: ignore[arg-type]
    calm, looked = _calm(kinds, values, order)
    if not times and (not looked or calm * 2 < looked):
        return []
    seen = [f"{times[0]!r} holds times"] if times else []
    seen += (
        [f"{calm} of {counted(looked, 'column', 'columns')} of numbers change little from row to row"] if calm else []
    )
    return [
        f"{table}: each row is scored by itself, though {' and '.join(seen)}: what is odd in its course alone is not found; for "
        "stretches of time save windows of rows, (n, steps, columns), as x in an .npz, and train on that with --stretch STEPS"
    ]


def _calm(kinds: Mapping[str, Kind], values: Mapping[str, Values], order: np.ndarray | None) -> tuple[int, int]:
    """(columns of numbers that change little from row to row, all that could be looked at). order: of the rows in time"""
    calm = looked = 0
    for name, kind in kinds.items():
        found = values[name]
        if kind.kind != "number" or isinstance(found, Categories):
            continue
        column = found if order is None else found[order]
        ratio = _roughness(column)
        looked += ratio is not None
        calm += ratio is not None and ratio < CALM
    return calm, looked


def _roughness(column: np.ndarray) -> float | None:
    """The mean squared change from row to row beside twice the variance within short blocks: 1 for rows in no order, near 0 for a
    smooth series. None for a column of few rows, with gaps or by which the table is sorted.

    Source: von Neumann 1941, Distribution of the ratio of the mean square successive difference to the variance; within blocks,
    so that groups of rows that stand together are no series
    """
    if len(column) < FEWEST or np.isnan(column).any():
        return None
    change = np.diff(column)
    if max((change >= 0).mean(), (change <= 0).mean()) > SORTED:
        return None
    blocks = column[: len(column) // BLOCK * BLOCK].reshape(-1, BLOCK)
    spread = float(blocks.var(axis=1, ddof=1).sum())
    changes = float((np.diff(blocks, axis=1) ** 2).mean(axis=1).sum())
    return changes / (2 * spread) if spread > 0 else None
