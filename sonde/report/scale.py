"""From values to places on paper: linear and logarithmic scales with round ticks, and curves thinned to what can be seen."""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Point = tuple[float, float | None]  # y is None where a value was not finite: the curve is broken there
MOST_POINTS = 600


@dataclass(frozen=True, kw_only=True)
class Scale:
    """A value in low..high to a place in start..end (SVG's y grows downwards, so start may exceed end)."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        if self.log:
            part = math.log(max(value, 1e-300) / self.low) / math.log(self.high / self.low)
        else:
            part = (value - self.low) / (self.high - self.low)
        return self.start + part * (self.end - self.start)

    def ticks(self, about: int = 5) -> list[tuple[float, str]]:
        """(value, text) of the ticks inside the scale."""
        return log_ticks(self.low, self.high) if self.log else linear_ticks(self.low, self.high, about)


def fit(values: Iterable[float], *, start: float, end: float, log: bool = False, zero: bool = False) -> Scale:
    """A scale that holds all values with a little air; a single value gets a range around it."""
    finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    if log:
        return Scale(low=low / 1.1, high=high * 1.1, start=start, end=end, log=True)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        low, high = low - max(abs(low) * 0.1, 0.5), high + max(abs(high) * 0.1, 0.5)
    air = 0.04 * (high - low)
    return Scale(low=low if zero and low == 0 else low - air, high=high + air, start=start, end=end)


def linear_ticks(low: float, high: float, about: int = 5) -> list[tuple[float, str]]:
    """Multiples of 1, 2 or 5 times a power of ten.

    >>> linear_ticks(0.0, 1.0, 4)
    [(0.0, '0.0'), (0.2, '0.2'), (0.4, '0.4'), (0.6, '0.6'), (0.8, '0.8'), (1.0, '1.0')]
    """
    raw = (high - low) / max(1, about)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next((factor * power for factor in (1, 2, 5) if factor * power >= raw * 0.75), 10 * power)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    values = [round(index * step, 12) for index in range(first, last + 1)]
    return [(value, tick_text(value, step)) for value in values]


def log_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Powers of ten, thinned to seven at most; below one and a half decades also 2 and 5 times them."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    factors = (1,) if math.log10(high / low) > 1.5 else (1, 2, 5)
    stride = max(1, -(-(last - first) // 7))
    values = [factor * 10.0**power for power in range(first, last + 1, stride) for factor in factors]
    return [(value, _short(value)) for value in values if low <= value <= high]


def _short(value: float) -> str:
    """A power of ten, or 2 or 5 times one, in the room that there is left of an axis.

    >>> [_short(value) for value in (0.001, 1.0, 1000.0, 100000.0, 2e-05, 1e20)]
    ['0.001', '1', '1000', '1e5', '2e-5', '1e20']
    """
    text = f"{value:g}"
    if value >= 100_000 or "e" in text:
        mantissa, _, power = f"{value:.0e}".partition("e")
        return f"{mantissa}e{int(power)}"
    return text


def tick_text(value: float, step: float) -> str:
    """A tick with no more digits than its step needs.

    >>> tick_text(0.25, 0.05), tick_text(1500, 500), tick_text(20000, 10000), tick_text(0.00015, 0.00005), tick_text(0, 1e-8)
    ('0.25', '1,500', '20k', '1.5e-4', '0')
    """
    if value and step >= 1e6:
        return f"{value / 1e6:g}M"
    if value and step >= 1000 and abs(value) >= 10_000:
        return f"{value / 1000:g}k"
    if not value and step < 1e-4:
        return "0"
    if abs(value) >= 1e9 or (value and step < 1e-4):
        mantissa, _, power = f"{value:.1e}".partition("e")
        return f"{mantissa.removesuffix('.0')}e{int(power)}"
    return f"{value:,.{max(0, -math.floor(math.log10(step) + 1e-9))}f}"


def thinned(points: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """At most `most` points: the lowest and the highest of each stretch, in their order, so that no spike is lost."""
    if len(points) <= most:
        return list(points)
    buckets = max(1, most // 2)
    finite: list[Point] = []
    for bucket in range(buckets):
        stretch = points[bucket * len(points) // buckets : (bucket + 1) * len(points) // buckets]
        places = [place for place, (_, y) in enumerate(stretch) if y is not None]
        if len(places) < len(stretch):
            finite.append((stretch[0][0], None))
        elif places:
            low = min(places, key=lambda place: stretch[place][1] or 0.0)
            high = max(places, key=lambda place: stretch[place][1] or 0.0)
            finite += [stretch[place] for place in sorted({low, high})]
    return finite


def smoothed(points: Sequence[Point], window: int) -> list[Point]:
    """Means over the last `window` points: what a noisy curve does, seen from afar. Of very many points only some have one."""
    recent: deque[float] = deque(maxlen=window)
    stride = max(1, len(points) // MOST_POINTS)
    found: list[Point] = []
    for place, (x, y) in enumerate(points, start=1):
        if y is None:
            recent.clear()
            found.append((x, None))
            continue
        recent.append(y)
        if place % stride == 0 or place == len(points):
            found.append((x, sum(recent) / len(recent)))
    return found
