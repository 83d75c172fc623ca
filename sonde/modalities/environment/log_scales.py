"""In which units the actions of a log are: the bounds that a policy will act in, and what looks rescaled, constant or wrong."""

from dataclasses import replace

import numpy as np

from sonde.core.dataset import Fact, TargetSpec
from sonde.modalities.environment.spaces import bounds_of, taken_in_words

MANY, LEVELS = 100, 20  # steps, and different values of each number, of fewer of which nothing is said
USUAL = ((-1.0, 1.0), (0.0, 1.0))  # what actions are scaled to
END = 1e-3  # of such a range, by which a log may miss its ends: actors that saturate
STANDARD = 1e-5  # of mean and deviation: what was standardised hits 0 and 1, and what was drawn so does not
CENTRAL, FAR, FEW = (
    0.005,
    100.0,
    1e-3,
)  # shares of steps beyond which lie the ends; ranges of what lies between; share of steps
LITTLE = 0.01  # of the bounds of a number
NAMED = 3


def bounds_told(actions: np.ndarray, target: TargetSpec, *, known: bool) -> list[Fact]:
    """The range of logged numbers, (n, numbers), as a fact; of one of several, whole numbers, nothing.

    known: whether an environment tells the bounds, and they are not what was met
    """
    if actions.dtype.kind != "f":
        return []
    still = np.flatnonzero(np.ptp(actions, 0) == 0)
    constant = "".join(f", {target.names[at]} always {actions[0, at]:.4g}" for at in still[:NAMED])
    constant += f" and {len(still) - NAMED} more constant" if len(still) > NAMED else ""
    if not known:
        words = f"{taken_in_words(target)}{constant}: the bounds in which a policy will act"
        return [Fact(words, "what the log has, since no environment is known")]
    low, high = actions.min(0).astype(np.float64), actions.max(0).astype(np.float64)
    met = replace(target, mean=tuple(_four((high + low) / 2)), std=tuple(_four((high - low) / 2)))
    return [Fact(f"logged {taken_in_words(met)}{constant}", "in bounds of the environment")]


def _four(values: np.ndarray) -> list[float]:
    return [float(f"{value:.4g}") for value in values]


def doubtful_scale(actions: np.ndarray, target: TargetSpec, *, known: bool) -> list[str]:
    """Warnings of logged actions, (n, numbers), or whole numbers (n,) or (n, parts), that cannot be what was done, or teach
    nothing."""
    if len(actions) < MANY:
        return []
    if actions.dtype.kind != "f" or not np.ptp(actions, 0).any():
        same = not np.ptp(actions, 0).any()
        only = target.names[actions[0]] if actions.ndim == 1 else " ".join(f"{value:.4g}" for value in actions[0])
        return [f"all {len(actions):,} steps have the same action ({only}), so that nothing else is learned"] * same
    values = actions.astype(np.float64)
    said = _standardised(values)
    if known:
        return said or _scaled_to(values, target) or _little(values, target)
    return [*said, *_far_out(values, target)]


def _standardised(values: np.ndarray) -> list[str]:
    moving = values[:, np.ptp(values, 0) > 0]
    deviations = [moving.std(0, ddof=freedom) for freedom in (0, 1)]
    if (np.abs(moving.mean(0)) > STANDARD).any() or all((np.abs(each - 1) > STANDARD).any() for each in deviations):
        return []
    return [
        "logged actions have a mean of 0 and a standard deviation of 1, so they were standardised, and a policy will act in such "
        "numbers: log actions as the environment takes them"
    ]


def _scaled_to(values: np.ndarray, target: TargetSpec) -> list[str]:
    """Of numbers within bounds of an environment: that all of them end where a usual scale ends, and their bounds do not."""
    bounds = np.asarray(bounds_of(target))
    for usual in USUAL:
        asked = np.any(np.abs(bounds - usual) > END, axis=1) & (np.ptp(values, 0) > 0)
        if not asked.any():
            continue
        ends = np.stack([values.min(0), values.max(0)], 1)
        exact = np.all(np.abs(ends - usual) <= END * (usual[1] - usual[0]), axis=1)
        if not exact[asked].all() or min(len(np.unique(column)) for column in values.T[asked]) < LEVELS:
            continue
        at = int(np.flatnonzero(asked)[0])
        low, high = bounds[at]
        return [
            f"logged actions end at {usual[0]:g} and {usual[1]:g}, and {target.names[at]} is taken from {low:.4g} to {high:.4g}: "
            "they look rescaled, by which a policy would do something else than was done; log actions as the environment takes "
            "them"
        ]
    return []


def _little(values: np.ndarray, target: TargetSpec) -> list[str]:
    """Of numbers within bounds of an environment: those that keep to a small part of them, as in another unit."""
    low, high = (np.asarray(each) for each in zip(*bounds_of(target), strict=True))
    used = np.ptp(values, 0) / (high - low)
    few = np.flatnonzero((used > 0) & (used <= LITTLE))
    if not len(few):
        return []
    told = [
        f"{target.names[at]} lies between {values[:, at].min():.4g} and {values[:, at].max():.4g}, {100 * used[at]:.2g} % of the "
        f"{low[at]:.4g} to {high[at]:.4g} that the environment takes"
        for at in few[:NAMED]
    ]
    more = f" and {len(few) - NAMED} more" if len(few) > NAMED else ""
    return [
        f"logged actions use little of their bounds: {'; '.join(told)}{more}. In another unit, or rescaled, they teach something "
        "else than was done: log actions as the environment takes them; where it was acted so gently, or the bounds of its "
        "action_space are far wider than it can use, nothing has to be done"
    ]


def _far_out(values: np.ndarray, target: TargetSpec) -> list[str]:
    """A few numbers that make the range, which is what a policy acts in, many times as wide as that of all others."""
    low, high = np.quantile(values, (CENTRAL, 1 - CENTRAL), axis=0)
    wide = np.ptp(values, 0) > FAR * (high - low)
    told = []
    for at in np.flatnonzero(wide & (high > low)):
        away = np.abs(values[:, at] - (low[at] + high[at]) / 2)
        far = away > FAR / 2 * (high[at] - low[at])
        if far.mean() > FEW:
            continue
        row = int(away.argmax())
        told.append(
            f"{target.names[at]} lies between {low[at]:.4g} and {high[at]:.4g} in {1 - 2 * CENTRAL:.0%} of the steps, and is "
            f"{values[row, at]:.4g} in row {row:,}"
        )
    if not told:
        return []
    return [
        f"{', '.join(told[:NAMED])}: actions are scaled by their range, in which the others hardly differ then; leave such "
        "episodes out, or name the environment (--environment)"
    ]
