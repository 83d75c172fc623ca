"""Cells that hold a number and something with it: 12 kg, 1.5k, >6.5, 01:23:45, 7.13 N, or a mark that none was measured.

How the numbers of a column are written is its way, "" for numbers alone: a unit ("unit:kg"), "multiples" (k, M, B), "ordinal"
(1st), "duration" or "minutes" (of 12:30 the first are hours or minutes; the numbers are seconds), or "coordinate" (degrees,
south and west below zero).
"""

# pyright: reportAttributeAccessIssue=false
# pyarrow.compute makes its functions when it is imported, where pyright cannot see them

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sonde.modalities.table.written_numbers import matching

MARKS = (
    "-", "--", "---", ".", "..", "...", "…", "–", "—", "*", "n.a.", "n.a", "n/d", "n.d.", "nd", "<na>", "<nan>", "(null)",
    "\\n", "nil", "nat", "missing", "unknown", "unk", "undefined", "not available", "not applicable", "blank", "tbd", "k.a.",
    "keine angabe", "#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!", "#error!", "#n/d", "#nv",
)  # fmt: skip
"""What stands among numbers where none was measured, in lower case; among names these may be names."""

MULTIPLES = {"k": "3", "K": "3", "M": "6", "mn": "6", "Mio": "6", "B": "9", "bn": "9", "Mrd": "9"}
ORDINALS = {"st", "nd", "rd", "th"}
MOST_UNITS = 6  # of one column
FEW = 20  # distinct cells that may be names of their own ("250 ml", "500 ml")
SAMPLE = 2000  # cells that tell the way
_LIMIT = r"^(?:(?:[<>]=?|[≤≥⩽⩾]|&[lg]t;) ?([+-]?\d.*|\.\d+)|([+-]?\d[\d.,' ]*)\+)$"
_NUMBER = r"[+-]?(?:\d[\d.,' ]*(?:[eE][+-]?\d+)?|\.\d+)"
_UNIT = rf"^(?P<n>{_NUMBER}) ?(?P<u>[^\d\s.,'+:<>=()-][^\s,;:]{{0,11}}(?: [^\d\s,;:]{{1,8}})?)$"
_DURATION = (
    r"^(?P<g>[+-]?)(?:(?P<D>\d+) ?(?:d|days?),? ?)?(?P<H>\d+):(?P<M>[0-5]\d)(?::(?P<S>[0-5]\d(?:[.,]\d+)?))?"
    r"(?: ?(?P<P>[aApP])\.?[mM]\.?)?$"
)
_DEGREES = (
    r"^(?P<d>\d{1,3}(?:[.,]\d+)?) ?[°º]? ?(?:(?P<m>\d{1,2}(?:[.,]\d+)?) ?['′’] ?)?"
    r"(?:(?P<s>\d{1,2}(?:[.,]\d+)?) ?(?:[\"″”]|''|′′) ?)?"
    r"(?P<w>[NSEWnsew])$"
)


@dataclass(frozen=True)
class Way:
    """How the numbers of a column are written.

    name:    see above
    said:    in words, for a warning
    mixed:   why the cells are no numbers of one kind ("holds 'kg' (40) and 'lb' (20)"), "" where they are
    """

    name: str = ""
    said: str = ""
    mixed: str = ""


def without_marks(text: pa.Array) -> tuple[pa.Array, str]:
    """(cells with those that mark a gap as nulls, what to say of them, "" for none)."""
    short = pc.less_equal(pc.utf8_length(text), max(map(len, MARKS)))
    gap = pc.fill_null(pc.and_(short, pc.is_in(pc.utf8_lower(text), value_set=pa.array(MARKS, text.type))), False)
    if not pc.any(gap).as_py():
        return text, ""
    marks = Counter(text.filter(gap).to_pylist()).most_common(3)
    listed = ", ".join(repr(mark) for mark, _ in marks)
    kept = pc.if_else(gap, pa.scalar(None, text.type), text)
    return kept, f"{pc.sum(gap).as_py():,} of its cells hold {listed}, which counts as missing among numbers"


