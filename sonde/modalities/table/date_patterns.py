"""The pattern by which a column writes its dates, and dates written by it: "{d:02}.{m:02}.{y:04}" for 05.01.2021."""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import product

import numpy as np
import pyarrow as pa

FIRST, SAMPLE = 8, 200  # cells of which one has the pattern that most have, and those that it is counted on
MOST = 0.5  # of the cells, that a column's pattern gives back as they are
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip
Fields = Mapping[str, str | int | float]
PER_SECOND = {"e0": 1, "e3": 1_000, "e6": 1_000_000, "e9": 1_000_000_000}  # counts since 1970
SHEET = np.datetime64("1899-12-30", "s")  # day 0 of a spreadsheet


def pattern_of(cells: pa.Array, stamps: np.ndarray) -> str:
    """The pattern that gives back most of the cells of text; "" where it would change half of them.

    stamps: (n,) datetime64[s], what they were read as
    """
    places = _sample(stamps)
    return _best(cells.take(pa.array(places)).to_pylist(), stamps[places])


def pattern_of_numbers(values: np.ndarray, stamps: np.ndarray) -> str:
    """The same of a column of numbers that count time (`counted_times`), (n,) float64."""
    places = _sample(stamps)
    return _best([f"{value:.15g}" for value in values[places]], stamps[places])


def _sample(stamps: np.ndarray) -> np.ndarray:
    there = np.flatnonzero(~np.isnat(stamps))
    return there[np.unique(np.linspace(0, len(there) - 1, SAMPLE).astype(np.int64))] if len(there) else there


def _best(texts: Sequence[str], stamps: np.ndarray) -> str:
    if not texts:
        return ""
    fields = _fields(stamps)
    for place in np.unique(np.linspace(0, len(texts) - 1, FIRST).astype(np.int64)).tolist():
        able = [pattern for pattern in _patterns() if pattern.format_map(fields[place]) == texts[place]]
        shares = [_share(pattern, texts, fields) for pattern in able]
        if max(shares, default=0.0) > MOST:
            return able[int(np.argmax(shares))]
    return ""


def _share(pattern: str, texts: Sequence[str], fields: Sequence[Fields]) -> float:
    """Of the cells that it gives back."""
    return sum(pattern.format_map(each) == text for text, each in zip(texts, fields, strict=True)) / len(texts)


def written(stamps: np.ndarray, pattern: str) -> pa.Array:
    """Dates as text, nulls for NaT. stamps: datetime64 of any unit"""
    fields = iter(_fields(stamps[~np.isnat(stamps)].astype("datetime64[s]")))
    return pa.array([None if gone else pattern.format_map(next(fields)) for gone in np.isnat(stamps)], pa.string())


@cache
def _patterns() -> tuple[str, ...]:
    """All that are known; of two that write alike, as on days from 10 on, the first is taken."""
    days = [
        sign.join(fields)
        for sign, year, (day, month) in product("-/.", ("{y:04}", "{yy:02}"), (("{d:02}", "{m:02}"), ("{d}", "{m}")))
        for fields in ((year, month, day), (day, month, year), (month, day, year))
    ]
    for name, day, year in product(("{b}", "{B}"), ("{d}", "{d:02}"), ("{y:04}", "{yy:02}")):
        days += [f"{day} {name} {year}", f"{name} {day}, {year}", f"{day}-{name}-{year}", f"{day}. {name} {year}"]
    clocks = [""]
    for gap, hours, seconds, zone in product(
        (" ", "T", ", "), ("{H:02}", "{H}"), ("", ":{S:02}"), ("", "Z", "+00:00", "+0000", " UTC")
    ):
        clocks.append(f"{gap}{hours}:{{M:02}}{seconds}{zone}")
    for gap, hours, seconds, half in product((" ", ", "), ("{I}", "{I:02}"), ("", ":{S:02}"), ("{p}", "{P}")):
        clocks.append(f"{gap}{hours}:{{M:02}}{seconds} {half}")
    months = [f"{{y:04}}{sign}{{m:02}}" for sign in "-/"] + [f"{{m:02}}{sign}{{y:04}}" for sign in "-/."]
    months += ["{b} {y:04}", "{B} {y:04}", "{b}-{yy:02}", "{y:04}-Q{q}", "{y:04}Q{q}", "{y:04} Q{q}", "Q{q} {y:04}"]
    numbers = ["{y:04}{m:02}{d:02}", "{sheet:.0f}", "{sheet:.10g}", *(f"{{{name}}}" for name in PER_SECOND)]
    return (*(day + clock for day, clock in product(days, clocks)), *months, *numbers)


def _fields(stamps: np.ndarray) -> list[Fields]:
    """What patterns may name, of each date."""
    found: list[Fields] = []
    for stamp in stamps:
        at = stamp.item()
        seconds = int(stamp.astype(np.int64))
        month = MONTHS[at.month - 1]
        fields = {"y": at.year, "yy": at.year % 100, "m": at.month, "d": at.day, "q": (at.month + 2) // 3, "H": at.hour}
        fields |= {"I": (at.hour + 11) % 12 + 1, "M": at.minute, "S": at.second}
        half = "AM" if at.hour < 12 else "PM"
        names = {"b": month[:3], "B": month, "p": half, "P": half.lower()}
        counts = {name: seconds * each for name, each in PER_SECOND.items()}
        found.append({**fields, **names, **counts, "sheet": (stamp - SHEET).astype(np.int64) / 86400})
    return found
