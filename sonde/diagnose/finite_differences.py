"""A slope beside central finite differences along one direction: whether they agree, at two step sizes, so that kinks are told
from mistakes."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

TOLERANCE = (
    1e-4  # relative; what is right agrees to 1e-7 or better in float64, but for rounding, which `noise` allows for
)
SMALLER = 8.0  # by how much the second step is
ROUNDING = 20.0  # times the noise of a value that a difference of two may be off
CLEARLY = 4.0  # times what the two step sizes differ by

Verdict = Literal["agrees", "kink", "wrong", "too small"]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What a comparison showed.

    verdict: "kink" where the function bends within the step, as relu does, so that no slope is the right one; "too small" where
             both are below what rounding allows to see
    slope, numeric: the two;  error: |slope - numeric| / the larger of them, or of what rounding allows to tell
    calls: evaluations that it took
    """

    verdict: Verdict
    slope: float
    numeric: float
    error: float
    calls: int


def compare(
    value: Callable[[float], float], slope: float, *, step: float, noise: float, scale: float = 0.0
) -> Difference:
    """Compare `slope` with the derivative of `value` at 0.

    step: the first step;  noise: by how much `value` is off by rounding
    scale: a size beside which a difference is nothing, where the slope is a sum whose parts may cancel

    >>> compare(lambda t: (1 + t) ** 3, 3.0, step=1e-5, noise=1e-16).verdict
    'agrees'
    >>> compare(lambda t: (1 + t) ** 3, 2.9, step=1e-5, noise=1e-16).verdict
    'wrong'
    >>> compare(lambda t: max(t, 0.0), 0.0, step=1e-5, noise=1e-16).verdict
    'kink'
    """

    def off(numeric: float, width: float) -> float:
        return abs(numeric - slope) / max(abs(numeric), abs(slope), scale, ROUNDING * noise / width / TOLERANCE)

    first = (value(step) - value(-step)) / (2 * step)
    if max(abs(first), abs(slope)) <= ROUNDING * noise / step:
        return Difference(verdict="too small", slope=slope, numeric=first, error=0.0, calls=2)
    error = off(first, step)
    if error <= TOLERANCE:
        return Difference(verdict="agrees", slope=slope, numeric=first, error=error, calls=2)
    width = step / SMALLER
    middle, right, left = value(0.0), value(width), value(-width)
    second = (right - left) / (2 * width)
    error = off(second, width)
    found = (
        "kink" if error <= TOLERANCE else _of_two(slope, first, second, (middle - left, right - middle), width, noise)
    )
    return Difference(verdict=found, slope=slope, numeric=second, error=error, calls=5)


def _of_two(
    slope: float, first: float, second: float, sides: tuple[float, float], width: float, noise: float
) -> Verdict:
    """Of a slope that agrees with neither difference: a mistake, unless it lies between the slopes of the two sides, or the
    differences themselves do not agree. sides: what `value` changes by below and above 0"""
    low, high = sorted(side / width for side in sides)
    room = ROUNDING * noise / width + TOLERANCE * max(abs(low), abs(high))
    bends = high - low > 4 * room
    if not math.isfinite(second) or (bends and low - room <= slope <= high + room):
        return "kink"
    return "wrong" if abs(second - slope) > CLEARLY * abs(first - second) else "kink"