def without_limits(text: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """(cells such as ">6.5" and "10+" as the limit, (n,) bool: which those were)."""
    limited = matching(text, _LIMIT)
    if not limited.any():
        return text, limited
    return pc.if_else(pa.array(limited), pc.replace_substring_regex(text, _LIMIT, r"\1\2"), text), limited


def limits_are_names(text: pa.Array, bare: pa.Array, limited: np.ndarray) -> bool:
    """Whether cells with limits are classes of their own, such as <=50K and >50K, which are one number."""
    if limited.sum() * 2 <= len(text) - text.null_count:
        return False
    return len(pc.unique(bare)) < len(pc.unique(text))


def way_of(text: pa.Array) -> Way:
    """How most cells are written, `Way()` where they hold numbers alone or none."""
    there = text.drop_null()
    sample = there.take(np.unique(np.linspace(0, len(there) - 1, SAMPLE).astype(np.int64))) if len(there) else there
    if not len(sample) or matching(sample, r"\d").sum() * 2 < len(sample):
        return Way()
    durations = matching(sample, _DURATION)
    if durations.mean() > 0.5:
        return _duration(there.filter(pa.array(matching(there, _DURATION))))
    degrees = matching(sample, _DEGREES)
    if degrees.mean() > 0.5 and _are_coordinates(sample.filter(pa.array(degrees))):
        return Way("coordinate", "read as degrees, north and east above zero")
    return _unit(there) if matching(sample, _UNIT).mean() > 0.25 else Way()


def in_way(text: pa.Array, way: str) -> pa.Array:
    """Cells as numbers alone, text still; those that are not written in this way as they are."""
    if way in ("duration", "minutes"):
        return _filled(text, _seconds(text, way))
    if way == "coordinate":
        return _filled(text, _degrees(text))
    if way == "ordinal":
        return pc.replace_substring_regex(text, r"^(\d+) ?(?i:st|nd|rd|th)\.?$", r"\1")
    if way == "multiples":
        for name, power in MULTIPLES.items():
            text = pc.replace_substring_regex(text, rf"^([+-]?\d[\d.,]*) ?{name}\.?$", rf"\1e{power}")
        return text
    if way.startswith("unit:"):
        unit = re.escape(way.removeprefix("unit:"))
        return pc.utf8_trim_whitespace(pc.replace_substring_regex(text, rf"^({_NUMBER}) ?(?i:{unit})$", r"\1"))
    return text


def _filled(text: pa.Array, values: np.ndarray) -> pa.Array:
    """Values as text where they are there, elsewhere the cells."""
    there = ~np.isnan(values)
    written = pa.array([repr(float(v)) if known else None for v, known in zip(values, there, strict=True)], text.type)
    return pc.if_else(pa.array(there), written, text)


def _parts(text: pa.Array, pattern: str) -> tuple[dict[str, list[str]], np.ndarray]:
    """(name -> its text in each cell, "" where absent; (n,) bool: cells that match)."""
    fields = pc.extract_regex(text, pattern)
    there = ~np.asarray(fields.is_null())
    names = [field.name for field in fields.type]
    return {name: pc.fill_null(fields.field(name), "").to_pylist() for name in names}, there


def _numbers(cells: list[str]) -> np.ndarray:
    return np.array([float(cell.replace(",", ".") or 0) for cell in cells])


def _seconds(text: pa.Array, way: str) -> np.ndarray:
    """(n,) seconds, NaN for what is no duration."""
    parts, there = _parts(text, _DURATION)
    hours = _numbers(parts["H"])
    half = np.array([mark.lower() for mark in parts["P"]])
    hours = np.where(half != "", hours % 12 + 12 * (half == "p"), hours)
    seconds = _numbers(parts["D"]) * 86400 + hours * 3600 + _numbers(parts["M"]) * 60 + _numbers(parts["S"])
    if way == "minutes":  # of two numbers, not of three
        seconds = np.where(np.array(parts["S"]) == "", seconds / 60, seconds)
    signs = np.array([-1.0 if sign == "-" else 1.0 for sign in parts["g"]])
    return np.where(there, signs * seconds, np.nan)


def _degrees(text: pa.Array) -> np.ndarray:
    """(n,) degrees, NaN for what is no coordinate."""
    parts, there = _parts(text, _DEGREES)
    degrees = _numbers(parts["d"]) + _numbers(parts["m"]) / 60 + _numbers(parts["s"]) / 3600
    signs = np.array([-1.0 if way and way in "SWsw" else 1.0 for way in parts["w"]])
    return np.where(there & (degrees <= 180), signs * degrees, np.nan)


def _duration(cells: pa.Array) -> Way:
    """How durations are read: 30:15 is minutes and seconds where the first numbers end at 59 and some are past 23."""
    parts, _ = _parts(cells, _DURATION)
    firsts = _numbers([hour for hour, second in zip(parts["H"], parts["S"], strict=True) if not second])
    minutes = len(firsts) == len(cells) and 23 < firsts.max() < 60
    way = "minutes" if minutes else "duration"
    seconds = _seconds(cells, way)
    place = int(seconds.argmax())
    as_what = "minutes and seconds" if minutes else "hours and minutes" if len(firsts) == len(cells) else "a duration"
    return Way(way, f"{cells[place].as_py()!r} is read as {as_what}: {seconds[place]:,.10g} seconds")


def _are_coordinates(cells: pa.Array) -> bool:
    """Whether letters are directions: both of a pair, or degrees are written."""
    letters = {letter.upper() for letter in pc.utf8_slice_codeunits(cells, -1, None).unique().to_pylist()}
    pair = letters <= {"N", "S"} or letters <= {"E", "W"}
    return pair and (len(letters) == 2 or bool(matching(cells, "[°º]").any()))


def _unit(there: pa.Array) -> Way:
    """The unit that cells have, or the units."""
    parts, known = _parts(there, _UNIT)
    found = [unit for unit, is_known in zip(parts["u"], known, strict=True) if is_known]
    spelled = _by_case(Counter(found))
    counts = Counter(spelled[unit] for unit in found)
    if set(counts) <= set(MULTIPLES):
        return Way("multiples", f"{', '.join(counts)} after numbers are read as thousands, millions and so on")
    if {unit.lower() for unit in counts} <= ORDINALS:
        return Way("ordinal")
    unit, most = counts.most_common(1)[0]
    plain = int(matching(there, rf"^{_NUMBER}$").sum())
    if most >= 0.95 * len(found):
        with_plain = f"; {plain:,} of its cells have none and are read as {unit} too" if plain else ""
        return Way(f"unit:{unit}", f"numbers in {unit!r}{with_plain}")
    letters = all(len(unit) == 1 and unit.isupper() for unit in counts)  # of seats and flats
    several = not letters and len(counts) <= MOST_UNITS and min(counts.values()) > 1 and len(pc.unique(there)) > FEW
    if not several or len(found) + plain < 0.95 * len(there):
        return Way()
    listed = " and ".join(f"{unit!r} ({number:,} cells)" for unit, number in counts.most_common())
    return Way(mixed=f"holds numbers in several units, {listed}, and is read as text: write all in one unit")


def _by_case(counts: Counter[str]) -> dict[str, str]:
    """Unit -> the commonest spelling of it in other capitals; m and M, which mean milli and mega, are kept apart."""
    alike: dict[str, list[str]] = {}
    for unit in counts:
        key = unit if unit[0] in "mM" and len(unit) > 1 and unit[1:2].isupper() else unit.casefold()
        alike.setdefault(unit if len(unit) == 1 else key, []).append(unit)
    return {unit: max(group, key=lambda one: counts[one]) for group in alike.values() for unit in group}
