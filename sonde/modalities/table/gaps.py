"""Numbers that stand for a gap: -999 among temperatures, 999 among days."""

import numpy as np

BELOW = (-99, -999, -9999, -99999, -999999, -99.9, -99.99, -999.9, -999.99, -999.25, -9999.9)
ABOVE = (99, 999, 9999, 99999, 999999)
FEWEST = 5  # distinct other values that show what is usual


def codes_of_gaps(values: np.ndarray) -> tuple[float, ...]:
    """The numbers below all others that mean that there is none: repeated nines, below zero where all others are above or as far
    off as those are apart.

    >>> codes_of_gaps(np.array([-999.0, 1, 2, 3, 4, 5, -999.0]))
    (-999.0,)
    """
    there = values[~np.isnan(values)]
    found: list[float] = []
    while len(there) and there.min() in BELOW:
        code = float(there.min())
        others = there[there > code]
        if len(there) - len(others) < 2 or len(np.unique(others)) < FEWEST:
            break
        if others.min() < 0 and others.min() - code <= np.ptp(others) and others.min() not in BELOW:
            break
        found.append(code)
        there = others
    return tuple(found)


def doubtful_code(values: np.ndarray) -> str:
    """What to say of a number above all others that may mean that there is none, "" for no such."""
    there = values[~np.isnan(values)]
    if not len(there) or (code := float(there.max())) not in ABOVE:
        return ""
    others = there[there < code]
    times = len(there) - len(others)
    if times < 2 or len(np.unique(others)) < FEWEST or code - others.max() <= np.ptp(others):
        return ""
    return (
        f"{times:,} of its cells are {code:.15g}, far above the others ({others.min():.6g} to {others.max():.6g}), and read as a "
        "value: empty them if they mean that there is none"
    )
