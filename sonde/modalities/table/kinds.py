"""What a column holds (numbers, categories, dates), and its cells as numpy values."""

# pyright: reportAttributeAccessIssue=false
# pyarrow.compute makes its functions when it is imported, where pyright cannot see them

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sonde.core.data_warning import warn
from sonde.core.errors import DataError
from sonde.modalities.table.counted_times import ORDERS, counted
from sonde.modalities.table.date_patterns import pattern_of
from sonde.modalities.table.measures import Way, in_way, limits_are_names, way_of, without_limits, without_marks
from sonde.modalities.table.read import Table
from sonde.modalities.table.written_dates import best_order, dates, may_hold_dates
from sonde.modalities.table.written_numbers import (
    NUMBER,
    Written,
    decimal_points,
    is_text,
    matching,
    may_be_grouped,
    may_hold_numbers,
    sure_decimal,
    trimmed,
    written,
)

ColumnKind = Literal["number", "category", "date", "empty", "unusable"]
MISSING = ("", "na", "nan", "n/a", "#n/a", "null", "none", "?", "-nan")  # in lower case
FEW = 20  # distinct numbers that may be names
MOSTLY = 0.95  # a column with more of one kind than this, but not all, has cells to fix
CODE = r"^0\d+$"  # 007 is no number: a zero in front says that it is a code
CLOCK = (
    "year",
    "month",
    "day",
    "hour",
    "minute",
    "second",
    "week",
    "quarter",
    "yy",
    "mm",
    "dd",
    "hh",
)  # often written 07


