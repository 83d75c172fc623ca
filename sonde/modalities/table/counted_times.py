"""Times as numbers: seconds (and less) since 1970, days of a spreadsheet, 20210131."""

import re

import numpy as np

EPOCHS = (
    (1e8, 1e10, 1),
    (1e11, 1e13, 1_000),
    (1e14, 1e16, 1_000_000),
    (1e17, 1e19, 1_000_000_000),
)  # from, to, a second
CALENDAR = (19000101, 21991231)
SHEET = (18_000, 80_000)  # days since 1899-12-30: 1949 to 2119
ORDERS = ("epoch", "sheet", "calendar")
_NAMED = re.compile(
    r"(^|[_\W])(date|datetime|time|timestamp|ts|day|epoch|unix(_?time)?|created|updated|modified)([_\W]?(utc|gmt|ms|s|us|ns))?$|"
    r"_(at|on)$"
)


def order_of(name: str, values: np.ndarray) -> tuple[str, str]:
    """(how a column of numbers counts time, what to say of it), both "" where its name or values are of something else."""
    plain = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
    there = values[~np.isnan(values)]
    if not len(there) or _NAMED.search(plain) is None:
        return "", ""
    for order in ORDERS:
        if order == "sheet" and not re.search("date|day", plain):
            continue
        read = counted(there, order)
        if not np.isnat(read).any():
            what = {"epoch": "counts since 1970", "sheet": "days of a spreadsheet", "calendar": "dates"}[order]
            cell = f"{there[0]:.15g}"
            return order, f"numbers such as {cell} are read as {what}: {str(read[0]).replace('T', ' ')}"
    return "", ""


def counted(values: np.ndarray, order: str) -> np.ndarray:
    """(n,) datetime64[s] of numbers, NaT for those that are out of range."""
    found = np.full(len(values), np.datetime64("NaT"), "datetime64[s]")
    if order == "epoch":
        for begin, end, unit in EPOCHS:
            fits = (values >= begin) & (values < end)
            found[fits] = (values[fits] // unit).astype(np.int64).astype("datetime64[s]")
    elif order == "sheet":
        fits = (values >= SHEET[0]) & (values <= SHEET[1])
        seconds = np.round(values[fits] * 86400).astype(np.int64)
        found[fits] = np.datetime64("1899-12-30", "s") + seconds
    else:
        fits = (values >= CALENDAR[0]) & (values <= CALENDAR[1]) & (values == np.floor(values))
        days = values[fits].astype(np.int64)
        year, month, day = days // 10000, days // 100 % 100, days % 100
        months = (year - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (month - 1)
        dates = months.astype("datetime64[D]") + (day - 1)
        real = (month >= 1) & (month <= 12) & (day >= 1) & (dates.astype("datetime64[M]") == months)
        found[np.flatnonzero(fits)[real]] = dates[real].astype("datetime64[s]")
    return found
