"""Numbers as people write them: $1,385.00, 1.234,56, 1 385, 12 %, (45), −3, 1.2K -> text that any parser reads.

What separates decimals is decided over a whole column: 1.234 is 1234 beside 892,94, and 1.234 beside 0.5.
"""

# pyright: reportAttributeAccessIssue=false
# pyarrow.compute makes its functions when it is imported, where pyright cannot see them

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

NUMBER = r"^[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|(?i:inf|infinity))$"
CURRENCY = r"(?:[$€£¥₹₽₩₺₫฿]|R\$|US\$|USD|EUR|GBP|CHF|JPY|INR|CNY|CAD|AUD|SEK|NOK|DKK|PLN|Rs\.?|kr\.?|zł)"
SPACES = "[\u00a0\u2007\u2009\u202f]"  # that typesetters and Excel put between groups of digits
MINUS = "^[\u2212\u2012\u2013\ufe63\uff0d]"
_GROUPS = r"[+-]?[1-9]\d{0,2}"
_POINT = rf"^{_GROUPS}(?:(?:,\d{{2,3}})*,\d{{3}}|(?: \d{{3}})+|(?:['’]\d{{3}})+)(?:\.\d+)?$"  # also 12,34,567 of India
_COMMA = rf"^{_GROUPS}(?:(?:\.\d{{3}})+|(?: \d{{3}})+|(?:['’]\d{{3}})+)(?:,\d+)?$|^[+-]?\d+,\d+(?:[eE][+-]?\d+)?$"
_SURELY_COMMA = (
    r",\d+[eE][+-]?\d+$|\.\d{3},\d+$|^[+-]?\d+,(?:\d{1,2}|\d{4,})$|^[+-]?(?:0|\d{4,}),\d{3}$|"
    r"[ '’]\d{3},\d+$|(?:\.\d{3}){2,}$"
)
_SURELY_POINT = (
    r",\d{3}\.\d+$|^[+-]?\d*\.(?:\d{1,2}|\d{4,})$|^[+-]?(?:0|\d{4,})?\.\d{3}$|[ '’]\d{3}\.\d+$|(?:,\d{3}){2,}$"
)
_EITHER_COMMA = r"^[+-]?[1-9]\d{0,2},\d{3}$"
_EITHER_POINT = r"^[+-]?[1-9]\d{0,2}\.\d{3}$"
_QUOTED = r"^=?[\"']+([+-]?(?:[1-9][^\"'A-Za-z]*|0?[.,]\d+|0))[\"']*$"  # by which spreadsheets keep numbers as text
_POWER = r"^([+-]?\d+(?:[.,]\d+)?) ?[xX×·*] ?10(?:\^|\*\*)\(?([+-]?\d+)\)?$"
_THOUSANDS = r"^[+-]?\d+(?:[.,]\d+)?[kKMB]$"
SAMPLE = 200  # cells that show whether it is worth looking at all
LISTS = 20  # distinct cells up to which 1,2 between commas may be a list of two codes


@dataclass(frozen=True)
class Written:
    """Cells as plain numbers.

    plain:   what is a number as `NUMBER` has it; other cells as they are
    decimal: what separates decimals, "." or ","
    guess:   what was decided by custom alone, "" for nothing
    clash:   a cell that contradicts the others ("0.5" beside "55 %", "€3" beside "$4"), -1 for none, and why
    """

    plain: pa.Array
    decimal: str
    guess: str = ""
    clash: int = -1
    why: str = ""


def matching(text: pa.Array, pattern: str) -> np.ndarray:
    """(n,) bool: cells that are there and match a regular expression."""
    return np.asarray(pc.fill_null(pc.match_substring_regex(text, pattern), False))


def decimal_points(text: pa.Array, delimiter: str) -> pa.Array:
    """Decimal commas as points, where ";" parts the cells (the spreadsheets of half the world)."""
    return (
        pc.replace_substring_regex(text, r"^([+-]?\d+),(\d+(?:[eE][+-]?\d+)?)$", r"\1.\2") if delimiter == ";" else text
    )


def may_hold_numbers(text: pa.Array) -> bool:
    """Whether half of some cells are numbers, however written: a look that spares whole columns of prose the rest."""
    sample = text.drop_null()
    sample = sample.take(np.unique(np.linspace(0, len(sample) - 1, SAMPLE).astype(np.int64)))
    read = _regrouped(_bare(sample)[0], ".")
    return bool((matching(read, NUMBER) | matching(read, _COMMA)).mean() >= 0.5)


def written(text: pa.Array, delimiter: str, decimal: str = "", *, beside: str = "") -> Written:
    """Cells without currency, percent signs and groups of digits.

    decimal: how it was written in training, which decides where the cells do not
    beside:  what separates decimals in other columns of the table, "" where they do not show it
    """
    bare, clash, why = _bare(text)
    comma, point = matching(bare, _SURELY_COMMA), matching(bare, _SURELY_POINT)
    guess = ""
    if comma.any() and point.any():
        rare = comma if comma.sum() < point.sum() else point
        chosen = "." if rare is comma else ","
        clash, why = int(rare.argmax()), f"most cells have decimal {'points' if chosen == '.' else 'commas'}"
    elif comma.any() or point.any():
        chosen = "," if comma.any() else "."
        if chosen == "," and delimiter == "," and _may_be_lists(bare):
            chosen = "."
    elif decimal:
        chosen = decimal
    else:
        chosen, guess = _by_custom(bare, delimiter, beside)
    return Written(_regrouped(bare, chosen), chosen, guess, clash, why)


