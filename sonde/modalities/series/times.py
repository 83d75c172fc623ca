"""When the rows of a table happened: one column of dates, numbers that count seconds, or date and clock in several columns."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pyarrow as pa

from sonde.core.errors import DataError, nearest
from sonde.modalities.series.time_index import SECOND, TimeStep, infer_step, most_frequent
from sonde.modalities.table.kinds import Categories, Kind, categories, clean, infer_kind, parse
from sonde.modalities.table.read import Table
from sonde.modalities.table.wide import refuse_times_in_header
from sonde.modalities.table.written_dates import below_seconds
from sonde.modalities.table.written_numbers import is_text

YEARS = (1000, 3000)  # whole numbers that may be years, where a column of numbers is called the time
EPOCHS = (
    (1e8, 1e10, 1),
    (1e11, 1e13, 1_000),
    (1e14, 1e16, 1_000_000),
    (1e17, 1e19, 1_000_000_000),
)  # from, to, a second
NAMES = ("time", "timestamp", "date", "datetime", "ds", "ts", "epoch", "unix", "unixtime", "unix_time", "day", "when")
MONTHS = ("month", "period", "yyyymm", "yearmonth", "year_month")  # which hold 202001
NUMBERED = ("ds", "t", "time", "timestamp", "ts", "time_idx", "timestep", "time_step", "time_s", "seconds")
MOST_COUNTED = 1e8  # seconds and steps from a beginning; larger ones are seconds since 1970
EVEN = 0.9  # of the steps between such numbers that are alike
MONTH_OFF = 0.15  # of a month, by which a year with decimals may be off: 1960.08
ROUGHLY = 0.2  # by which steps of parts of a second may differ, where they were rounded
PARTS = ("year", "month", "day", "hour", "minute", "second")
LISTED = 8
_CLOCK = re.compile(r"(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2}))?(?:\.\d+)?(?: ?(?P<P>[ap])\.?m\.?)?", re.IGNORECASE)


@dataclass(frozen=True)
class Times:
    """When each row happened.

    name:   what to call it, the names of its columns
    stamps: (n,) datetime64[s], [ns] where they hold parts of a second
    uses:   the columns it was read from
    guess:  what custom decided of how dates are read, "" for nothing
    counts: "steps" of rows that are numbered, "elapsed" of seconds that were counted; "" of times
    """

    name: str
    stamps: np.ndarray
    uses: tuple[str, ...]
    guess: str = ""
    counts: Literal["", "steps", "elapsed"] = ""

    @property
    def written_by(self) -> TimeStep:
        """A step by which single ones are written out in full."""
        return TimeStep(1, self.counts or ("nanoseconds" if self.stamps.dtype == "datetime64[ns]" else "seconds"))

    def step(self, stamps: np.ndarray) -> TimeStep:
        """How far some of them are apart, in order."""
        if self.counts == "steps":
            return TimeStep(most_frequent(np.diff(stamps).astype(np.int64)), "steps")
        found = infer_step(stamps)
        return TimeStep(found.count, "elapsed") if self.counts else found


def find_times(table: Table, requested: str | None) -> Times:
    """The times of a table's rows, in the requested column or the first that holds some.

    Raises: DataError where there are none, or a row has none
    """
    if requested is not None and requested not in table.columns:
        near = nearest(requested, table.columns)
        hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(list(table.columns)[:LISTED])}"
        raise DataError(f"{table.name} has no column {requested!r}; {hint}")
    kinds = {name: infer_kind(table, name) for name in table.columns if name}
    if requested is not None:
        return _with_clock(table, kinds, _column(table, requested, kinds.get(requested, Kind(kind="empty"))))
    dated = next((name for name, kind in kinds.items() if kind.kind == "date"), None)
    if dated is not None:
        return _with_clock(table, kinds, _column(table, dated, kinds[dated]))
    if (found := _from_parts(table, kinds)) is not None:
        return found
    for name, kind in kinds.items():
        if (
            kind.kind == "number"
            and name.lower().replace(" ", "_") in (*NAMES, *MONTHS)
            and _counted(_values(table, name, kind)) is not None
        ):
            return _column(table, name, kind)
    for name, kind in kinds.items():
        called = name.lower().replace(" ", "_") in NUMBERED
        if kind.kind == "number" and called and (found := _numbered(_values(table, name, kind))) is not None:
            return replace(found, name=name, uses=(name,))
    refuse_times_in_header(table)
    raise DataError(
        f"{table.name} has no column of times, which a series needs; name it with --time, or leave --task out"
    )


def _column(table: Table, name: str, kind: Kind) -> Times:
    """Dates, years, 20200131, or seconds and less since 1970. Raises: DataError for a column of something else, and gaps"""
    stamps = None
    if kind.kind == "date":
        found = parse(table, name, kind)
        assert not isinstance(found, Categories)
        gone = np.flatnonzero(np.isnat(found))
        if len(gone):
            raise DataError(
                f"{table.place(int(gone[0]))}: no time in column {name!r}; fill in the cell, or remove the row"
            )
        stamps = _with_parts(table, name, found)
    elif kind.kind == "number":
        values = _values(table, name, kind)
        stamps = _counted(values)
        if stamps is None and (numbered := _numbered(values, named=True)) is not None:
            return replace(numbered, name=name, uses=(name,))
    if stamps is None:
        raise DataError(f"{table.name}: column {name!r} has no timestamps; choose another with --time")
    return Times(name, stamps, (name,), kind.guess)


def _values(table: Table, name: str, kind: Kind) -> np.ndarray:
    found = parse(table, name, kind)
    assert not isinstance(found, Categories)
    return found


def _counted(values: np.ndarray) -> np.ndarray | None:
    """Whole numbers as times; None where they are none."""
    if np.isnan(values).any() or not len(values):
        return None
    low, high = values.min(), values.max()
    if (values != np.floor(values)).any():  # seconds since 1970 with parts of one, which floats hold to a microsecond
        begin, end, _ = EPOCHS[0]
        if not (begin <= low and high < end):
            return _in_years(values)
        seconds, parts = np.divmod(np.rint(values * 1e6).astype(np.int64), 1_000_000)
        return _exact(seconds.astype("datetime64[s]"), parts * 1_000)
    if low >= YEARS[0] and high <= YEARS[1]:
        return (values.astype(np.int64) - 1970).astype("datetime64[Y]").astype("datetime64[s]")
    if low >= 190001 and high <= 219912:
        return _civil(values.astype(np.int64) // 100, values.astype(np.int64) % 100, np.ones(len(values), np.int64))
    if low >= 19000101 and high <= 21991231:
        return _calendar(values.astype(np.int64))
    unit = next((unit for begin, end, unit in EPOCHS if low >= begin and high < end), None)
    if unit is None:
        return None
    seconds, rest = np.divmod(values.astype(np.int64), unit)
    return _exact(seconds.astype("datetime64[s]"), rest * (SECOND // unit))


def _with_parts(table: Table, name: str, stamps: np.ndarray) -> np.ndarray:
    """Dates with the parts of a second that they hold, where any does."""
    array = table.columns[name]
    if is_text(array.type):
        parts = below_seconds(clean(array))
    elif pa.types.is_timestamp(array.type):
        exact = array.cast(pa.timestamp("ns", getattr(array.type, "tz", None)), safe=False).to_numpy()
        parts = (exact - exact.astype("datetime64[s]")).astype("timedelta64[ns]").astype(np.int64)
    else:
        return stamps
    return _exact(stamps, parts)


def _exact(stamps: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Times with their parts of a second (nanoseconds) where whole seconds do not tell them apart at even steps."""
    if not parts.any():
        return stamps
    exact = stamps.astype("datetime64[ns]") + parts
    whole = np.unique(stamps)
    apart = np.diff(whole).astype(np.int64)
    if len(whole) == len(np.unique(exact)) and len(apart) and (apart == most_frequent(apart)).mean() >= EVEN:
        return stamps
    return exact


