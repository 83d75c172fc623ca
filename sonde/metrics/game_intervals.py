"""How far a score of games may be off, in which a win counts 1, a draw 0.5 and a loss 0. Without torch."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from sonde.metrics.intervals import LEVEL, Interval, normal_quantile

ROUNDS = 60  # halvings: more than a float can tell apart


class Match(NamedTuple):
    """How many games ended how."""

    wins: int
    draws: int
    losses: int

    @property
    def games(self) -> int:
        """Of all ends."""
        return sum(self)

    @property
    def score(self) -> float:
        """The mean over its games."""
        return (self.wins + self.draws / 2) / self.games


def match_interval(match: Match, *, level: float = LEVEL) -> Interval:
    """Of the expected score in one match: all scores that the games do not speak against, by a score test.

    Without draws it is Wilson's; draws make it narrower, and it never shrinks to a point. A score is (1 + d) / 2 of the
    difference d of the shares of wins and losses, which is that of two proportions of pairs, whose ties are the draws.
    Source: Tango 1998, Statistics in Medicine 17, equations 9 to 13. Raises: ValueError for no games.

    >>> around = match_interval(Match(wins=35, draws=65, losses=0))
    >>> round(around.low, 3), round(around.high, 3)
    (0.632, 0.724)
    """
    if match.games <= 0:
        raise ValueError("an interval needs at least one game")
    low = _lowest(match.wins, match.losses, match.games, normal_quantile(level))
    high = -_lowest(match.losses, match.wins, match.games, normal_quantile(level))
    return Interval((1 + low) / 2, (1 + high) / 2)


def ladder_interval(matches: Sequence[Match], *, level: float = LEVEL) -> Interval:
    """Of the mean of the expected scores in several matches, each counting the same whatever its number of games.

    Of several: normal, with a win and a loss added that are shared out among the matches, so that it does not shrink to a point
    where all games of each ended alike.
    Source: Bonett and Price 2012, J. Educ. Behav. Stat. 37, for one match; by simulation it holds the truth in 90 to 100 % of
    ladders of 2 to 5 matches of 20 to 400 games. Raises: ValueError for no matches, and for one without games.

    >>> around = ladder_interval([Match(100, 0, 0), Match(0, 100, 0)])
    >>> round(around.low, 4), round(around.high, 4)
    (0.7391, 0.7559)
    """
    if len(matches) == 1:
        return match_interval(matches[0], level=level)
    if not matches or min(match.games for match in matches) <= 0:
        raise ValueError("an interval needs at least one game of each match")
    extra, mean, variance = 1 / len(matches), 0.0, 0.0
    for match in matches:
        games = match.games + 2 * extra
        score = (match.wins + extra + match.draws / 2) / games
        spread = (match.wins + extra + match.draws / 4) / games - score**2
        mean += score / len(matches)
        variance += spread / games / len(matches) ** 2
    half = normal_quantile(level) * math.sqrt(variance)
    return Interval(max(0.0, mean - half), min(1.0, mean + half))


def _lowest(more: int, less: int, rows: int, z: float) -> float:
    """The lower end of the interval of (more - less) / rows, by halving: below it the test rejects."""
    found = (more - less) / rows
    low, high = -1.0, found
    for _ in range(ROUNDS):
        middle = (low + high) / 2
        # the likeliest share of `less` where the difference is `middle`, by a quadratic equation
        linear = (2 * rows - more + less) * middle - more - less
        root = math.sqrt(max(0.0, linear**2 + 8 * rows * less * middle * (1 - middle)))
        variance = 2 * (root - linear) / (4 * rows) + middle * (1 - middle)
        if rows * (found - middle) ** 2 > z**2 * max(0.0, variance):
            low = middle
        else:
            high = middle
    return high
