"""Intervals of scores of games hold the truth as often as they say, with draws and without."""

import numpy as np
import pytest

from sonde.metrics.game_intervals import Match, ladder_interval, match_interval
from sonde.metrics.intervals import wilson

REPEATS = 400
ENDS = [(0.5, 0.0, 0.5), (0.9, 0.0, 0.1), (0.5, 0.3, 0.2), (0.1, 0.8, 0.1), (0.5, 0.5, 0.0), (0.3, 0.4, 0.3)]


@pytest.mark.parametrize("shares", ENDS)
@pytest.mark.parametrize("games", [20, 100, 400])
def test_a_match_holds_its_expected_score(games: int, shares: tuple[float, float, float]) -> None:
    drawn = np.random.default_rng(games).multinomial(games, shares, size=REPEATS)
    truth = shares[0] + shares[1] / 2
    held = np.mean([match_interval(Match(*map(int, counts))).holds(truth) for counts in drawn])
    assert 0.9 <= held <= 0.99


@pytest.mark.parametrize("games", [20, 100, 400])
@pytest.mark.parametrize(
    "ladder", [ENDS[:1] * 3, [(0.97, 0.02, 0.01), (0.6, 0.3, 0.1), (0.2, 0.6, 0.2)], [(1.0, 0.0, 0.0), (0.4, 0.2, 0.4)]]
)
def test_a_ladder_holds_the_mean_of_its_expected_scores(games: int, ladder: list[tuple[float, float, float]]) -> None:
    random, held = np.random.default_rng(games), 0
    truth = sum(shares[0] + shares[1] / 2 for shares in ladder) / len(ladder)
    for _ in range(REPEATS):
        matches = [Match(*map(int, random.multinomial(games, shares))) for shares in ladder]
        held += ladder_interval(matches).holds(truth)
    assert 0.9 <= held / REPEATS <= 0.99


def test_without_draws_it_is_wilsons() -> None:
    for wins in (0, 3, 10, 20):
        found, known = match_interval(Match(wins=wins, draws=0, losses=20 - wins)), wilson(wins, 20)
        assert (found.low, found.high) == (pytest.approx(known.low), pytest.approx(known.high))


@pytest.mark.parametrize("match", [Match(20, 0, 0), Match(0, 20, 0), Match(0, 0, 20)])
def test_games_that_ended_alike_leave_an_interval_around_their_score(match: Match) -> None:
    score = (match.wins + match.draws / 2) / match.games
    for around in (match_interval(match), ladder_interval([match, match])):
        assert around.holds(score)
        assert 0.05 < around.high - around.low < 0.2


def test_both_sides_are_told_the_same() -> None:
    one, other = match_interval(Match(9, 2, 3)), match_interval(Match(3, 2, 9))
    assert (one.low, one.high) == (pytest.approx(1 - other.high), pytest.approx(1 - other.low))


def test_no_game_has_no_interval() -> None:
    with pytest.raises(ValueError, match="at least one game"):
        match_interval(Match(0, 0, 0))
    with pytest.raises(ValueError, match="at least one game of each"):
        ladder_interval([Match(1, 0, 0), Match(0, 0, 0)])
