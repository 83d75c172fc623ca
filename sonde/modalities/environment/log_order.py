"""Whether the rows of a log stand in the order in which they came: steps that follow one another are read as such."""

import numpy as np

from sonde.modalities.environment.log import Log

LOOKED_AT, FEW = 10_000, 0.01  # steps that are compared with those behind them, and the share of them that may differ
FEWEST, SAMPLED, COMPARED = (
    500,
    4_000,
    1_000,
)  # steps: of fewer chance says as much; looked at; of which nearest are found
CONSIDERED, COLUMNS = 4_096, 256  # numbers of an observation that are looked at, and those of them that vary most
UNLIKE = 0.12  # correlation of a number with itself a step later, below which there is none
SHUFFLED, MORE = (
    8,
    1.25,
)  # times that steps are shuffled, to see what chance makes of it, and how much more is no chance
AS_ANY = 0.9  # of how far apart any two observations are


def out_of_order(log: Log, *, told: bool) -> list[str]:
    """A warning where rows do not follow one another, or do not look like it. told: whether what followed each is logged"""
    return _other_than_told(log) if told else _as_if_shuffled(log)


def _other_than_told(log: Log) -> list[str]:
    """Where what followed steps is not what the rows behind them show, as far as some of them tell."""
    inside = np.flatnonzero(log.episode[1:] == log.episode[:-1])
    some = inside[:: max(1, len(inside) // LOOKED_AT)]
    if not len(some):
        return []
    seen, after = (
        each.astype(np.float32).reshape(len(some), -1) for each in (log.following[some], log.observation[some + 1])
    )
    apart = (~np.isclose(seen, after, rtol=1e-3, atol=1e-4)).any(1)
    share = apart.mean()
    if share < FEW:
        return []
    return [
        f"next_observations of {share:.0%} of the steps are not the observations of the row behind them, as of row "
        f"{some[apart.argmax()]:,}: sort the rows by episode and step, and leave no step out"
    ]


def _as_if_shuffled(log: Log) -> list[str]:
    """Where rows look drawn at random: no number keeps anything of what it was a step before, and steps that saw the like are
    followed by what is as far apart as any two. One alone is healthy: a place that is always left for another, as 0 and 1, has
    the first and not the second."""
    inside = np.flatnonzero(log.episode[1:] == log.episode[:-1])
    if len(inside) < FEWEST:
        return []
    chance = np.random.default_rng(0)
    some = chance.permutation(inside)[:SAMPLED]
    seen, after = _standardised(log.observation, some)
    if not seen.shape[1]:
        return []
    by_chance = max(_kept(seen, chance.permutation(after)) for _ in range(SHUFFLED))
    if _kept(seen, after) >= max(UNLIKE, MORE * by_chance) or _followed_alike(seen, after, chance) <= AS_ANY:
        return []
    return [
        "observations that follow one another are no more alike than any two, and steps that saw the like are followed by "
        "anything: if rows do not stand in the order in which they came, what is learned of what follows, and what episodes "
        "returned, is of nothing that happened; sort them by episode and step. Where observations do not depend on one another, "
        "nothing has to be done"
    ]


def _kept(seen: np.ndarray, after: np.ndarray) -> float:
    """The correlation with what comes after of the number that has most."""
    return float(np.abs((seen * after).mean(0)).max())


def _standardised(observation: np.ndarray, some: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of steps and of those behind them the numbers that vary most, each (n, columns) float32 with mean 0 and deviation 1."""
    rows = observation.reshape(len(observation), -1)
    columns = np.unique(np.linspace(0, rows.shape[1] - 1, min(CONSIDERED, rows.shape[1])).astype(int))
    seen, after = (rows[np.ix_(each, columns)].astype(np.float32) for each in (some, some + 1))
    mean, deviation = seen.mean(0), seen.std(0)
    most = np.argsort(-deviation, kind="stable")[:COLUMNS]
    most = most[deviation[most] > 0]
    seen, after = ((each[:, most] - mean[most]) / deviation[most] for each in (seen, after))
    return seen, after


def _followed_alike(seen: np.ndarray, after: np.ndarray, chance: np.random.Generator) -> float:
    """How far apart is what followed a step and what followed the one that saw the most like it, as a share of any two."""
    count = min(COMPARED, len(seen) // 2)
    asked, others, behind, answers = seen[:count], seen[count:], after[:count], after[count:]
    apart = np.square(asked).sum(1)[:, None] + np.square(others).sum(1) - 2 * asked @ others.T
    apart += (
        chance.random(apart.shape, np.float32) * 1e-4 * seen.shape[1]
    )  # of several that are equal any, not the first
    nearest, any_other = apart.argmin(1), chance.integers(0, len(others), count)
    whole = np.square(behind - answers[any_other]).sum()
    return float(np.square(behind - answers[nearest]).sum() / whole) if whole else 0.0
