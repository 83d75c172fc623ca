"""Atari games: what an episode's end, a lost life and a seed mean, and that they are put back to the last bit."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from sonde.acting.environments import atari
from sonde.acting.environments.atari import AtariGame, Games
from sonde.acting.environments.clipped import Clipped
from sonde.core.acting import Transition
from sonde.core.errors import DataError, RunFolderError

pytest.importorskip("ale_py")

SMALL: dict[str, Any] = {"size": 16, "stack": 2}


def games(count: int = 2, rom: str = "breakout", **settings) -> Games:
    return AtariGame(rom=rom, **{**SMALL, **settings}).side_by_side(count, lambda game, stretch: 1000 * game + stretch)


def drawn(steps: int, count: int = 2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 4, (steps, count))


def until_an_end(found: Games, actions: np.ndarray) -> tuple[Transition, Transition]:
    before = None
    for chosen in actions:
        now = found.step(chosen)
        if now.counted[1].any():
            assert before is not None
            return before, now
        before = now
    raise AssertionError("no episode ended")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("Pong", "pong"),
        ("MsPacman", "ms_pacman"),
        ("ms_pacman", "ms_pacman"),
        ("ALE/SpaceInvaders-v5", "space_invaders"),
    ],
)
def test_a_game_is_found_as_people_write_it(asked: str, expected: str) -> None:
    assert atari.rom(asked) == expected


def test_an_unknown_game_suggests() -> None:
    with pytest.raises(DataError, match=r"atari:Brekout: no such game; did you mean atari:Breakout"):
        atari.rom("Brekout")


def test_a_lost_life_ends_what_is_learned_from_and_the_game_goes_on() -> None:
    found = games(1)
    found.reset()
    lost, lives = [], []
    for chosen in drawn(150, 1):
        step = found.step(chosen)
        lives.append(int(found._lives[0]))
        if step.terminated[0] and not step.counted[1][0]:
            lost.append((lives[-2], lives[-1]))
            np.testing.assert_array_equal(step.observation, step.following)
    assert lost[:2] == [(5, 4), (4, 3)]


def test_lives_are_ignored_when_asked() -> None:
    found = games(1, lives=False)
    found.reset()
    before, last = until_an_end(found, drawn(400, 1))
    assert last.terminated.tolist() == [True]
    assert not before.terminated.any()


def test_what_follows_an_end_is_of_the_old_episode_and_what_is_shown_of_the_next() -> None:
    """The first picture of an episode stands alone, before it there is black: a stack of two tells."""
    found = games(1)
    found.reset()
    before, last = until_an_end(found, drawn(400, 1))
    np.testing.assert_array_equal(last.following[0, 0], before.observation[0, 1])  # the picture before, moved on by one
    assert not last.observation[0, 0].any()
    assert last.observation[0, 1].any()


def test_an_episode_that_is_cut_off_is_truncated() -> None:
    found = games(2, longest=7, noops=0)
    found.reset()
    steps = [found.step(chosen) for chosen in drawn(7)]
    assert [step.truncated.tolist() for step in steps] == [[False, False]] * 6 + [[True, True]]
    assert not steps[-1].terminated.any()
    assert steps[-1].following[:, 0].any()


def test_rewards_are_clipped_and_counted_as_they_are() -> None:
    """In Ms. Pac-Man a pill is 10."""
    found = Clipped(games(1, rom="ms_pacman"))
    found.reset()
    pairs = {(float(step.reward[0]), float(step.counted[0][0])) for step in map(found.step, drawn(130, 1))}
    assert pairs == {(0.0, 0.0), (1.0, 10.0)}


def test_a_seed_tells_all_that_is_random() -> None:
    one, same = games(2, sticky=0.25), games(2, sticky=0.25)
    other = AtariGame(rom="breakout", sticky=0.25, **SMALL).side_by_side(2, lambda game, _: 77 + game)
    shown = [found.reset() for found in (one, same, other)]
    for chosen in drawn(60):
        shown = [found.step(chosen).observation for found in (one, same, other)]
        np.testing.assert_array_equal(shown[0], shown[1])
    assert (shown[0] != shown[2]).any()


@pytest.mark.parametrize(("steps", "sticky"), [(0, 0.0), (90, 0.25), (260, 0.0), (260, 0.25)])
def test_put_back_they_go_on_to_the_last_bit(steps: int, sticky: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over several episodes, and over stretches that begin at different times."""
    monkeypatch.setattr(atari, "STRETCH", 100)
    one, other = games(2, sticky=sticky), games(2, sticky=sticky)
    one.reset()
    actions = drawn(steps + 110)
    for chosen in actions[:steps]:
        one.step(chosen)
    other.reset()
    shown = other.load_state_dict(one.state_dict())
    if steps:
        np.testing.assert_array_equal(shown, one._seen)
    for chosen in actions[steps:]:
        for a, b in zip(one.step(chosen), other.step(chosen), strict=True):
            np.testing.assert_array_equal(a, b)
    assert one.state_dict()["stretch"].tolist() == other.state_dict()["stretch"].tolist()