def _numbered(values: np.ndarray, *, named: bool = False) -> Times | None:
    """Numbers of rows or seconds from a beginning, None where they are neither: most of them are at even steps.

    named: whether the column was named as the time, so that whole numbers with more gaps count too
    """
    if np.isnan(values).any() or len(values) < 3 or np.abs(values).max() > MOST_COUNTED:
        return None
    fractions = (values != np.floor(values)).any()
    if fractions and values.min() >= YEARS[0] and values.max() <= YEARS[1]:
        return None  # years of some calendar of its own
    distinct = np.unique(values)
    apart = np.diff(distinct)
    if len(distinct) < 3:
        return None
    if not fractions:
        even = named or (apart == np.median(apart)).mean() >= EVEN
        return Times("", values.astype(np.int64).astype("datetime64[s]"), (), counts="steps") if even else None
    if (np.abs(apart / np.median(apart) - 1) < ROUGHLY).mean() < EVEN:
        return None
    return Times("", np.rint(values * SECOND).astype(np.int64).astype("datetime64[ns]"), (), counts="elapsed")


def _in_years(values: np.ndarray) -> np.ndarray | None:
    """1960.0833 as a month; None of other fractions."""
    months = np.rint(values * 12)
    if values.min() < YEARS[0] or values.max() > YEARS[1] or (np.abs(values * 12 - months) > MONTH_OFF).any():
        return None
    return (months.astype(np.int64) - 1970 * 12).astype("datetime64[M]").astype("datetime64[s]")


