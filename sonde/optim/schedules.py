"""Learning-rate schedules: the share of the peak rate for each step, as plain functions of the step's number."""

from collections.abc import Callable
from math import cos, pi, sqrt

from sonde.core.config import OptimConfig
from sonde.core.errors import ConfigError

Schedule = Callable[[int], float]

ONE_CYCLE_RISE = 0.3  # share of the run, where no warm-up is given
ONE_CYCLE_START = 1 / 25  # of the peak
ONE_CYCLE_END = 1e-4  # of the start


def schedule(config: OptimConfig, *, total: int) -> Schedule:
    """The schedule of a config: 0-based step -> share of the peak rate, for a run of `total` steps.

    Decays end at `lr_floor`, which step `total`, the first that is no longer run, would have; the shape stays there.
    Raises: ConfigError when warm-up and decay leave no room for each other
    """
    warmup = warmup_steps(config, total=total)
    floor = config.lr_floor
    match config.schedule:
        case "constant" | "plateau":  # which lowers the rate at evaluations, whatever the step
            return warmed(constant, warmup)
        case "step":
            return warmed(stairs(total=total, share=config.step_size, floor=floor), warmup)
        case "cosine":
            return warmed(cosine(start=warmup, total=total, floor=floor), warmup)
        case "linear":
            return warmed(linear(start=warmup, total=total, floor=floor), warmup)
        case "one-cycle":
            share = config.warmup or ONE_CYCLE_RISE
            # not rounded: torch's peak falls between two steps where the share of them is no whole number
            return one_cycle(rise=share * total if share < 1 else warmup, total=total, floor=floor)
        case "wsd":
            last = round(config.decay * total)
            if warmup + last > total:
                raise ConfigError(
                    f"--warmup ({warmup} steps) and --decay ({last} steps) do not fit into a run of {total} steps; lower one"
                )
            return warmed(stable_decay(start=total - last, total=total, floor=floor), warmup)
    raise AssertionError(f"{config.schedule} is not a schedule of Sonde's")


def warmup_steps(config: OptimConfig, *, total: int) -> int:
    """Steps of warm-up: a share of the run below 1, else the number itself.

    Raises: ConfigError when nothing of the run would be left after it
    """
    if config.warmup < 1:
        return min(round(config.warmup * total), total - 1)
    steps = round(config.warmup)
    if steps >= total:
        raise ConfigError(f"--warmup {steps} is not below the run's {total} steps; give fewer, or a share such as 0.1")
    return steps


def warmed(shape: Schedule, warmup: int) -> Schedule:
    """`shape` with its first `warmup` steps replaced by a straight rise from 1/warmup to 1 of the peak.

    Source: Goyal et al. 2017, arXiv:1706.02677

    >>> [warmed(constant, 4)(step) for step in range(5)]
    [0.25, 0.5, 0.75, 1.0, 1.0]
    """
    if warmup == 0:
        return shape
    return lambda step: (step + 1) / warmup if step < warmup else shape(step)


def constant(step: int) -> float:
    """The peak rate throughout."""
    return 1.0


def stairs(*, total: int, share: float, floor: float = 0.0) -> Schedule:
    """A tenth of the rate after every `share` of the run.

    Source: as residual networks were first trained, He et al. 2015, arXiv:1512.03385

    >>> [round(stairs(total=10, share=0.3)(step), 3) for step in (0, 2, 3, 6, 9)]
    [1.0, 1.0, 0.1, 0.01, 0.001]
    """
    length = share * total

    def at(step: int) -> float:
        return max(floor, 0.1 ** int(min(step, total) / length + 1e-9))  # 3 / (0.3 * 10) is a hair below 1

    return at


def cosine(*, start: int, total: int, floor: float = 0.0) -> Schedule:
    """Half a cosine from 1 at step `start` to `floor` at step `total`.

    Source: Loshchilov and Hutter 2017, arXiv:1608.03983 (without restarts)

    >>> [round(cosine(start=0, total=4)(step), 3) for step in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """
    length = total - start

    def at(step: int) -> float:
        return floor + (1 - floor) * (1 + cos(pi * min(1.0, (step - start) / length))) / 2

    return at


def linear(*, start: int, total: int, floor: float = 0.0) -> Schedule:
    """A straight line from 1 at step `start` to `floor` at step `total`.

    Source: with a warm-up, as BERT was trained, Devlin et al. 2019, arXiv:1810.04805

    >>> [linear(start=0, total=4)(step) for step in range(6)]
    [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    """
    length = total - start

    def at(step: int) -> float:
        return 1 - (1 - floor) * min(1.0, (step - start) / length)

    return at


def one_cycle(*, rise: float, total: int, floor: float = 0.0) -> Schedule:
    """Half a cosine up from 1/25 to 1 over `rise` steps, half a cosine down to 4e-6 (or `floor`, if higher) at the last step.

    The same numbers as torch's OneCycleLR; its cycle of the momentum is left out.
    rise: in steps; need be no whole number
    Source: Smith and Topin 2017, arXiv:1708.07120; cosine arcs as in fastai
    """
    end = max(floor, ONE_CYCLE_START * ONE_CYCLE_END)
    peak, last = rise - 1, total - 1

    def at(step: int) -> float:
        if step < peak:
            return ONE_CYCLE_START + (1 - ONE_CYCLE_START) * (1 - cos(pi * step / peak)) / 2
        if last <= peak:
            return 1.0
        return end + (1 - end) * (1 + cos(pi * min(1.0, (step - peak) / (last - peak)))) / 2

    return at


def stable_decay(*, start: int, total: int, floor: float = 0.0) -> Schedule:
    """The peak until step `start`, then 1 - sqrt(share of the decay done) down to `floor` at step `total`.

    Source: warm-up, stable, decay of Hu et al. 2024, arXiv:2404.06395; the square root did best in Hägele et al. 2024,
    arXiv:2405.18392

    >>> [stable_decay(start=6, total=10)(step) for step in (0, 6, 7, 10)]
    [1.0, 1.0, 0.5, 0.0]
    """
    length = total - start
    if length == 0:
        return constant

    def at(step: int) -> float:
        return 1 - (1 - floor) * sqrt(min(1.0, (step - start) / length)) if step > start else 1.0

    return at
