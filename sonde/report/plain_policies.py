"""Returns of a run beside those of policies that know nothing, of the seeds that both have played; of games the scores."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from sonde.core.damaged import DAMAGE
from sonde.core.units import metric
from sonde.metrics.game_intervals import Match, ladder_interval
from sonde.metrics.intervals import LEVEL, Interval, apart, bootstrap_mean, student

FEWEST = 3  # episodes, of fewer of which the spread tells nothing
MANY = 20  # pairs: of fewer Student's t stands for the resamples, which would be too narrow, and nothing is certain
MOST_WHY = 300  # characters
UNKNOWN = Interval(-np.inf, np.inf)

Details = Mapping[str, Any]  # of one evaluation: file stem -> content


class Policy(NamedTuple):
    """Episodes of a policy that knows nothing; of games their scores, and against whom each was. what: in words"""

    what: str
    returns: tuple[float, ...]
    opponents: tuple[str, ...] = ()

    @property
    def mean(self) -> float:
        """The mean return."""
        return float(np.mean(self.returns))


class Pairs(NamedTuple):
    """What a run and the best policy that knows nothing returned, both from the same seeds.

    what: the policy;  ours, theirs: (n,), one an episode, in pairs;  of: how many episodes the run was evaluated on
    tried: policies of which it was the best on these episodes
    """

    what: str
    ours: np.ndarray
    theirs: np.ndarray
    of: int
    tried: int = 1

    @property
    def sure(self) -> bool:
        """Whether they are enough to be sure of a difference that is beyond chance."""
        return len(self.ours) >= MANY

    @property
    def difference(self) -> Interval:
        """Of the mean of ours less theirs; of too few pairs all that may be.

        The best of several is better by luck on the episodes it was chosen on. For at most one in 20 runs that are as good as
        all of them to be called worse, the upper end is that of each of them at once (Bonferroni).
        """
        apart = self.ours - self.theirs
        if len(apart) < FEWEST:
            return UNKNOWN
        if (apart == apart[0]).all():
            return Interval(float(apart[0]), float(apart[0]))
        around = student if len(apart) < MANY else bootstrap_mean
        return Interval(around(apart).low, around(apart, level=1 - (1 - LEVEL) / self.tried).high)

    def in_words(self) -> str:
        """ ", a random policy 22.0", where both have played all; else both of what both have played."""
        ours, theirs = (metric("return", float(each.mean())) for each in (self.ours, self.theirs))
        if len(self.ours) == self.of:
            return f", {self.what} {theirs}"
        return f"; on {len(self.ours):,} of them it returns {ours}, and {self.what} {theirs}"


def policies(details: Details) -> list[Policy]:
    """Those of an evaluation's baseline.json; none where it is not there."""
    try:
        found = (details.get("baseline") or {}).get("policies") or []
        named = [
            Policy(
                str(each["what"])[:120],
                tuple(map(float, each["return" if "return" in each else "score"])),
                tuple(map(str, each.get("opponent") or ())),
            )
            for each in found
        ]
    except DAMAGE:
        return []
    return [each for each in named if each.returns and np.isfinite(each.returns).all()]


def missing(details: Details) -> str:
    """Why there is no baseline, or what of it was not played; "" where there is all, or no file tells."""
    return str((details.get("baseline") or {}).get("why") or "")[:MOST_WHY]


def pairs(details: Details) -> Pairs | None:
    """The episodes of an evaluation beside those of the best policy that knows nothing; None where one of both is not there, or
    none is of the same seed."""
    known, episodes = policies(details), details.get("episodes") or {}
    try:
        ours = np.asarray(episodes["return"], np.float64)
        index = np.asarray(episodes.get("index", range(len(ours))), np.int64)
    except DAMAGE:
        return None
    if not known or ours.shape != index.shape or ours.ndim != 1 or not len(ours) or index.min() < 0:
        return None
    best = max(known, key=lambda each: each.mean)
    both = index < len(best.returns)
    if not both.any():
        return None
    return Pairs(best.what, ours[both], np.asarray(best.returns)[index[both]], len(ours), len(known))


def beside_policies(details: Details, name: str, difference: float) -> Interval | None:
    """Of the mean return less that of the best policy that knows nothing, of the seeds that both have played; of games of the
    score, by other games than those. None where one of both is not known."""
    if name == "return":
        found = pairs(details)
        return None if found is None else found.difference
    known, ours = policies(details), matches_of(details, name)
    theirs = _matches(max(known, key=lambda each: each.mean)) if known else []
    if not theirs or not ours:
        return None
    mine = float(np.mean([match.score for match in ours]))
    other = float(np.mean([match.score for match in theirs]))
    around = apart(mine, ladder_interval(ours), other, ladder_interval(theirs))
    moved = difference - (mine - other)
    return Interval(around.low + moved, around.high + moved)


def enough(details: Details, name: str) -> bool:
    """Whether episodes, or games, of both are enough to be certain of a difference; also of what is neither."""
    if name == "return":
        both = pairs(details)
        return both is None or both.sure
    known, scores = policies(details), scores_of(details, name)
    return not known or scores is None or min(len(scores), len(max(known, key=lambda each: each.mean).returns)) >= MANY


def scores_of(details: Details, name: str) -> list[float] | None:
    """Of each game of matches.json; None for another metric, and where it is not there."""
    matches = matches_of(details, name)
    return [score for each in matches for score in [1.0] * each.wins + [0.5] * each.draws + [0.0] * each.losses] or None


def matches_of(details: Details, name: str) -> list[Match]:
    """Of matches.json, one against each opponent; none for another metric, and where it is not there."""
    try:
        held = (details.get("matches") or {}).values() if name == "score" else ()
        found = [Match(int(each["wins"]), int(each["draws"]), int(each["losses"])) for each in held]
    except DAMAGE:
        return []
    return [each for each in found if min(each) >= 0 and each.games]


def _matches(policy: Policy) -> list[Match]:
    """Against each opponent; all games as one match where nobody knows against whom they were."""
    met = policy.opponents if len(policy.opponents) == len(policy.returns) else ("",) * len(policy.returns)
    games = {name: [score for score, other in zip(policy.returns, met, strict=True) if other == name] for name in met}
    found = [Match(scores.count(1.0), scores.count(0.5), scores.count(0.0)) for scores in games.values()]
    return [each for each in found if each.games]
