"""Dates as people write them: 2021-01-05, 1/5/21, 05.01.2021, Jan 5, 2021, 5 January 2021 3:05 PM, 2021 Q1, 2021-W05.

Offsets such as +02:00 are counted in, so that times are UTC where they are written with one.
"""

# pyright: reportAttributeAccessIssue=false
# pyarrow.compute makes its functions when it is imported, where pyright cannot see them

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

PIVOT = 69  # two-digit years from here on are of the last century, as in POSIX and Python
FEWEST = 6  # rows whose order says something
SAMPLE = 200  # cells that show whether a column may hold dates
MONTHS = (
    "jan(?:uary|uar)?", "feb(?:ruary|ruar)?", "mar(?:ch)?|märz?|mrz", "apr(?:il)?", "may|mai", "june?|juni", "july?|juli",
    "aug(?:ust)?", "sept?(?:ember)?", "oct(?:ober)?|okt(?:ober)?", "nov(?:ember)?", "dec(?:ember)?|dez(?:ember)?",
)  # fmt: skip
_NAME = "(?P<N>(?i:" + "|".join(MONTHS) + r"))\.?"
_DAY_NAME = (
    "(?:(?i:mon|tue|tues|wed|thu|thurs|fri|sat|sun|monday|tuesday|wednesday|thursday|friday|saturday|sunday),? )?"
)
_OFFSET = r"(?: ?(?P<O>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?))?"
_CLOCK = r"(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,]\d+)?)?(?: ?(?P<P>(?i:[ap]\.?m\.?)))?" + _OFFSET
_TIME = rf"(?:(?:T|,? +|,? at ){_CLOCK})?(?:Z| ?UTC|[+-]\d{{2}}:?\d{{2}})?$"
_YEAR = r"(?P<y>\d{4}|\d{2})"
_NTH = "(?:st|nd|rd|th)?"
ANYWHERE = (  # read alike whatever the order of numbers in a column
    r"^(?P<y>\d{4})[-/](?P<m>\d{1,2})(?:[-/](?P<d>\d{1,2}))?" + _TIME,
    r"^(?P<y>\d{4})\.(?P<m>\d{1,2})\.(?P<d>\d{1,2})\.?" + _TIME,
    rf"^{_DAY_NAME}{_NAME}[ -](?P<d>\d{{1,2}}){_NTH}(?:,? |-)(?P<y>\d{{4}})" + _TIME,
    rf"^{_DAY_NAME}(?P<d>\d{{1,2}}){_NTH}\.?[ /-]?{_NAME}(?:,? |/|-|)'?{_YEAR}" + _TIME,
    rf"^(?P<y>\d{{4}})[ -]{_NAME}[ -](?P<d>\d{{1,2}})" + _TIME,
    rf"^{_NAME}[ -](?:(?P<y>\d{{4}})|'?(?P<yy>\d{{2}}))$",
    r"^(?P<y>\d{4})[ -]?[Qq](?P<Q>[1-4])$",
    r"^[Qq](?P<Q>[1-4])[ /-](?P<y>\d{4})$",
    r"^(?P<m>\d{1,2})[-/.](?P<y>\d{4})$",
    r"^(?P<y>\d{4})-?[Ww](?P<W>\d{2})(?:-?(?P<w>[1-7]))?$",
)
ORDERS = {
    "ymd": r"^(?P<y>\d{2})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})" + _TIME,
    "mdy": rf"^{_DAY_NAME}(?P<m>\d{{1,2}})[./-](?P<d>\d{{1,2}})[./-]{_YEAR}" + _TIME,
    "dmy": rf"^{_DAY_NAME}(?P<d>\d{{1,2}})[./-](?P<m>\d{{1,2}})[./-]{_YEAR}" + _TIME,
}


def dates(text: pa.Array, order: str) -> np.ndarray:
    """(n,) datetime64[s] of the cells that are dates and exist in the calendar, NaT for the others.

    order: of day, month and year where they are all numbers, and the year has not four digits in front
    """
    found = np.full(len(text), np.datetime64("NaT"), "datetime64[s]")
    left = np.flatnonzero(~np.asarray(text.is_null()))
    first, *others = ANYWHERE
    for pattern in (first, ORDERS[order], *others):
        if not len(left):
            break
        found[left] = _read(text.take(pa.array(left)) if len(left) < len(text) else text, pattern)
        left = left[np.isnat(found[left])]
    return found


def may_hold_dates(text: pa.Array) -> bool:
    """Whether half of some cells are dates in one order or another."""
    there = text.drop_null()
    sample = there.take(np.unique(np.linspace(0, len(there) - 1, SAMPLE).astype(np.int64)))
    return max((~np.isnat(dates(sample, order))).mean() for order in ORDERS) >= 0.5


def best_order(text: pa.Array) -> tuple[str, str]:
    """(the order by which most cells are dates, the guess in words where two orders read all alike, "" for none).

    Of two that fit equally, that by which the rows are in time, or at the more even steps; with points between numbers the
    day comes first by custom.
    """
    there = text.drop_null()
    if not np.isnat(_read(there, ANYWHERE[0])).any():
        return "ymd", ""
    read = {order: dates(there, order) for order in ("mdy", "dmy", "ymd")}
    counts = {order: int((~np.isnat(stamps)).sum()) for order, stamps in read.items()}
    most = max(counts.values())
    fitting = [order for order, number in counts.items() if number == most]
    if len(fitting) == 1:
        return fitting[0], ""
    if all((read[order] == read[fitting[0]])[~np.isnat(read[order])].all() for order in fitting):
        return "ymd", ""
    steady = {order: _in_time(read[order]) for order in fitting}
    best = max(steady.values())
    inclined = [order for order in fitting if steady[order] == best]
    if len(inclined) == 1 and best > 0.9 and len(there) >= FEWEST:
        return inclined[0], ""
    gaps = {order: _unevenness(read[order]) for order in inclined}
    even = min(inclined, key=lambda order: gaps[order])
    if len(there) >= FEWEST and all(order == even or gaps[order] > 2 * gaps[even] for order in inclined):
        return even, ""
    dotted = bool(np.asarray(pc.match_substring_regex(there, r"^\d+\.\d+\.")).any())
    chosen = "dmy" if dotted and "dmy" in fitting else fitting[0]
    differ = read[chosen] != read[next(order for order in fitting if order != chosen)]
    place = int(differ.argmax())
    guess = f"{there[place].as_py()!r} is read as {str(read[chosen][place])[:10]}; write dates as 2021-01-31 to be sure"
    return chosen, "" if dotted else guess


