"""A run beside policies that know nothing."""

import numpy as np
import pytest

from sonde.report.plain_policies import beside_policies, enough, pairs, policies

RANDOM = {"what": "a random policy", "return": [20.0, 22.0, 24.0, 22.0]}


def details(returns: list[float], **more: object) -> dict[str, object]:
    return {"episodes": {"return": returns, **more}, "baseline": {"policies": [RANDOM]}}


def test_the_difference_is_of_the_seeds_that_both_have_played() -> None:
    """However much seeds differ, all four return ten less."""
    found = beside_policies(details([10.0, 12.0, 14.0, 12.0, 900.0]), "return", 160.0)
    assert found is not None
    assert (found.low, found.high) == (-10.0, -10.0)


def test_of_few_pairs_the_interval_is_student_s() -> None:
    """Differences of -1, 0, 1 and 0: a standard error of 0.408, times 3.182."""
    found = beside_policies(details([19.0, 22.0, 25.0, 22.0]), "return", 0.0)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((-1.299, 1.299), abs=1e-3)
    both = pairs(details([19.0, 22.0, 25.0, 22.0]))
    assert both is not None
    assert not both.sure


def test_two_pairs_tell_nothing() -> None:
    found = beside_policies(details([-900.0, -901.0]), "return", 0.0)
    assert found is not None
    assert found.holds(900) and found.holds(-900)  # noqa: PT018


def test_episodes_that_were_not_played_are_no_pairs() -> None:
    """The second and the last of four ended in time."""
    found = pairs(details([12.0, 13.0], index=[1, 3]))
    assert found is not None
    assert found.theirs.tolist() == [22.0, 22.0]
    assert pairs(details([12.0], index=[7])) is None
    assert pairs(details([12.0], index=["x"])) is None


def test_few_episodes_or_games_are_not_enough_to_be_certain() -> None:
    many = {"what": "a random policy", "return": [20.0, 22.0] * 10}
    assert not enough(details([1.0] * 40), "return")
    assert enough({**details([1.0] * 40), "baseline": {"policies": [many]}}, "return")
    games = {"matches": {"random": {"wins": 30, "draws": 0, "losses": 0}}}
    for played, told in ((4, False), (20, True)):
        player = {"what": "a random player", "score": [0.5] * played}
        assert enough({**games, "baseline": {"policies": [player]}}, "score") is told
    assert enough({}, "accuracy")


def test_a_damaged_baseline_is_none() -> None:
    for held in ({"policies": [{"what": "a"}]}, {"policies": [3]}, {"policies": [{"what": "a", "return": ["x"]}]}):
        assert policies({"baseline": held}) == []


def test_the_best_of_several_that_are_as_good_is_seldom_called_better() -> None:
    """All return 0 or 1 by chance. Were the best taken as the only one, it would be in one run of nine."""
    random, worse = np.random.default_rng(0), 0
    for _ in range(200):
        ours, *others = random.integers(0, 2, (4, 100)).astype(float).tolist()
        told = {
            "episodes": {"return": ours},
            "baseline": {"policies": [{"what": "a", "return": each} for each in others]},
        }
        found = beside_policies(told, "return", 0.0)
        assert found is not None
        worse += found.high < 0
    assert worse <= 12
