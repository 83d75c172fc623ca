"""Names in the order a person expects."""

import re
from collections.abc import Iterable


def natural(text: str) -> list[tuple[int, float, str]]:
    """Sort key with numbers by value: "item 2" before "item 10"."""
    pieces = re.split(r"(\d+)", text)
    return [(0, float(p), "") if p.isdecimal() else (1, 0.0, p) for p in pieces if p]


def in_natural_order(names: Iterable[str]) -> list[str]:
    """Names, or paths as text, sorted by `natural`.

    >>> in_natural_order(["b10", "b2", "a"])
    ['a', 'b2', 'b10']
    """
    return sorted(names, key=natural)
