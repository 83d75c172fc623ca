"""Parts of dates as numbers."""

import numpy as np

DATE_PARTS = ("year", "month", "day", "weekday", "hour", "minute", "time")


def date_part(dates: np.ndarray, part: str) -> np.ndarray:
    """(n,) float64 of one of `DATE_PARTS`, NaN for NaT. Weekday 0 is Monday; time counts days since 1970.

    >>> date_part(np.array(["2024-02-29T12:30"], "datetime64[s]"), "weekday")
    array([3.])
    """
    days = dates.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    seconds = (dates - days).astype(np.int64)
    numbers = {
        "year": lambda: dates.astype("datetime64[Y]").astype(np.int64) + 1970,
        "month": lambda: months.astype(np.int64) % 12 + 1,
        "day": lambda: (days - months.astype("datetime64[D]")).astype(np.int64) + 1,
        "weekday": lambda: (days.astype(np.int64) + 3) % 7,  # 1 January 1970 was a Thursday
        "hour": lambda: seconds // 3600,
        "minute": lambda: seconds // 60 % 60,
        "time": lambda: dates.astype(np.int64) / 86400,
    }[part]()
    return np.where(np.isnat(dates), np.nan, numbers)


def to_dates(days: np.ndarray, unit: str) -> np.ndarray:
    """(n,) datetime64[s] of days since 1970 rounded to whole units ("D", "h", "m"); NaT for NaN.

    >>> to_dates(np.array([0.99999, np.nan]), "D")
    array(['1970-01-02T00:00:00',                 'NaT'],
          dtype='datetime64[s]')
    """
    per_day = {"D": 1, "h": 24, "m": 1440}[unit]
    there = ~np.isnan(days)
    found = np.full(len(days), np.datetime64("NaT"), "datetime64[s]")
    found[there] = np.round(days[there] * per_day).astype(np.int64).astype(f"datetime64[{unit}]")
    return found
