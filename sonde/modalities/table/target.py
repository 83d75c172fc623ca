"""What is to be predicted, out of the columns a person named: classes, several yes-or-no labels, or values."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sonde.core.dataset import Fact, TargetSpec
from sonde.core.errors import DataError, nearest
from sonde.core.natural_order import in_natural_order
from sonde.modalities.table.kinds import Categories, Kind, categories, infer_kind, number_name, parse
from sonde.modalities.table.read import Table
from sonde.tasks.table import target_kind

MOST_INTEGER_CLASSES = 20  # integers with more distinct values than this are quantities
LIKELY_NAMES = ("target", "label", "labels", "class", "y", "outcome", "species", "category", "survived", "price")


@dataclass(frozen=True, kw_only=True)
class Target:
    """How target columns become the `target` field.

    columns: of the table
    spec:    mean and std still empty for values: they are fitted on the training rows
    """

    columns: tuple[str, ...]
    spec: TargetSpec
    fact: Fact


def target_columns(table: Table, requested: Sequence[str]) -> tuple[str, ...]:
    """The requested columns, all there.

    Raises: DataError with near names for one that is not, or with likely columns when none is given
    """
    names = list(table.columns)
    if not requested:
        likely = [n for n in names if n.lower() in LIKELY_NAMES] or [names[-1]]
        raise DataError(
            f"{table.name}: which column is the target? Use --target {likely[0]!r}, or another of "
            f"{', '.join(map(repr, names[:20]))}" + (" …" if len(names) > 20 else "")
        )
    for name in requested:
        if name not in table.columns:
            near = nearest(name, names) or [n for n in names if n.lower() == name.lower()]
            hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"it has {_listed(names)}"
            raise DataError(f"{table.name} has no column {name!r} to predict; {hint}")
    return tuple(dict.fromkeys(requested))


def infer_target(table: Table, columns: Sequence[str], task: str | None) -> Target:
    """The kind of target that columns hold; a task that is named and needs classes or values wins over what they look like.

    Raises: DataError for a target that cannot be learned: missing or the same in every row, dates, as many classes as rows
    """
    for column in columns:
        if infer_kind(table, column).kind == "empty":
            raise DataError(f"{table.name}: target column {column!r} is missing in every row")
    wanted = target_kind(task)
    if len(columns) > 1:
        return _several(table, tuple(columns), wanted)
    column = columns[0]
    kind = _column_kind(table, column, wanted)
    values = parse(table, column, kind)
    if isinstance(values, Categories):
        used = np.bincount(values.codes[values.codes >= 0], minlength=len(values.names)) > 0
        names = in_natural_order(name for name, there in zip(values.names, used, strict=True) if there)
        why = f"{column!r} holds names"
    elif wanted == "value":
        return _values(table, (column,), values[:, None], f"--task {task}")
    elif wanted == "class" or _looks_like_classes(values):
        distinct = np.unique(values[~np.isnan(values)])
        names = [number_name(v) for v in distinct]
        why = f"{column!r} holds {len(names)} distinct integers; --task regression treats them as values"
        if wanted == "class":
            why = f"--task {task}"
    else:
        return _values(table, (column,), values[:, None], f"{column!r} holds numbers")
    present = int((values.codes >= 0).sum() if isinstance(values, Categories) else (~np.isnan(values)).sum())
    _check_classes(table, column, names, present)
    fact = Fact(f"{len(names)} classes: {_listed(names)}", why)
    return Target(columns=(column,), spec=TargetSpec(kind="class", names=tuple(names)), fact=fact)


def read_target(table: Table, columns: Sequence[str], spec: TargetSpec) -> np.ndarray:
    """Targets of a table: (n,) int64 with -1 where missing for classes, else (n, T) float64 with NaN where missing.

    Raises: DataError for a class that `spec` does not know, or a cell that is no number
    """
    target_columns(table, columns)
    if spec.kind != "class":
        return _numbers(table, columns)
    column = columns[0]
    values = categories(table, column)
    known = {name: code for code, name in enumerate(spec.names)}
    names = [name if name in known else _number_text(name) for name in values.names]
    codes = np.array([known.get(name, -2) for name in names] + [-1], dtype=np.int64)[values.codes]
    unknown = np.flatnonzero(codes == -2)
    if len(unknown):
        row = int(unknown[0])
        raise DataError(
            f"{table.place(row)}: {column!r} is {names[values.codes[row]]!r}, a class that training rows do not have; "
            f"they have {_listed(spec.names)}"
        )
    return codes


def _column_kind(table: Table, column: str, wanted: str | None) -> Kind:
    kind = infer_kind(table, column)
    if kind.kind == "date":
        raise DataError(
            f"{table.name}: target column {column!r} holds dates, which cannot be predicted; choose another"
        )
    if kind.kind == "unusable":
        raise DataError(
            f"{table.name}: target column {column!r} holds {table.columns[column].type}; it must hold one value"
        )
    return Kind(kind="number") if wanted == "value" else kind


def _several(table: Table, columns: tuple[str, ...], wanted: str | None) -> Target:
    values = _numbers(table, columns)
    binary = np.isin(values[~np.isnan(values)], (0, 1)).all()
    if wanted == "class" and not binary:
        raise DataError(f"{table.name}: several targets can only be classified when they are 0 or 1; name one target")
    if not binary or wanted == "value":
        return _values(table, columns, values, "several target columns hold numbers")
    _refuse_constant(table, columns, values)
    masked = bool(np.isnan(values).any())
    fact = Fact(f"{len(columns)} labels: {_listed(columns)}", "the target columns hold 0 and 1" + _gaps(values))
    return Target(columns=columns, spec=TargetSpec(kind="labels", names=columns, masked=masked), fact=fact)


def _values(table: Table, columns: tuple[str, ...], values: np.ndarray, why: str) -> Target:
    _refuse_constant(table, columns, values)
    masked = len(columns) > 1 and bool(np.isnan(values).any())
    what = f"values of {columns[0]}" if len(columns) == 1 else f"{len(columns)} values: {_listed(columns)}"
    fact = Fact(what, why + (_gaps(values) if masked else ""))
    return Target(columns=columns, spec=TargetSpec(kind="value", names=columns, masked=masked), fact=fact)


def _numbers(table: Table, columns: Sequence[str]) -> np.ndarray:
    """(n, T) float64 of number or boolean columns."""
    parsed = []
    for column in columns:
        values = parse(table, column, _number_or_boolean(table, column))
        if isinstance(values, Categories):
            lookup = np.array([*({"true": 1.0, "false": 0.0}[n] for n in values.names), np.nan])
            values = lookup[values.codes]
        parsed.append(values)
    return np.stack(parsed, axis=1)


def _number_or_boolean(table: Table, column: str) -> Kind:
    kind = infer_kind(table, column)
    if kind.kind == "category":
        values = parse(table, column, kind)
        if isinstance(values, Categories) and set(values.names) <= {"true", "false"}:
            return kind
    return Kind(kind="number")


def _refuse_constant(table: Table, columns: Sequence[str], values: np.ndarray) -> None:
    for column, series in zip(columns, values.T, strict=True):
        distinct = np.unique(series[~np.isnan(series)])
        if len(distinct) == 1:
            raise DataError(
                f"{table.name}: target column {column!r} is {number_name(distinct[0])} in every row; there is nothing to learn"
            )


def _check_classes(table: Table, column: str, names: Sequence[str], rows: int) -> None:
    if len(names) == 1:
        raise DataError(
            f"{table.name}: target column {column!r} is {names[0]!r} in every row; there is nothing to learn"
        )
    if len(names) == rows:
        raise DataError(
            f"{table.name}: target column {column!r} has as many classes as rows ({rows}); name another --target, "
            f"or use --task regression if it holds quantities"
        )


def _looks_like_classes(values: np.ndarray) -> bool:
    present = values[~np.isnan(values)]
    if (present != np.floor(present)).any():
        return False
    distinct = len(np.unique(present))
    return distinct <= min(MOST_INTEGER_CLASSES, len(present) // 2)


def _number_text(text: str) -> str:
    """A number's spelling in a file as the name of its class, "1" for "1.0"; other text as it is."""
    point = text.replace(",", ".")
    return number_name(float(point)) if re.fullmatch(r"[+-]?\d+(\.\d*)?", point) else text


def _gaps(values: np.ndarray) -> str:
    missing = int(np.isnan(values).sum())
    return f"; {missing:,} of {values.size:,} are missing and masked" if missing else ""


def _listed(names: Sequence[str], most: int = 8) -> str:
    return ", ".join(map(str, names[:most])) + (f" … ({len(names)} in all)" if len(names) > most else "")