def _in_time(stamps: np.ndarray) -> float:
    """Share of the rows that follow on the one before, either all upwards or all downwards."""
    steps = np.diff(stamps[~np.isnat(stamps)]).astype(np.int64)
    return float(max((steps >= 0).mean(), (steps <= 0).mean())) if len(steps) else 0.0


def _unevenness(stamps: np.ndarray) -> float:
    """How many times the longest step from one time to the next is the usual one."""
    steps = np.diff(np.unique(stamps[~np.isnat(stamps)])).astype(np.int64)
    return float(steps.max() / np.median(steps)) if len(steps) else 1.0


def _read(text: pa.Array, pattern: str) -> np.ndarray:
    fields = pc.extract_regex(text, pattern)
    gone = np.asarray(fields.is_null())
    names = {field.name for field in fields.type}

    def cells(name: str) -> pa.Array:
        return pc.fill_null(fields.field(name), "")

    def part(name: str, default: int) -> np.ndarray:
        if name not in names:
            return np.full(len(text), default, np.int64)
        filled = pc.if_else(pc.equal(cells(name), ""), str(default), cells(name))
        return filled.cast(pa.int64()).to_numpy(zero_copy_only=False)

    year, short = part("y", 1970), part("yy", -1)
    year = np.where(short >= 0, short, year)
    year = np.where(year < 100, year + np.where(year < PIVOT, 2000, 1900), year)
    month = _months(cells("N")) if "N" in names else part("m", 1)
    month = (part("Q", 1) - 1) * 3 + 1 if "Q" in names else month
    day, hour, minute, second = part("d", 1), part("H", 0), part("M", 0), part("S", 0)
    wrong = (hour > 23) | (minute > 59) | (second > 60)
    if "P" in names:
        half = np.asarray(pc.utf8_lower(pc.utf8_slice_codeunits(cells("P"), 0, 1)).to_pylist())
        wrong |= (half != "") & ((hour < 1) | (hour > 12))
        hour = np.where(half != "", hour % 12 + 12 * (half == "p"), hour)
    months = (year - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (month - 1)
    days = months.astype("datetime64[D]") + (day - 1)
    if "W" in names:
        days, no_such = _weeks(year, part("W", 1), part("w", 1))
        wrong |= no_such
        months = days.astype("datetime64[M]")
    wrong |= (month < 1) | (month > 12) | (day < 1) | (days.astype("datetime64[M]") != months)
    offset = _offsets(cells("O")) if "O" in names else 0
    stamps = days.astype("datetime64[s]") + (hour * 3600 + minute * 60 + second - offset)
    stamps[gone | wrong] = np.datetime64("NaT")
    return stamps


def _weeks(year: np.ndarray, week: np.ndarray, day: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """((n,) datetime64[D] of days in weeks as ISO 8601 counts them, (n,) bool: weeks that a year does not have)."""
    fourth = (year - 1970).astype("datetime64[Y]").astype("datetime64[D]") + 3  # of January, which is in the first week
    monday = fourth - (fourth.astype(np.int64) + 3) % 7
    days = monday + 7 * (week - 1) + (day - 1)
    thursdays = (days - (day - 1) + 3).astype("datetime64[Y]").astype(np.int64) + 1970
    return days, (week < 1) | (thursdays != year)


def below_seconds(text: pa.Array) -> np.ndarray:
    """(n,) int64: the nanoseconds that dates hold beside whole seconds, which `dates` leaves out."""
    digits = pc.extract_regex(text, r":\d{2}:\d{2}[.,](?P<F>\d{1,9})").field("F")
    padded = pc.utf8_rpad(pc.fill_null(digits, "0"), 9, "0")
    return padded.cast(pa.int64()).to_numpy(zero_copy_only=False)


def _months(names: pa.Array) -> np.ndarray:
    """(n,) int64, 0 for no name."""
    lower = pc.utf8_lower(names)
    found = np.zeros(len(names), np.int64)
    for number, pattern in enumerate(MONTHS, start=1):
        found[np.asarray(pc.match_substring_regex(lower, f"^(?:{pattern})$"))] = number
    return found


def _offsets(cells: pa.Array) -> np.ndarray:
    """(n,) int64 seconds east of Greenwich."""
    encoded = cells.dictionary_encode()
    seconds = [_seconds(text) for text in encoded.dictionary.to_pylist()]
    return np.array([*seconds, 0], np.int64)[encoded.indices.to_numpy(zero_copy_only=False)]


def _seconds(text: str) -> int:
    digits = text.lstrip("+-").replace(":", "")
    if not digits.isdigit():
        return 0  # Z, UTC, GMT or none
    return (-1 if text.startswith("-") else 1) * (int(digits[:2]) * 3600 + int(digits[2:] or 0) * 60)
