"""Scores and ratings of matches."""

import math

import pytest
import torch

from sonde.metrics.matches import MODES, MatchesMeter, elo


def meter(rows: list[tuple[str, float, float, bool]], *, first: int = 0) -> MatchesMeter:
    found = MatchesMeter()
    names, scores, lengths, began = zip(*rows, strict=True)
    outputs = {"opponent": list(names), "score": torch.tensor(scores), "length": torch.tensor(lengths)}
    found.update({**outputs, "first": torch.tensor(began)}, torch.arange(first, first + len(rows)))
    return found


ROWS = [
    ("random", 1.0, 9.0, True),
    ("random", 0.5, 7.0, False),
    ("mcts-5", 0.0, 8.0, True),
    ("mcts-5", 1.0, 8.0, False),
]


def test_each_opponent_counts_the_same() -> None:
    found = meter([*ROWS, ("random", 1.0, 9.0, True), ("random", 0.5, 9.0, True)]).compute()
    assert found["score"] == pytest.approx((0.75 + 0.5) / 2)
    assert (found["score_random"], found["score_mcts_5"]) == (0.75, 0.5)
    assert (found["wins"], found["losses"]) == (pytest.approx(1 / 2), pytest.approx(1 / 4))
    assert found["length"] == pytest.approx((34 / 4 + 8) / 2)
    assert found["score"] == pytest.approx(found["wins"] + (1 - found["wins"] - found["losses"]) / 2)
    assert MODES.keys() <= found.keys()


def test_a_merged_meter_is_that_of_all_games() -> None:
    one, other = meter(ROWS[:2]), meter(ROWS[2:], first=2)
    one.merge(other)
    assert one.compute() == meter(ROWS).compute()
    assert one.details() == meter(ROWS).details()


def test_the_rating_is_the_one_whose_expected_score_it_is() -> None:
    for difference in (-300.0, 0.0, 42.0):
        assert elo(1 / (1 + 10 ** (-difference / 400))) == pytest.approx(difference)
    assert elo(1.0) == math.inf


def test_a_match_has_wins_draws_and_losses_and_an_interval_around_its_rating() -> None:
    found = meter([("random", score, 9.0, number % 2 == 0) for number, score in enumerate([1.0] * 15 + [0.0] * 5)])
    match = found.details()["matches"]["random"]
    assert (match["games"], match["wins"], match["draws"], match["losses"]) == (20, 15, 0, 5)
    assert match["first"]["games"] == match["second"]["games"] == 10
    # Wilson's interval of 15 of 20: 0.531 to 0.888 (Brown, Cai and DasGupta 2001)
    assert (match["score"]["low"], match["score"]["high"]) == (
        pytest.approx(0.531, abs=1e-3),
        pytest.approx(0.888, abs=1e-3),
    )
    assert match["elo"]["value"] == pytest.approx(190.8)
    assert match["elo"]["low"] == pytest.approx(elo(0.531), abs=1)


def test_a_match_that_was_won_throughout_has_no_rating_but_a_least_one() -> None:
    match = meter([("random", 1.0, 9.0, True)] * 10).details()["matches"]["random"]
    assert match["elo"]["value"] is None
    assert match["elo"]["low"] > 0


def test_draws_make_the_interval_of_a_match_and_of_its_rating_narrower() -> None:
    drawn = [("random", 1.0, 9.0, True)] * 35 + [("random", 0.5, 9.0, True)] * 65
    match = meter(drawn).details()["matches"]["random"]
    assert 80 < match["elo"]["low"] < match["elo"]["value"] < match["elo"]["high"] < 175
    even = meter([("random", 0.5, 9.0, True)] * 100).details()["matches"]["random"]
    assert -20 < even["elo"]["low"] < even["elo"]["value"] == 0 < even["elo"]["high"] < 20


def test_the_interval_of_the_score_is_that_of_a_mean_over_opponents() -> None:
    """Matches that each ended alike leave the mean known well, however different they are from each other."""
    rows = [("random", 1.0, 9.0, True)] * 100 + [("minimax", 0.5, 9.0, True)] * 100
    low, high = meter(rows).details()["intervals"]["score"]
    assert (low, high) == (pytest.approx(0.7391, abs=1e-4), pytest.approx(0.7559, abs=1e-4))
    one = meter(rows[:100]).details()
    assert one["intervals"]["score"] == [one["matches"]["random"]["score"][end] for end in ("low", "high")]