def _calendar(days: np.ndarray) -> np.ndarray | None:
    """20200131 as a day; None where one is in no calendar."""
    return _civil(days // 10000, days // 100 % 100, days % 100)


def _civil(year: np.ndarray, month: np.ndarray, day: np.ndarray) -> np.ndarray | None:
    if ((month < 1) | (month > 12) | (day < 1)).any():
        return None
    months = (year - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (month - 1)
    days = months.astype("datetime64[D]") + (day - 1)
    return days.astype("datetime64[s]") if (days.astype("datetime64[M]") == months).all() else None


def _from_parts(table: Table, kinds: Mapping[str, Kind]) -> Times | None:
    """Year, month and further parts in a column each."""
    named = {name.lower(): name for name in kinds}
    uses: list[str] = []
    for part in PARTS:
        if part not in named or kinds[named[part]].kind != "number":
            break
        uses.append(named[part])
    if len(uses) < 2:
        return None
    cells = [_values(table, name, kinds[name]) for name in uses]
    if any(np.isnan(values).any() or (values != np.floor(values)).any() for values in cells):
        return None
    year, month, *rest = (values.astype(np.int64) for values in cells)
    days = _civil(year, month, rest[0] if rest else np.ones_like(year))
    if days is None or year.min() < YEARS[0] or year.max() > YEARS[1]:
        return None
    seconds = sum((values * size for values, size in zip(rest[1:], (3600, 60, 1), strict=False)), np.zeros_like(year))
    return Times(" ".join(uses), days + seconds, tuple(uses))


def _with_clock(table: Table, kinds: Mapping[str, Kind], found: Times) -> Times:
    """Days that stand beside a column of the clock's time, or of hours, with it."""
    if (
        found.counts
        or (found.stamps != found.stamps.astype("datetime64[D]")).any()
        or len(np.unique(found.stamps)) == len(found.stamps)
    ):
        return found
    for name, kind in kinds.items():
        if name in found.uses:
            continue
        seconds = _clock(table, name, kind)
        if seconds is not None:
            return Times(f"{found.name} {name}", found.stamps + seconds, (*found.uses, name), found.guess)
    return found


def _clock(table: Table, name: str, kind: Kind) -> np.ndarray | None:
    """(n,) int64 seconds since midnight, None for a column of something else."""
    if kind.kind == "number" and not kind.way and name.lower() in ("hour", "hr", "time", "hours"):
        values = _values(table, name, kind)
        whole = not np.isnan(values).any() and (values == np.floor(values)).all() and values.min() >= 0
        return (values * 3600).astype(np.int64) if whole and values.max() <= 24 else None
    if kind.kind != "category" and kind.way not in ("duration", "minutes"):
        return None
    cells = categories(table, name)
    read = [_seconds(cell) for cell in cells.names]
    if (cells.codes < 0).any() or not read or any(seconds is None for seconds in read):
        return None
    return np.array(read, np.int64)[cells.codes]


def _seconds(cell: str) -> int | None:
    found = _CLOCK.fullmatch(cell)
    if found is None:
        return None
    hour, minute, second = int(found["H"]), int(found["M"]), int(found["S"] or 0)
    if found["P"]:
        hour = hour % 12 + 12 * (found["P"].lower() == "p")
    return hour * 3600 + minute * 60 + second if hour <= 24 and minute < 60 and second < 61 else None
