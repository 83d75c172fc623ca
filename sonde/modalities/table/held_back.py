"""Which rows of a table are held back: some at random, the latest (`--time`), or whole groups (`--group`)."""

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.errors import DataError, nearest
from sonde.data.splits import ORDER, split_rows
from sonde.modalities.table.config import TableConfig
from sonde.modalities.table.kinds import Categories, categories, infer_kind, parse
from sonde.modalities.table.read import Table


def hold_back(
    table: Table, index: np.ndarray, config: DataConfig, *, test: float, validation: float, labels: np.ndarray | None
) -> tuple[dict[str, np.ndarray], str]:
    """(split -> places in `index`, how they were chosen in words, "" for at random).

    index: (n,) the rows that have a target;  labels: (n,) their classes
    Raises: DataError for a column that is not there, or says nothing of a row; for both ways at once, and for time in folds
    """
    settings = config.of(TableConfig)
    if settings.time is not None and (settings.group is not None or config.folds):
        other = "--folds" if config.folds else "--group"
        raise DataError(f"--time splits {table.name} at one point in time; leave it or {other} out")
    if settings.time is not None:
        times = _times(table, settings.time, index)
        return in_time(times, test=test, validation=validation), f"the latest by {settings.time!r}"
    groups = None if settings.group is None else group_codes(table, settings.group, index)
    held = split_rows(len(index), test=test, validation=validation, labels=labels, groups=groups, fold=config.part)
    return held, f"whole groups of {settings.group!r}" if settings.group is not None else ""


def in_time(times: np.ndarray, *, test: float, validation: float) -> dict[str, np.ndarray]:
    """Rows 0..n-1 shared out by when they happened: the latest are "test", those before them "validation"; each sorted.

    test: a share of all, validation of what test leaves, as in `split_rows`. Rows of one moment stay together, in the later part.
    Raises: DataError when they leave nothing to train on

    >>> parts = in_time(np.array([3, 1, 2, 4, 4]), test=0.2, validation=0.25)
    >>> {name: rows.tolist() for name, rows in parts.items()}
    {'train': [1, 2], 'validation': [0], 'test': [3, 4]}
    """
    order = np.argsort(times, kind="stable")
    ordered, end = times[order], len(times)
    parts: dict[str, np.ndarray] = {}
    for name, share in (("test", test), ("validation", validation)):
        if share <= 0:
            continue
        begin = int(np.searchsorted(ordered, ordered[end - max(1, round(share * end))]))
        if begin == 0:
            raise DataError("too many rows have the same timestamp to split by time; leave --time out")
        parts[name], end = np.sort(order[begin:end]), begin
    parts["train"] = np.sort(order[:end])
    return {name: parts[name] for name in ORDER if name in parts}


def _times(table: Table, column: str, index: np.ndarray) -> np.ndarray:
    """(n,) datetime64 or numbers, which also have an order."""
    _check_there(table, column, "--time")
    kind = infer_kind(table, column)
    found = parse(table, column, kind)
    if isinstance(found, Categories) or kind.kind not in ("date", "number"):
        raise DataError(f"{table.name}: column {column!r} has no timestamps; choose another with --time")
    chosen = found[index]
    _refuse_gaps(table, column, index, np.isnat(chosen) if kind.kind == "date" else np.isnan(chosen))
    return chosen


def group_codes(table: Table, column: str, index: np.ndarray) -> np.ndarray:
    """(n,) which group each of some rows is in. Raises: DataError for a column that is not there, has gaps or too few groups"""
    _check_there(table, column, "--group")
    codes = categories(table, column).codes[index]
    _refuse_gaps(table, column, index, codes < 0)
    if len(np.unique(codes)) < 3:
        raise DataError(f"{table.name}: column {column!r} holds {len(np.unique(codes))} groups, too few to split")
    return codes


def _refuse_gaps(table: Table, column: str, index: np.ndarray, gone: np.ndarray) -> None:
    if gone.any():
        place = table.place(int(index[gone.argmax()]))
        raise DataError(f"{place}: column {column!r} is empty; fill in the cell, or remove the row")


def _check_there(table: Table, column: str, flag: str) -> None:
    if column not in table.columns:
        near = nearest(column, table.columns)
        hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(list(table.columns)[:8])}"
        raise DataError(f"{table.name} has no column {column!r} for {flag}; {hint}")
