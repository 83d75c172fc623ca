"""When the rows of a series happened: how far apart they are, which are missing, and what comes after the last."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

MINUTE, HOUR, DAY, WEEK = 60, 3_600, 86_400, 604_800  # seconds
SECOND = 1_000_000_000  # nanoseconds
NEAR = 0.25  # of a step, by which times below a second may be off: clocks are read in whole milliseconds
SAME = 1e-3  # by which two such steps may differ and be one
WORDS = {
    (1, "months"): "monthly",
    (3, "months"): "quarterly",
    (12, "months"): "yearly",
    (1, "workdays"): "every working day",
    (MINUTE, "seconds"): "every minute",
    (HOUR, "seconds"): "hourly",
    (DAY, "seconds"): "daily",
    (WEEK, "seconds"): "weekly",
}
SEASONS = {
    (1, "months"): (12,),
    (3, "months"): (4,),
    (1, "workdays"): (5,),
    (HOUR, "seconds"): (24, 168),
    (DAY, "seconds"): (7, 365),
    (WEEK, "seconds"): (52,),
}


@dataclass(frozen=True)
class TimeStep:
    """From one row to the next: so many seconds, working days or months; nanoseconds where times hold parts of a second,
    "elapsed" the same of seconds that were counted, and "steps" of rows that are numbered.

    >>> TimeStep(3600, "seconds").word, TimeStep(900, "seconds").word, TimeStep.read("2 months")
    ('hourly', 'every 15 minutes', TimeStep(count=2, unit='months'))
    """

    count: int
    unit: Literal["seconds", "workdays", "months", "nanoseconds", "elapsed", "steps"]

    def __str__(self) -> str:
        return f"{self.count} {self.unit}"

    @staticmethod
    def read(text: str) -> "TimeStep":
        """The inverse of `str`."""
        count, _, unit = text.partition(" ")
        return TimeStep(int(count), unit)  # type: ignore[arg-type]  # one of the three, as `str` wrote it

    @property
    def word(self) -> str:
        """For a person."""
        if (self.count, self.unit) in WORDS:
            return WORDS[self.count, self.unit]
        if self.unit == "steps":
            return "numbered" if self.count == 1 else f"numbered by {self.count}"
        if self.below_seconds:
            size, name = next(
                (s, n) for s, n in ((SECOND, "s"), (10**6, "ms"), (10**3, "µs"), (1, "ns")) if self.count >= s
            )
            return f"every {self.count / size:.6g} {name}"
        if self.unit != "seconds":
            return f"every {self.count} {self.unit}"
        size, name = next((s, n) for s, n in ((DAY, "days"), (HOUR, "hours"), (MINUTE, "minutes"), (1, "seconds"))
                          if self.count % s == 0)  # fmt: skip
        return f"every {self.count // size} {name}"

    @property
    def below_seconds(self) -> bool:
        """Whether it is counted in nanoseconds."""
        return self.unit in ("nanoseconds", "elapsed")

    def is_like(self, other: "TimeStep") -> bool:
        """Whether it is the same, but for what the rounding of clocks leaves of steps below a second."""
        near = self.below_seconds and abs(self.count - other.count) <= SAME * self.count
        return self == other or (self.unit == other.unit and near)

    @property
    def seasons(self) -> tuple[int, ...]:
        """Steps after which such series often repeat themselves, the shortest first; (1,) where none is customary.

        >>> TimeStep(900, "seconds").seasons
        (96,)
        """
        if (self.count, self.unit) in SEASONS:
            return SEASONS[self.count, self.unit]
        within_a_day = self.unit == "seconds" and self.count < DAY and DAY % self.count == 0
        return (DAY // self.count,) if within_a_day else (1,)


def infer_step(stamps: np.ndarray) -> TimeStep:
    """How far rows are apart that are (n,) datetime64[s], ascending and different, at least two: the most frequent distance.

    Days that always fall on one day of the month, or on its last, are months apart; days among which there is no weekend
    are working days.
    """
    if stamps.dtype == "datetime64[ns]":
        return TimeStep(_fine_step(stamps), "nanoseconds")
    months = stamps.astype("datetime64[M]").astype(np.int64)
    within = _within_month(stamps)
    if (np.diff(months) > 0).all() and ((within == within[0]).all() or _last_day(stamps) or _last_workday(stamps)):
        return TimeStep(most_frequent(np.diff(months)), "months")
    apart = np.diff(stamps).astype(np.int64)
    usual = most_frequent(apart)
    if usual == DAY and (apart > DAY).any() and np.is_busday(stamps.astype("datetime64[D]")).all():
        return TimeStep(1, "workdays")
    return TimeStep(usual, "seconds")


def positions(stamps: np.ndarray, step: TimeStep) -> np.ndarray:
    """(n,) int64: how many steps each stamp lies behind the first; -1 for those that fall between two steps."""
    if step.unit == "months":
        months = stamps.astype("datetime64[M]").astype(np.int64)
        passed, rest = np.divmod(months - months[0], step.count)
        ends = _last_day(stamps) or _last_workday(stamps)
        on_day = np.ones(len(stamps), bool) if ends else _within_month(stamps) == _within_month(stamps)[0]
        return np.where((rest == 0) & on_day, passed, -1)
    if step.unit == "workdays":
        days = stamps.astype("datetime64[D]")
        passed = np.busday_count(days[0], days)
        same_hour = (stamps - days) == (stamps[0] - days[0])
        return np.where(np.is_busday(days) & same_hour, passed, -1)
    if step.below_seconds:
        exact = (stamps - stamps[0]).astype(np.int64) / step.count
        passed = np.rint(exact).astype(np.int64)
        off = (np.abs(exact - passed) > NEAR) | (np.diff(passed, prepend=-1) < 1)
        return np.where(off, -1, passed)
    passed, rest = np.divmod((stamps - stamps[0]).astype(np.int64), step.count)
    return np.where(rest == 0, passed, -1)


def following(stamps: np.ndarray, step: TimeStep, count: int) -> np.ndarray:
    """(count,) datetime64[s]: the steps after the last of `stamps`."""
    return _away(stamps, step, stamps[-1], np.arange(1, count + 1))


def between(stamps: np.ndarray, step: TimeStep, count: int) -> np.ndarray:
    """(count,) datetime64[s]: the first of `stamps` and the steps after it, without gaps."""
    return _away(stamps, step, stamps[0], np.arange(count))


def written(stamp: np.datetime64, step: TimeStep) -> str:
    """A stamp as a person writes it.

    >>> written(np.datetime64("2018-06-01T00:00:00"), TimeStep(1, "months"))
    '2018-06'
    """
    if step.unit == "steps":
        return str(int(stamp.astype(np.int64)))
    if step.unit == "elapsed":
        return f"{int(stamp.astype(np.int64)) / SECOND:.9g}"
    if step.unit == "nanoseconds":
        return str(stamp).replace("T", " ").rstrip("0").rstrip(".")
    day = stamp.astype("datetime64[D]")
    if stamp != day or (step.unit == "seconds" and step.count % DAY):
        return str(stamp.astype("datetime64[s]")).replace("T", " ")
    return str(day.astype("datetime64[M]") if step.unit == "months" and str(day).endswith("-01") else day)


def _fine_step(stamps: np.ndarray) -> int:
    """The mean step of times below a second, gaps counted as several: clocks that count milliseconds round each by itself."""
    apart = np.diff(stamps).astype(np.int64)
    times = np.maximum(1, np.rint(apart / np.median(apart)))
    return max(1, round(float(apart.sum() / times.sum())))


def most_frequent(values: np.ndarray) -> int:
    """The one of some whole numbers that is there most often, of several the lowest."""
    distinct, counts = np.unique(values, return_counts=True)
    return int(distinct[counts.argmax()])


def _within_month(stamps: np.ndarray) -> np.ndarray:
    """Time since the month began."""
    return stamps - stamps.astype("datetime64[M]").astype("datetime64[s]")


def _last_day(stamps: np.ndarray) -> bool:
    days = stamps.astype("datetime64[D]")
    return bool(((days + 1).astype("datetime64[M]") != days.astype("datetime64[M]")).all())


def _last_workday(stamps: np.ndarray) -> bool:
    """Whether all are the last of their month from Monday to Friday."""
    days = stamps.astype("datetime64[D]")
    after = (stamps.astype("datetime64[M]") + 1).astype("datetime64[D]")
    return bool((days == np.busday_offset(after, -1, roll="forward")).all())


def _away(stamps: np.ndarray, step: TimeStep, start: np.datetime64, steps: np.ndarray) -> np.ndarray:
    """The times so many steps after `start`, which is one of `stamps`."""
    if step.unit == "months":
        months = start.astype("datetime64[M]") + steps * step.count
        if _last_day(stamps):
            return ((months + 1).astype("datetime64[D]") - 1).astype("datetime64[s]")
        if _last_workday(stamps) and not (_within_month(stamps) == _within_month(stamps)[0]).all():
            ends = np.busday_offset((months + 1).astype("datetime64[D]"), -1, roll="forward")
            return ends.astype("datetime64[s]")
        return months.astype("datetime64[s]") + (start - start.astype("datetime64[M]").astype("datetime64[s]"))
    if step.unit == "workdays":
        day = start.astype("datetime64[D]")
        return np.busday_offset(day, steps).astype("datetime64[s]") + (start - day)
    unit = "timedelta64[ns]" if step.below_seconds else "timedelta64[s]"
    return start + (steps * step.count).astype(unit)
