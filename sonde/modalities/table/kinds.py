"""What a column holds (numbers, categories, dates), and its cells as numpy values."""

# pyright: reportAttributeAccessIssue=false
# pyarrow.compute makes its functions when it is imported, where pyright cannot see them

import json
import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sonde.core.errors import DataError
from sonde.modalities.table.read import Table

ColumnKind = Literal["number", "category", "date", "empty", "unusable"]
MISSING = ("", "na", "nan", "n/a", "#n/a", "null", "none", "?", "-nan")  # in lower case
MOSTLY = 0.95  # a column with more of one kind than this, but not all, has cells to fix
NUMBER = r"^[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|(?i:inf|infinity))$"
_TIME = r"(?:[T ](?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:\.\d+)?)?)?(?: ?(?:Z|UTC|[+-]\d{2}:?\d{2}))?$"
DATES = {
    "ymd": r"^(?P<y>\d{4})[-/](?P<m>\d{1,2})(?:[-/](?P<d>\d{1,2}))?" + _TIME,
    "mdy": r"^(?P<m>\d{1,2})[./-](?P<d>\d{1,2})[./-](?P<y>\d{4})" + _TIME,
    "dmy": r"^(?P<d>\d{1,2})[./-](?P<m>\d{1,2})[./-](?P<y>\d{4})" + _TIME,
}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What a column holds.

    order: how a date is written: ymd, dmy or mdy
    """

    kind: ColumnKind
    order: str = ""


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
        return Kind(kind="category")
    if _is_numeric(kind) or pa.types.is_duration(kind):
        return Kind(kind="number")
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return Kind(kind="date", order="ymd")
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
        return _numbers(table, column)
    if kind.kind == "date":
        return _dates(table, column, kind.order)
    if kind.kind == "category":
        return categories(table, column)
    return np.full(len(table), np.nan)


def is_text(kind: pa.DataType) -> bool:
    """Whether Arrow holds such a column as text."""
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def clean(array: pa.ChunkedArray) -> pa.Array:
    """Text without surrounding spaces, missing cells as nulls."""
    flat = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    flat = flat.combine_chunks() if isinstance(flat, pa.ChunkedArray) else flat
    trimmed = pc.utf8_trim_whitespace(flat.cast(pa.large_string()))
    # lower-casing a whole column costs more than reading it, and all missing marks are short
    short = pc.less_equal(pc.utf8_length(trimmed), max(map(len, MISSING)))
    marks = pa.array(MISSING, pa.large_string())
    gap = pc.and_(short, pc.is_in(pc.utf8_lower(trimmed), value_set=marks))
    return pc.if_else(gap, pa.scalar(None, pa.large_string()), trimmed)


def matching(text: pa.Array, pattern: str) -> np.ndarray:
    """(n,) bool: cells that are there and match a regular expression."""
    found = pc.match_substring_regex(text, pattern)
    return np.asarray(pc.fill_null(found, False))


def _infer_text_kind(table: Table, column: str) -> Kind:
    text = clean(table.columns[column])
    present = ~np.asarray(text.is_null())
    if not present.any():
        return Kind(kind="empty")
    number = matching(_decimal_points(text, table.delimiter), NUMBER)
    if number.sum() > MOSTLY * present.sum():
        _refuse_strays(table, column, text, present & ~number, "number")
        return Kind(kind="number")
    for order in _orders(text):
        date = ~np.isnat(_civil(text, DATES[order]))
        if date.sum() > MOSTLY * present.sum():
            _refuse_strays(table, column, text, present & ~date, "date")
            return Kind(kind="date", order=order)
    return Kind(kind="category")


def _refuse_strays(table: Table, column: str, text: pa.Array, stray: np.ndarray, wanted: str) -> None:
    if not stray.any():
        return
    first = int(np.flatnonzero(stray)[0])
    others = f" (and {stray.sum() - 1} more)" if stray.sum() > 1 else ""
    cell = text[first].as_py()
    cell = cell if len(cell) <= 40 else f"{cell[:39]}…"
    raise DataError(
        f"{table.place(first)}: text where {wanted}s should be: {cell!r} in column {column!r}{others}; "
        f"fix the cell, or empty it to count as missing"
    )


def _numbers(table: Table, column: str) -> np.ndarray:
    array = table.columns[column]
    if is_text(array.type) or pa.types.is_dictionary(array.type):
        text = clean(array)
        plain = _decimal_points(text, table.delimiter)
        _refuse_strays(table, column, text, ~np.asarray(text.is_null()) & ~matching(plain, NUMBER), "number")
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
    return values


def _is_numeric(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def categories(table: Table, column: str) -> Categories:
    """The cells of a column as names, whatever its type; booleans are "true" and "false"."""
    array = table.columns[column]
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    text = clean(array) if is_text(array.type) else _written(array)
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


def _decimal_points(text: pa.Array, delimiter: str) -> pa.Array:
    """Decimal commas as points, where ";" parts the cells (the spreadsheets of half the world)."""
    return pc.replace_substring_regex(text, r"^([+-]?\d+),(\d+)$", r"\1.\2") if delimiter == ";" else text


def _dates(table: Table, column: str, order: str) -> np.ndarray:
    array = table.columns[column]
    if not is_text(array.type):
        if not (pa.types.is_date(array.type) or pa.types.is_timestamp(array.type) or pa.types.is_null(array.type)):
            raise DataError(f"{table.name}: column {column!r} holds {array.type}, where dates should be")
        local = array.cast(pa.timestamp("us", getattr(array.type, "tz", None)))
        return local.to_numpy().astype("datetime64[s]")
    text = clean(array)
    dates = _civil(text, DATES[order])
    _refuse_strays(table, column, text, ~np.asarray(text.is_null()) & np.isnat(dates), "date")
    return dates


def _orders(text: pa.Array) -> list[str]:
    """Orders of day, month and year to try: with points between them the day comes first by custom."""
    sample = text.drop_null()[0].as_py()
    if re.match(r"\d{4}", sample):
        return ["ymd"]
    return ["dmy", "mdy"] if re.match(r"\d+\.\d+\.", sample) else ["mdy", "dmy"]


def _civil(text: pa.Array, pattern: str) -> np.ndarray:
    """(n,) datetime64[s] of the cells that match and exist in the calendar, NaT for the others; offsets are ignored."""
    fields = pc.extract_regex(text, pattern)
    gone = np.asarray(fields.is_null())

    def part(name: str, default: int) -> np.ndarray:
        cells = fields.field(name)
        filled = pc.fill_null(pc.if_else(pc.equal(cells, ""), str(default), cells), str(default))
        return filled.cast(pa.int64()).to_numpy(zero_copy_only=False)

    year, month, day = part("y", 1970), part("m", 1), part("d", 1)
    hour, minute, second = part("H", 0), part("M", 0), part("S", 0)
    months = (year - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (month - 1)
    days = months.astype("datetime64[D]") + (day - 1)
    wrong = (month < 1) | (month > 12) | (day < 1) | (days.astype("datetime64[M]") != months)
    wrong |= (hour > 23) | (minute > 59) | (second > 60)
    dates = days.astype("datetime64[s]") + (hour * 3600 + minute * 60 + second)
    dates[gone | wrong] = np.datetime64("NaT")
    return dates