def test_stretches_end_and_what_is_kept_of_them_stays_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atari, "STRETCH", 50)
    found = games(2)
    found.reset()
    for chosen in drawn(700):
        found.step(chosen)
    state = found.state_dict()
    assert min(state["stretch"].tolist()) >= 2
    assert len(state["actions"]) == int(state["length"].max()) < 400


def test_a_game_that_shows_something_else_is_not_resumed() -> None:
    one, other = games(1), games(1, sticky=0.25)
    one.reset()
    for chosen in drawn(40, 1):
        one.step(chosen)
    with pytest.raises(RunFolderError, match="shows something else when the same actions are played again"):
        other.load_state_dict(one.state_dict())


def test_an_action_that_a_game_has_not_is_refused_before_it_stops_the_threads() -> None:
    found = games(1)
    found.reset()
    with pytest.raises(DataError, match=r"action \[9\]: breakout has actions 0 to 3"):
        found.step(np.array([9]))


def test_colours_are_planes() -> None:
    found = games(1, grey=False)
    grey = games(1)
    seen, plain = found.reset()[0], grey.reset()[0]
    assert seen.shape == (6, 16, 16)
    luminance = np.tensordot([0.299, 0.587, 0.114], seen[3:].astype(float), 1)
    assert np.abs(luminance - plain[1]).max() < 6  # of 255: each is rounded before it is scaled down


def test_begun_again_it_is_of_another_seed() -> None:
    asked: list[int] = []
    found = AtariGame(rom="breakout", **SMALL).side_by_side(1, lambda _, stretch: asked.append(stretch) or stretch)
    found.reset()
    found.reset()
    assert asked == [0, 1]


def test_what_is_shown_after_a_stretch_is_of_the_next_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeds 3 and 8 wait for other numbers of frames, and a game that is not given one for a third."""
    monkeypatch.setattr(atari, "STRETCH", 5)
    game = AtariGame(rom="space_invaders", longest=5, size=84, stack=1)
    found, fresh = game.side_by_side(1, lambda _, stretch: (3, 8)[stretch]), game.side_by_side(1, lambda *_: 8)
    found.reset()
    last = [found.step(np.array([1])) for _ in range(5)][-1]
    assert last.truncated.all()
    np.testing.assert_array_equal(last.observation, fresh.reset())
    assert (last.observation != last.following).any()


IN_A_CYCLE = """
import gc
from sonde.acting.environments.atari import AtariGame

class Holds:
    pass

held = Holds()
held.itself, held.game = held, AtariGame(rom="pong")()
del held
gc.freeze()  # as the command does at its end
"""


def test_a_game_that_a_cycle_holds_is_not_listed_as_leaked_at_the_end() -> None:
    done = subprocess.run([sys.executable, "-c", IN_A_CYCLE], capture_output=True, text=True, check=True)
    assert done.stderr == ""
