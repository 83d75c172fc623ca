"""Names in the order a person expects."""

import re


def natural(text: str) -> list[tuple[int, float, str]]:
    """Sort key with numbers by value: "item 2" before "item 10".

    >>> sorted(["b10", "b2", "a"], key=natural)
    ['a', 'b2', 'b10']
    """
    pieces = re.split(r"(\d+)", text)
    return [(0, float(p), "") if p.isdecimal() else (1, 0.0, p) for p in pieces if p]
