"""What is to be predicted, out of the columns a person named: classes, several yes-or-no labels, or values."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from sonde.core.dataset import Fact, TargetSpec
from sonde.core.errors import DataError
from sonde.core.natural_order import in_natural_order
from sonde.modalities.table.censored import is_censored, relations_beside
from sonde.modalities.table.gaps import codes_of_gaps
from sonde.modalities.table.integer_targets import doubt_of_integers, is_signs, looks_like_classes, no_as_zero
from sonde.modalities.table.joined_labels import Joined, find_joined, read_joined
from sonde.modalities.table.kinds import (
    MISSING,
    Categories,
    Kind,
    UnreadableCells,
    categories,
    clean,
    infer_kind,
    is_text,
    missing_words,
    number_name,
    parse,
)
from sonde.modalities.table.lacking import hint_of
from sonde.modalities.table.measures import MARKS, without_limits
from sonde.modalities.table.read import Table
from sonde.modalities.table.spelling import as_known, number_text, one_spelling
from sonde.modalities.table.wide import refuse_times_in_header
from sonde.modalities.table.written_numbers import NUMBER, matching, written
from sonde.tasks.table import target_kind

MOST = 0.5  # of the cells
NEARLY_ALL = 0.5  # of the rows; more classes than this share have no rows to learn from
FEW = 20  # classes that are never too many
TRIED = 12  # columns that are tried as the target that an error suggests
LIKELY_NAMES = ("target", "label", "labels", "class", "y", "outcome", "species", "category", "survived", "price")


@dataclass(frozen=True, kw_only=True)
class Target:
    """How target columns become the `target` field.

    columns:  of the table
    spec:     mean and std still empty for values: they are fitted on the training rows
    warnings: what was guessed of the column, each with what to do if it is meant otherwise
    """

    columns: tuple[str, ...]
    spec: TargetSpec
    fact: Fact
    warnings: tuple[str, ...] = ()


def target_columns(table: Table, requested: Sequence[str], task: str | None = None) -> tuple[str, ...]:
    """The requested columns, all there.

    task: what a column that an error suggests must do for

    Raises: DataError with near names for one that is not, or with likely columns when none is given
    """
    names = list(table.columns)
    if not requested:
        refuse_times_in_header(table)
        likely = [n for n in names if n.lower() in LIKELY_NAMES] or [names[-1]]
        works = _first_that_works(table, [*likely, *reversed(names)][:TRIED], task)
        raise DataError(
            f"{table.name}: which column is the target? Use --target {works!r}, or another of "
            f"{', '.join(map(repr, names[:20]))}" + (" …" if len(names) > 20 else "")
        )
    for name in requested:
        if name not in table.columns:
            raise DataError(f"{table.name} has no column {name!r} to predict; {hint_of(table, name)}")
    return tuple(dict.fromkeys(requested))


def infer_target(table: Table, columns: Sequence[str], task: str | None) -> Target:
    """The kind of target that columns hold; a task that is named and needs classes or values wins over what they look like.

    Raises: DataError for a target that cannot be learned: missing or the same in every row, dates, as many classes as rows
    """
    for column in columns:
        if infer_kind(table, column).kind == "empty":
            raise DataError(f"{table.name}: target column {column!r} is missing in every row")
    wanted, several = target_kind(task), len(columns) > 1
    found = _several(table, tuple(columns), wanted) if several else _single(table, columns[0], wanted, f"--task {task}")
    said = relations_beside(table, columns) if found.spec.kind == "value" else []
    return replace(found, warnings=(*found.warnings, *said)) if said else found


def _first_that_works(table: Table, names: Sequence[str], task: str | None) -> str:
    """The first of some columns that a task can predict, so that an error names none that fails next.

    Raises: DataError where none can, with why not of the first
    """
    first: DataError | None = None
    for name in names:
        try:
            infer_target(table, [name], task)
        except DataError as error:
            first = first or error
            continue
        return name
    raise DataError(f"none of the columns can be predicted as it is: {first}")


def _single(table: Table, column: str, wanted: str | None, asked: str) -> Target:
    """One column. wanted: "class" or "value" where a task asks for it, which `asked` names"""
    kind = _column_kind(table, column, wanted)
    values = parse(table, column, kind)
    warnings = [f"{table.name}: column {column!r}: {kind.guess}"] if kind.guess else []
    if isinstance(values, Categories):
        return _named(table, column, wanted)
    if wanted == "value":
        return replace(_values(table, (column,), values[:, None], asked), warnings=tuple(warnings))
    distinct = np.unique(values[~np.isnan(values)])
    classes = wanted == "class" or (not kind.way and looks_like_classes(column, values))
    if wanted is None and (doubt := doubt_of_integers(values, classes)):
        warnings.append(f"{table.name}: target {column!r} {doubt}")
    if not classes and (absent := codes_of_gaps(values)):
        warnings.append(
            f"{table.name}: {np.isin(values, absent).sum():,} cells of target {column!r} are {absent[0]:.15g}, far below the "
            "others, and learned as a value: empty them if they mean that there is none"
        )
    if not classes:
        return replace(
            _values(table, (column,), values[:, None], f"{column!r} holds numbers"), warnings=tuple(warnings)
        )
    names = [number_name(v) for v in distinct]
    why = f"{column!r} holds {len(names)} distinct integers; --task regression treats them as values"
    present = int((~np.isnan(values)).sum())
    return _classes(table, column, names, present, asked if wanted == "class" else why, warnings)


def _named(table: Table, column: str, wanted: str | None) -> Target:
    """A column of names: classes, or labels that its cells join."""
    words = missing_words(table, column)
    kept = _kept_words(table, column, words)
    values = categories(table, column, kept)
    warnings = []
    if kept:
        warnings.append(
            f"{table.name}: {words[kept[0]]:,} of {len(table):,} cells of {column!r} hold {kept[0]!r}, which is read as a class; "
            "empty the cells if they have no target"
        )
    elif words:
        word = next(iter(words))
        warnings.append(
            f"{table.name}: {sum(words.values()):,} cells of {column!r} hold {word!r}, which counts as missing; write another "
            "word if it is a class"
        )
    counts = np.bincount(values.codes[values.codes >= 0], minlength=len(values.names))
    _refuse_stray_numbers(table, column, values, counts, classes=wanted == "class")
    joined = find_joined(values)
    if joined is not None:
        return _joined(table, column, joined, warnings)
    if (counts > 0).sum() > 1 and any("|" in name for name in values.names):
        warnings.append(
            f"{table.name}: cells of {column!r} hold '|'; each combination is read as a class of its own, not as several labels"
        )
    used = {name: int(number) for name, number in zip(values.names, counts, strict=True) if number}
    spelled, said = one_spelling(used)
    warnings += [f"{table.name}: column {column!r}: {text}" for text in said]
    names = in_natural_order(dict.fromkeys(spelled.values()))
    return _classes(table, column, names, int(counts.sum()), f"{column!r} holds names", warnings)


def _kept_words(table: Table, column: str, words: dict[str, int]) -> tuple[str, ...]:
    """Words such as None that are a class here: most cells hold them, or without them only one class is left."""
    word = next((word for word in words if word.lower() == "none"), None)
    if word is None:
        return ()
    others = {name for name in categories(table, column).names if name.lower() != "none"}
    return (word,) if words[word] > MOST * len(table) or len(others) == 1 else ()


def _joined(table: Table, column: str, joined: Joined, warnings: list[str]) -> Target:
    spec = TargetSpec(kind="labels", names=joined.names)
    none = f", and {joined.nothing!r} means none of them" if joined.nothing else ""
    said = (
        f"{table.name}: cells of {column!r} join names by {joined.joint!r}, so they are read as {len(joined.names)} labels, of "
        f"which a row may have several{none}; replace the {joined.joint!r} where a combination is a class of its own"
    )
    fact = Fact(f"{len(joined.names)} labels: {_listed(joined.names)}", f"{column!r} joins names by {joined.joint!r}")
    return Target(columns=(column,), spec=spec, fact=fact, warnings=(*warnings, said))


def _classes(table: Table, column: str, names: Sequence[str], rows: int, why: str, warnings: Sequence[str]) -> Target:
    _check_classes(table, column, names, rows)
    fact = Fact(f"{len(names)} classes: {_listed(names)}", why)
    spec = TargetSpec(kind="class", names=tuple(names))
    return Target(columns=(column,), spec=spec, fact=fact, warnings=tuple(warnings))


def _refuse_stray_numbers(table: Table, column: str, values: Categories, counts: np.ndarray, *, classes: bool) -> None:
    """Raises: DataError naming the first cell that is no number where most are, and too many differ to be classes."""
    plain = written(pa.array(values.names, pa.large_string()), table.delimiter).plain
    number = matching(plain, NUMBER)
    few = number.sum() <= FEW or counts[number].sum() <= MOST * counts.sum()
    if few and (classes or not is_censored(values.names, counts, number)):
        return
    stray = np.append(~number, False)[values.codes]
    row = int(stray.argmax())
    if stray.any():
        more = f" (and {stray.sum() - 1:,} more)" if stray.sum() > 1 else ""
        raise UnreadableCells(
            f"{table.place(row)}: text where numbers should be: {values.names[values.codes[row]]!r} in column {column!r}{more}; "
            "fix the cell, or empty it to count as missing",
            column=column,
            cells=stray,
        )


def read_target(table: Table, columns: Sequence[str], spec: TargetSpec) -> np.ndarray:
    """Targets of a table: (n,) int64 with -1 where missing for classes, else (n, T) float64 with NaN where missing.

    Raises: DataError for a class that `spec` does not know, or a cell that is no number
    """
    target_columns(table, columns)
    if spec.kind == "labels" and len(columns) == 1 and tuple(columns) != spec.names:
        return _read_joined(table, columns[0], spec)
    if spec.kind != "class":
        values = _numbers(table, columns)
        return no_as_zero(values) if spec.kind == "labels" else values
    column = columns[0]
    values = categories(table, column, [name for name in spec.names if name.lower() in MISSING])
    known = {name: code for code, name in enumerate(spec.names)}
    names = _as_known(values.names, spec.names, table.delimiter)
    codes = np.array([known.get(name, -2) for name in names] + [-1], dtype=np.int64)[values.codes]
    if all(re.fullmatch(NUMBER, name) for name in spec.names):  # "-" among numbers is a gap
        gaps = np.array([name.lower() in MARKS for name in values.names] + [False])[values.codes]
        codes[gaps & (codes == -2)] = -1
    unknown = codes == -2
    if unknown.any():
        row = int(unknown.argmax())
        raise UnreadableCells(
            f"{table.place(row)}: {column!r} is {names[values.codes[row]]!r}, a class that training rows do not have; "
            f"they have {_listed(spec.names)}; correct or empty the cell",
            column=column,
            cells=unknown,
        )
    return codes


def _as_known(names: Sequence[str], known: Sequence[str], delimiter: str) -> list[str]:
    """Names in the spelling of known classes: in other capitals, or numbers written otherwise ("1.0", "$1")."""
    plain = written(pa.array(names, pa.large_string()), delimiter).plain.to_pylist()
    found = zip(as_known(names, known), plain, strict=True)
    return [number_text(number) if name is None else name for name, number in found]


def _read_joined(table: Table, column: str, spec: TargetSpec) -> np.ndarray:
    labels, strange = read_joined(categories(table, column, ("none",)), spec.names)
    if strange:
        raise DataError(
            f"{table.name}: {column!r} holds {strange[0]!r}, a label that training rows do not have; they have "
            f"{_listed(spec.names)}"
        )
    return labels


def _column_kind(table: Table, column: str, wanted: str | None) -> Kind:
    kind = infer_kind(table, column)
    if kind.kind == "date":
        raise DataError(
            f"{table.name}: target column {column!r} holds dates, which cannot be predicted; choose another"
        )
    if kind.kind == "unusable":
        raise DataError(
            f"{table.name}: target column {column!r} holds {table.columns[column].type}; it must hold one value: write several "
            "labels of a row as one text, such as a|b"
        )
    if (kind.way or kind.limits) and wanted != "value" and (wanted or len(categories(table, column).names) <= FEW):
        return Kind(kind="category")  # "250 ml", "3+"
    _refuse_limits(table, column, kind)
    if kind.kind == "category" and kind.guess and wanted != "class":
        raise DataError(f"{table.name}: target column {column!r}: {kind.guess}")
    if wanted == "value" and kind.kind == "category":
        cells = categories(table, column).names
        numbers = matching(written(pa.array(cells, pa.large_string()), table.delimiter).plain, NUMBER)
        if is_text(table.columns[column].type) and numbers.sum() * 2 <= len(cells):
            raise DataError(
                f"{table.name}: target column {column!r} holds names and no numbers, so it has no values to predict; name "
                "another --target, or leave --task out"
            )
        return Kind(kind="number")
    return kind


def _refuse_limits(table: Table, column: str, kind: Kind) -> None:
    if kind.limits:
        limited = without_limits(clean(table.columns[column]))[1]
        raise UnreadableCells(
            f"{table.place(int(limited.argmax()))}: {limited.sum():,} of the cells of target {column!r} are limits "
            f"such as {kind.limits!r} and not values; empty them",
            column=column,
            cells=limited,
        )


def _several(table: Table, columns: tuple[str, ...], wanted: str | None) -> Target:
    values = _numbers(table, columns)
    signs = wanted != "value" and is_signs(values)
    values = no_as_zero(values) if signs else values
    binary = np.isin(values[~np.isnan(values)], (0, 1)).all()
    if wanted == "class" and not binary:
        raise DataError(f"{table.name}: several targets can only be classified when they are 0 or 1; name one target")
    if not binary or wanted == "value":
        return _values(table, columns, values, "several target columns hold numbers")
    _refuse_constant(table, columns, values)
    masked = bool(np.isnan(values).any())
    fact = Fact(
        f"{len(columns)} labels: {_listed(columns)}",
        f"the target columns hold {-1 if signs else 0} and 1" + _gaps(values),
    )
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
        kind = _number_or_boolean(table, column)
        _refuse_limits(table, column, kind)
        values = parse(table, column, kind)
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
    return kind if kind.kind == "number" else Kind(kind="number")


def _refuse_constant(table: Table, columns: Sequence[str], values: np.ndarray) -> None:
    for column, series in zip(columns, values.T, strict=True):
        if len(distinct := np.unique(series[~np.isnan(series)])) == 1:
            said = f"{table.name}: target column {column!r} is {number_name(distinct[0])} in every row; there is nothing to learn"
            raise DataError(said + (f": leave {column!r} out of --target" if len(columns) > 1 else ""))


def _check_classes(table: Table, column: str, names: Sequence[str], rows: int) -> None:
    if len(names) == 1:
        raise DataError(
            f"{table.name}: target column {column!r} is {names[0]!r} in every row; there is nothing to learn"
        )
    numbers = all(re.fullmatch(r"[+-]?\d+(\.\d*)?", name) for name in names)
    instead = ", or use --task regression if it holds quantities" if numbers else ""
    if len(names) == rows:
        raise DataError(
            f"{table.name}: target column {column!r} has as many classes as rows ({rows}); name another --target{instead}"
        )
    if len(names) > max(FEW, NEARLY_ALL * rows):
        raise DataError(
            f"{table.name}: target column {column!r} has {len(names):,} classes in {rows:,} rows, nearly all different; name "
            f"another --target{instead}"
        )


def _gaps(values: np.ndarray) -> str:
    missing = int(np.isnan(values).sum())
    return f"; {missing:,} of {values.size:,} are missing and masked" if missing else ""


def _listed(names: Sequence[str], most: int = 8) -> str:
    return ", ".join(map(str, names[:most])) + (f" … ({len(names)} in all)" if len(names) > most else "")