class UnreadableCells(DataError):
    """Some cells of a column are not what the others are."""

    def __init__(self, message: str, *, column: str, cells: np.ndarray) -> None:
        """cells: (n,) bool: which"""
        super().__init__(message)
        self.column = column
        self.cells = cells


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What a column holds.

    order:   how a date is written: ymd, dmy or mdy, or as a number: one of `counted_times`
    decimal: what separates decimals of numbers in text, "." or ","; "" where it is not known
    way:     how numbers in text are written where they do not stand alone (`measures`): "unit:kg", "duration", …
    limits:  of numbers, an example of cells that are only a limit (">6.5"), "" where there is none
    absent:  numbers that stand for a gap (-999)
    guess:   what custom decided of how cells are read, where they do not show it; "" for nothing
    own:     the type of the cells where that is "bool" or "datetime"; "" for others
    written: of dates, the pattern that gives their cells back (`date_patterns`); "" where none does, and of other kinds
    """

    kind: ColumnKind
    order: str = ""
    decimal: str = ""
    way: str = ""
    limits: str = ""
    absent: tuple[float, ...] = ()
    guess: str = ""
    own: str = field(default="", compare=False)
    written: str = field(default="", compare=False)


@dataclass(frozen=True)
class Categories:
    """A column of names: `names[codes[i]]` is the value of row i, and code -1 a missing one."""

    codes: np.ndarray  # (n,) int64
    names: tuple[str, ...]


Values = np.ndarray | Categories
"""Of a number column (n,) float64 with NaN; of a date column (n,) datetime64[s] with NaT; of a category column Categories."""


def infer_kind(table: Table, column: str) -> Kind:
    """What a column holds, over all its cells.

    Raises: DataError naming the row and cell when over 95 % of the cells, but not all, are numbers or dates
    """
    array = table.columns[column]
    kind = array.type
    if pa.types.is_null(kind) or array.null_count == len(array):
        return Kind(kind="empty")
    if pa.types.is_dictionary(kind) or pa.types.is_boolean(kind):
        return Kind(kind="category", own="bool" if pa.types.is_boolean(kind) else "")
    if _is_numeric(kind) or pa.types.is_duration(kind):
        return Kind(kind="number")
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return Kind(kind="date", order="ymd", own="datetime" if pa.types.is_timestamp(kind) else "")
    if is_text(kind):
        return _infer_text_kind(table, column)
    return Kind(kind="unusable")


def is_missing(values: Values) -> np.ndarray:
    """(n,) bool: the cells that hold nothing."""
    if isinstance(values, Categories):
        return values.codes < 0
    return np.isnat(values) if values.dtype.kind == "M" else np.isnan(values)


def parse(table: Table, column: str, kind: Kind) -> Values:
    """The cells of a column of a known kind.

    Raises: DataError naming the row and cell that does not fit the kind, or is infinite
    """
    if kind.kind == "number":
        return _numbers(table, column, kind)
    if kind.kind == "date":
        return _dates(table, column, kind.order)
    if kind.kind == "category":
        return categories(table, column)
    return np.full(len(table), np.nan)


def clean(array: pa.ChunkedArray, kept: Sequence[str] = ()) -> pa.Array:
    """Text without surrounding spaces, missing cells as nulls. kept: words that are no mark of a missing cell here"""
    text = trimmed(array)
    # lower-casing a whole column costs more than reading it, and all missing marks are short
    short = pc.less_equal(pc.utf8_length(text), max(map(len, MISSING)))
    marks = pa.array([mark for mark in MISSING if mark not in {word.lower() for word in kept}], pa.large_string())
    gap = pc.and_(short, pc.is_in(pc.utf8_lower(text), value_set=marks))
    return pc.if_else(gap, pa.scalar(None, pa.large_string()), text)


def missing_words(table: Table, column: str) -> dict[str, int]:
    """Words that count as missing, such as None and NA, as they are written in a column -> cells that hold them, most first."""
    array = table.columns[column]
    if not is_text(array.type):
        return {}
    text = trimmed(array)
    gone = text.filter(pc.and_(pc.is_null(clean(array)), pc.greater(pc.utf8_length(text), 0)))
    counts = {entry["values"]: entry["counts"] for entry in pc.value_counts(gone).to_pylist()}
    return dict(sorted(counts.items(), key=lambda entry: -entry[1]))


def _infer_text_kind(table: Table, column: str) -> Kind:
    text = clean(table.columns[column])
    present = ~np.asarray(text.is_null())
    if not present.any():
        return Kind(kind="empty")
    number = matching(decimal_points(text, table.delimiter), NUMBER)
    if matching(text, CODE).any() and _is_code(text, column, present):
        return Kind(kind="category")
    if number.all() or (number == present).all():
        return _grouped(table, column, text)
    if (kind := _loose_numbers(table, column, text, Way())) is not None:
        return kind
    if may_hold_dates(text):
        order, guess = best_order(text)
        date = ~np.isnat(dates(text, order))
        if date.sum() > MOSTLY * present.sum():
            _refuse_strays(table, column, text, present & ~date, "date")
            return Kind(kind="date", order=order, guess=guess, written=pattern_of(text, dates(text, order)))
    way = way_of(without_limits(without_marks(text)[0])[0])
    if way.name and (kind := _loose_numbers(table, column, text, way)) is not None:
        return kind
    return Kind(kind="category", guess=way.mixed or _nearly_numbers(table, text))


def _loose_numbers(table: Table, column: str, text: pa.Array, way: Way) -> Kind | None:
    """The kind of cells that are numbers as people write them, None where too few are."""
    kept, marked = without_marks(text)
    bare, limited = without_limits(kept)
    if limited.any() and limits_are_names(kept, bare, limited):
        bare, limited = kept, np.zeros(len(kept), bool)
    plain = in_way(bare, way.name)
    if not may_hold_numbers(plain):
        return None
    read = written(plain, table.delimiter, beside=table.decimal_beside(column))
    number = matching(read.plain, NUMBER)
    present = ~np.asarray(kept.is_null())
    if number.sum() <= MOSTLY * present.sum():
        return None
    _refuse_strays(table, column, text, present & ~number, "number")
    _refuse_clash(table, column, text, read)
    limit = text[int(limited.argmax())].as_py() if limited.any() else ""
    of_limits = (
        f"{limited.sum():,} of its cells are limits such as {limit!r}, read as the limit itself" if limit else ""
    )
    said = "; ".join(filter(None, (way.said, read.guess, of_limits, marked)))
    return Kind(kind="number", decimal=read.decimal, way=way.name, limits=limit, guess=said)


def _nearly_numbers(table: Table, text: pa.Array) -> str:
    """What to say of a column of names that most cells of are numbers; "" where few are, or numbers name something."""
    if not may_hold_numbers(text):
        return ""
    number = matching(written(text, table.delimiter).plain, NUMBER)
    stray = ~np.asarray(text.is_null()) & ~number
    if (
        number.sum() <= stray.sum()
        or len(pc.unique(text.filter(pa.array(number)))) <= FEW
        or matching(text, CODE).any()
    ):
        return ""
    cell = text[int(stray.argmax())].as_py()
    return (
        f"{number.sum():,} of its cells are numbers and {stray.sum():,} are not, such as {cell[:40]!r}, so that all are read "
        "as text: empty those to read numbers"
    )


def _is_code(text: pa.Array, column: str, present: np.ndarray) -> bool:
    """Whether cells with a zero in front are codes: no cell is a fraction, and they are not the padded months of a calendar."""
    if matching(text, r"^[+-]?\d*[.,]\d*$|[eE]").any() or matching(text, r"^\d+$").sum() <= MOSTLY * present.sum():
        return False
    widths = np.unique(pc.utf8_length(text.drop_null()).to_numpy(zero_copy_only=False))
    return not (column.lower() in CLOCK and len(widths) == 1)


def _grouped(table: Table, column: str, text: pa.Array) -> Kind:
    """Of a column of numbers, perhaps like 1.234, which is 1234 where others have decimal commas.

    Of whole numbers it keeps that others have such, by which later tables are read.
    """
    if may_be_grouped(text):
        read = written(text, table.delimiter, beside=table.decimal_beside(column))
        return Kind(kind="number", decimal=read.decimal, guess=read.guess)
    sure = sure_decimal(text)
    if not sure and not matching(text, r"[.,eE]").any() and table.decimal_beside(column) == ",":
        sure = ","
    return Kind(kind="number", decimal=sure.strip("?"))


def _refuse_clash(table: Table, column: str, text: pa.Array, read: Written) -> None:
    if read.clash >= 0:
        raise DataError(
            f"{table.place(read.clash)}: {text[read.clash].as_py()!r} in column {column!r} is not written as the other numbers "
            f"({read.why}); write all cells alike"
        )


def _several(wanted: str) -> str:
    return f"numbers{wanted.removeprefix('number')}" if wanted.startswith("number") else f"{wanted}s"


def _refuse_strays(table: Table, column: str, text: pa.Array, stray: np.ndarray, wanted: str) -> None:
    if not stray.any():
        return
    first = int(np.flatnonzero(stray)[0])
    others = f" (and {stray.sum() - 1} more)" if stray.sum() > 1 else ""
    cell = text[first].as_py()
    cell = cell if len(cell) <= 40 else f"{cell[:39]}…"
    raise UnreadableCells(
        f"{table.place(first)}: text where {_several(wanted)} should be: {cell!r} in column {column!r}{others}; "
        f"fix the cell, or empty it to count as missing",
        column=column,
        cells=stray,
    )


def _numbers(table: Table, column: str, kind: Kind) -> np.ndarray:
    array, decimal = table.columns[column], kind.decimal
    if is_text(array.type) or pa.types.is_dictionary(array.type):
        cells = text = clean(array)
        if not (matching(text, NUMBER) | np.asarray(text.is_null())).all():
            text = in_way(without_limits(without_marks(text)[0])[0], kind.way)
        plain = text if decimal == "." else decimal_points(text, table.delimiter)
        grouped = decimal == "," or not decimal and table.delimiter == ";" and may_be_grouped(text)
        if grouped or not (matching(plain, NUMBER) | np.asarray(text.is_null())).all():
            read = written(text, table.delimiter, decimal, beside=table.decimal_beside(column))
            if matching(read.plain, NUMBER).sum() > matching(plain, NUMBER).sum() or read.decimal == ",":
                _refuse_clash(table, column, cells, read)
                warn([f"{table.name}: column {column!r}: {read.guess}"] if read.guess else [])
                plain = read.plain
        wanted = f"number in {kind.way[5:]}" if kind.way.startswith("unit:") else "number"
        _refuse_strays(table, column, cells, ~np.asarray(text.is_null()) & ~matching(plain, NUMBER), wanted)
        values = plain.cast(pa.float64()).to_numpy(zero_copy_only=False)
    elif pa.types.is_duration(array.type):
        values = array.cast(pa.duration("us")).cast(pa.int64()).to_numpy().astype(np.float64) / 1e6
        values[np.asarray(array.is_null())] = np.nan
    elif pa.types.is_boolean(array.type) or _is_numeric(array.type):
        values = np.array(array.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)
    elif pa.types.is_null(array.type):
        values = np.full(len(array), np.nan)
    else:
        raise DataError(f"{table.name}: column {column!r} holds {array.type}, where numbers should be")
    infinite = np.isinf(values)
    if infinite.any():
        raise DataError(f"{table.place(int(infinite.argmax()))}: column {column!r} is infinite; fix or empty the cell")
    return np.where(np.isin(values, kind.absent), np.nan, values) if kind.absent else values


def _is_numeric(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def categories(table: Table, column: str, kept: Sequence[str] = ()) -> Categories:
    """The cells of a column as names, whatever its type; booleans are "true" and "false".

    kept: names that would count as missing elsewhere
    """
    array = table.columns[column]
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    text = clean(array, kept) if is_text(array.type) else _written(array)
    encoded = text.dictionary_encode()
    names = [str(name) for name in encoded.dictionary.to_pylist()]
    if names and {name.lower() for name in names} <= {"true", "false"}:
        # booleans are written True by Python, true by Arrow, TRUE by spreadsheets: one spelling for all
        text = pc.utf8_lower(text)
        encoded = text.dictionary_encode()
        names = [str(name) for name in encoded.dictionary.to_pylist()]
    codes = pc.fill_null(encoded.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    return Categories(np.asarray(codes, dtype=np.int64), tuple(names))


def _written(array: pa.ChunkedArray) -> pa.Array:
    """Values of another type as text; whole floats as whole numbers, so that 3.0 is the category "3"."""
    flat = array.combine_chunks()
    flat = flat.combine_chunks() if isinstance(flat, pa.ChunkedArray) else flat
    if pa.types.is_floating(flat.type):
        return pa.array([None if v is None or v != v else number_name(v) for v in flat.to_pylist()], pa.large_string())
    return as_text(flat)


def as_text(values: pa.Array) -> pa.Array:
    """Values of any type as text; nested ones, of which Arrow makes no text, as JSON."""
    if pa.types.is_nested(values.type):
        cells = (None if v is None else json.dumps(v, ensure_ascii=False, default=str) for v in values.to_pylist())
        return pa.array(cells, pa.large_string())
    return values.cast(pa.large_string())


def number_name(value: float) -> str:
    """A number as the name of a class or category.

    >>> number_name(3.0), number_name(0.5)
    ('3', '0.5')
    """
    return str(int(value)) if value == int(value) else repr(float(value))


def _dates(table: Table, column: str, order: str) -> np.ndarray:
    array = table.columns[column]
    if order in ORDERS:
        return counted(_numbers(table, column, Kind(kind="number")), order)
    if not is_text(array.type):
        if not (pa.types.is_date(array.type) or pa.types.is_timestamp(array.type) or pa.types.is_null(array.type)):
            raise DataError(f"{table.name}: column {column!r} holds {array.type}, where dates should be")
        local = array.cast(pa.timestamp("us", getattr(array.type, "tz", None)))
        return local.to_numpy().astype("datetime64[s]")
    text = clean(array)
    stamps = dates(text, order)
    _refuse_strays(table, column, text, ~np.asarray(text.is_null()) & np.isnat(stamps), "date")
    return stamps