def sure_decimal(bare: pa.Array) -> str:
    """What surely separates decimals in cells of numbers alone, "." or ","; "" where none shows it, "?" where they differ."""
    comma, point = bool(matching(bare, _SURELY_COMMA).any()), bool(matching(bare, _SURELY_POINT).any())
    return "?" if comma and point else "," if comma else "." if point else ""


def shown_decimal(column: pa.Array | pa.ChunkedArray, delimiter: str) -> str:
    """`sure_decimal` of a column of a table, "" for one that holds no numbers."""
    text = trimmed(column)
    if not matching(text, r"\d[.,]\d").any() or not may_hold_numbers(text):
        return ""
    bare = _bare(text)[0]
    found = sure_decimal(bare)
    return "" if found == "?" or (found == delimiter == "," and _may_be_lists(bare)) else found


def is_text(kind: pa.DataType) -> bool:
    """Whether Arrow holds such a column as text."""
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def trimmed(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Text without surrounding spaces."""
    flat = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    flat = flat.combine_chunks() if isinstance(flat, pa.ChunkedArray) else flat
    return pc.utf8_trim_whitespace(flat.cast(pa.large_string()))


def _may_be_lists(bare: pa.Array) -> bool:
    """Whether cells like 1,2 are perhaps lists of two codes."""
    return len(pc.unique(bare)) <= LISTS and not matching(bare, r"[.eE]").any()


def may_be_grouped(text: pa.Array) -> bool:
    """Whether some cells are like 1.234 or 1,234, which are two numbers, and none shows which."""
    either = matching(text, _EITHER_POINT).any() or matching(text, _EITHER_COMMA).any()
    return bool(either) and not sure_decimal(text)


def _by_custom(bare: pa.Array, delimiter: str, beside: str) -> tuple[str, str]:
    """What separates decimals where no cell shows it, and the guess in words."""
    for pattern, mark in ((_EITHER_COMMA, ","), (_EITHER_POINT, ".")):
        found = matching(bare, pattern)
        if not found.any():
            continue
        cell = bare[int(found.argmax())].as_py()
        whole, split = cell.replace(mark, ""), cell.replace(mark, ".")
        custom = "," if mark == "," and delimiter == ";" else "."
        chosen = beside or custom
        ordinary = beside or (mark == "." and delimiter in ("", ",") and not _among_small(bare, found))
        if mark == chosen and ordinary:
            return chosen, ""
        read = split if mark == chosen else whole
        other = whole if mark == chosen else cell.replace(mark, chosen)
        return chosen, f"{cell!r} is read as {read}; write {other} if that is meant"
    return ".", ""


def _among_small(bare: pa.Array, found: np.ndarray) -> bool:
    """Whether cells like 1.234 stand among whole numbers below 1000, which no program writes of decimals."""
    below = matching(bare, r"^[+-]?\d{1,3}$")
    return bool(below.any() and (below | found | np.asarray(bare.is_null())).all())


def _regrouped(bare: pa.Array, decimal: str) -> pa.Array:
    """Groups of digits joined, decimal commas as points."""
    grouped = pc.fill_null(pc.match_substring_regex(bare, _POINT if decimal == "." else _COMMA), False)
    joined = pc.replace_substring_regex(bare, "[ ,'’]" if decimal == "." else "[ .'’]", "")
    joined = pc.replace_substring(joined, ",", ".") if decimal == "," else joined
    return pc.if_else(grouped, joined, bare)


def _bare(text: pa.Array) -> tuple[pa.Array, int, str]:
    """(cells without signs of currency and per cent, the first that lacks or changes the sign of the others, and why)."""
    flat = pc.replace_substring_regex(pc.replace_substring_regex(text, SPACES, " "), MINUS, "-")
    flat = pc.replace_substring_regex(pc.replace_substring_regex(flat, _QUOTED, r"\1"), _POWER, r"\1e\2")
    flat = pc.replace_substring_regex(flat, r"^\(([^()]*\d[^()]*)\)$", r"-\1")
    percent = matching(flat, r"^[^%]*\d ?%$")
    number = matching(flat, r"^\D{0,6}\d[\d.,' ’]*\D{0,5}$")
    clash, why = -1, ""
    if percent.any() and (number & ~percent).any():
        few = (number & ~percent) if percent.sum() * 2 > number.sum() else percent
        clash, why = int(few.argmax()), "some cells are per cent and others are not"
    money = pc.replace_substring_regex(flat, rf"^([+-]?) ?{CURRENCY} ?([+-]?)(\d)", r"\1\2\3")
    money = pc.replace_substring_regex(money, rf"(\d) ?{CURRENCY}$", r"\1")
    money = pc.replace_substring_regex(money, r"(\d),[-–]+$", r"\1")  # 12,- of prices
    changed = np.asarray(pc.fill_null(pc.not_equal(money, flat), False))
    if changed.any():
        kept = flat.filter(pa.array(changed))
        signs = pc.replace_substring_regex(pc.replace_substring_regex(kept, r"[\d.,'’ +-]+", ""), "%", "")
        first = signs[0].as_py()
        other = np.flatnonzero(np.asarray(pc.not_equal(signs, first)))
        if len(other):
            clash = int(np.flatnonzero(changed)[other[0]])
            why = f"it is another currency than {first!r}"
    plain = pc.replace_substring_regex(money, r"(\d) ?%$", r"\1")
    plain = pc.replace_substring_regex(plain, r"^([+-]) +(\d)", r"\1\2")
    short = matching(plain, _THOUSANDS)
    if short.any() and matching(plain, r"^[+-]?\d+\.\d+[kKMB]$").any():
        for mark, power in (("[kK]", "3"), ("M", "6"), ("B", "9")):
            plain = pc.replace_substring_regex(plain, rf"^([+-]?\d+(?:\.\d+)?){mark}$", rf"\1e{power}")
    return plain, clash, why
