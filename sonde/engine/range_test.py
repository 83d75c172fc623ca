"""Finding a learning rate: the learning-rate range test, which raises the rate over trial steps."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sonde.core.batch import Batch
from sonde.core.errors import NonFinite
from sonde.engine.step import Stepper
from sonde.engine.timing import untouched

WIDTH = 0.05  # of the smoothing kernel, as a share of the steps
BEGUN, ALONG = 0.2, 0.6  # share of the fall where it has begun; how far from there to the lowest point the choice lies
ROUNDING = 1e-6  # of float32, as a share of the loss
SURE = 4.0  # standard errors; where nothing is to be learned, the deepest point of some 20 independent ones reaches 3 or so


@dataclass(frozen=True)
class RangeTest:
    """The curve and the choice; `lr_range.json`.

    lr, loss: the rates tried and the smoothed loss, flat where it is higher than before by more than it ever fell
    chosen:   None where the loss falls nowhere
    fall:     of the loss, from its level at the smallest rates to its lowest
    error:    standard error of that
    """

    lr: tuple[float, ...]
    loss: tuple[float, ...]
    chosen: float | None
    fall: float = 0.0
    error: float = 0.0

    @property
    def sure(self) -> bool:
        """Whether the loss falls by more than its noise from batch to batch."""
        return self.fall > SURE * self.error


def range_test(
    stepper: Stepper, batches: Callable[[], Iterable[Batch]], *, steps: int = 100, low: float = 1e-6, high: float = 10.0
) -> RangeTest:
    """A rate on the slope of the loss, after twice `steps` trial steps that are undone.

    The rate grows geometrically from `low` to `high`; it ends early once the loss is its best and three times that above. The
    same batches are taken before at a rate that trains nothing, and what they differ by is taken off, so that an easy batch
    is no fall of the loss.
    batches: from the same position at each call
    Source: Smith 2017, arXiv:1506.01186
    """
    at_rest = _losses(stepper, batches(), [low / 1000] * steps)
    rates = [low * (high / low) ** (number / (steps - 1)) for number in range(steps)]
    losses = _losses(stepper, batches(), rates)
    count = min(len(at_rest), len(losses))
    level = sum(at_rest[:count]) / max(1, count)
    paired = [loss - rest + level for loss, rest in zip(losses, at_rest, strict=False)]
    return chosen_on(rates[:count], paired, width=max(1.0, WIDTH * steps))


def _losses(stepper: Stepper, batches: Iterable[Batch], rates: Sequence[float]) -> list[float]:
    """The loss of a batch at each rate, before its step; all is undone."""
    losses: list[float] = []
    smooth, best, decay = 0.0, math.inf, 0.95
    with untouched(stepper):
        stepper.training_mode()
        for rate, batch in zip(rates, batches, strict=False):
            try:
                value = float(stepper.at_rate(batch, rate).losses[stepper.main])
            except NonFinite:
                break
            smooth = decay * smooth + (1 - decay) * value
            level = smooth / (1 - decay ** (len(losses) + 1))
            if not math.isfinite(level) or level - best > 3 * abs(best):
                break
            best = min(best, level)
            losses.append(value)
    return losses


def chosen_on(rates: Sequence[float], losses: Sequence[float], *, width: float) -> RangeTest:
    """The choice on a curve: between the rate at which a fifth of the fall is done and that of the lowest loss.

    Both are averages over many batches, unlike the steepest step, and the rate lies below the lowest point, as Smith advises.
    width: of the Gaussian kernel that smooths the curve, in steps

    >>> rates = [10 ** (-6 + place / 10) for place in range(60)]
    >>> losses = [2.0 if rate < 1e-4 else 1.0 if rate < 0.1 else 9.0 for rate in rates]
    >>> 1e-4 < (chosen_on(rates, losses, width=2.0).chosen or 0) < 0.1
    True
    """
    if not losses:
        return RangeTest((), (), None)
    raw, start = np.array(losses), max(1, len(losses) // 10)
    lowest = _smoothed(raw, width).min()
    level = raw[:start].mean()
    raw = np.minimum(
        raw, level + max(level - lowest, 0.0)
    )  # or a loss that has flown off would smear over the lowest point
    curve = _smoothed(raw, width)
    least, fall = int(curve.argmin()), float(curve[:start].mean() - curve.min())
    near = slice(max(0, least - round(2 * width)), least + round(width) + 1)
    error = float((raw - curve)[near].std() / math.sqrt(2 * math.sqrt(math.pi) * width))
    if least < start or fall <= ROUNDING * abs(level):
        return RangeTest(tuple(rates), tuple(curve.tolist()), None, fall, error)
    begun = int(np.argmax(curve <= curve[:start].mean() - BEGUN * fall))
    chosen = rates[begun] ** (1 - ALONG) * rates[least] ** ALONG
    return RangeTest(tuple(rates), tuple(curve.tolist()), chosen, fall, error)


def _smoothed(values: np.ndarray, width: float) -> np.ndarray:
    """Means weighted by a Gaussian of the distance in steps."""
    place = np.arange(len(values))
    weights = np.exp(-0.5 * ((place[:, None] - place) / width) ** 2)
    return weights @ values / weights.sum(1)
