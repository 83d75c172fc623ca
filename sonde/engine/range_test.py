"""Finding a learning rate: the learning-rate range test, which raises the rate over trial steps."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from sonde.core.batch import Batch
from sonde.core.errors import NonFinite
from sonde.engine.step import Stepper
from sonde.engine.timing import untouched


@dataclass(frozen=True)
class RangeTest:
    """The curve and the choice; `lr_range.json`."""

    lr: tuple[float, ...]
    loss: tuple[float, ...]  # smoothed
    chosen: float


def range_test(
    stepper: Stepper, batches: Iterable[Batch], *, steps: int = 100, low: float = 1e-6, high: float = 10.0
) -> RangeTest:
    """The rate with the steepest fall of the smoothed loss, after `steps` trial steps that are undone.

    The rate grows geometrically from `low` to `high`; it ends early once the loss is its best and three times that above.
    Source: Smith 2017, arXiv:1506.01186; smoothing and steepest point after Gugger 2018 (fastai)
    """
    rates: list[float] = []
    losses: list[float] = []
    smooth, best, decay = 0.0, math.inf, 0.95
    name = stepper.main
    with untouched(stepper):
        stepper.training_mode()
        for number, batch in zip(range(steps), batches, strict=False):
            rate = low * (high / low) ** (number / (steps - 1))
            try:
                value = float(stepper.at_rate(batch, rate).losses[name])
            except NonFinite:
                break
            smooth = decay * smooth + (1 - decay) * value
            level = smooth / (1 - decay ** (number + 1))
            if not math.isfinite(level) or level - best > 3 * abs(best):
                break
            best = min(best, level)
            rates.append(rate)
            losses.append(level)
    return RangeTest(tuple(rates), tuple(losses), steepest(rates, losses))


def steepest(rates: list[float], losses: list[float]) -> float:
    """The rate where the loss falls fastest per factor of rate, looked for before its lowest point.

    Smith's advice is a rate well below the lowest point; where nothing falls, the smallest rate tried is returned.

    >>> round(steepest([1e-4, 1e-3, 1e-2, 1e-1], [2.3, 2.2, 1.0, 5.0]), 6)
    0.003162
    """
    lowest = losses.index(min(losses)) if losses else 0
    falls = [(losses[i + 1] - losses[i]) / math.log(rates[i + 1] / rates[i]) for i in range(lowest)]
    if not falls:
        return rates[0] if rates else 1e-3
    at = falls.index(min(falls))
    return math.sqrt(rates[at] * rates[at + 1])
