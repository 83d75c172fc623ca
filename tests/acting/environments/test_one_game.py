"""One game, to evaluate in and to film."""

import pickle

import numpy as np
import pytest

from sonde.acting.environments.atari import AtariGame
from sonde.acting.environments.one_game import OneGame
from sonde.core.errors import DataError

pytest.importorskip("ale_py")

GAME = AtariGame(rom="breakout", size=84, stack=2, sticky=0.25)


def test_it_plays_as_the_games_side_by_side_do_but_across_lives_and_with_the_score() -> None:
    one, many = pickle.loads(pickle.dumps(GAME))(), GAME.side_by_side(1, lambda game, stretch: 5)
    assert np.array_equal(one.reset(seed=5)[0], many.reset()[0])
    total, over, lost = 0.0, False, 0
    for chosen in np.random.default_rng(0).integers(0, 4, 500).tolist():
        seen, reward, over, cut, _ = one.step(chosen)
        beside = many.step(np.array([chosen]))
        np.testing.assert_array_equal(seen, beside.following[0])
        assert (reward, over) == (beside.counted[0][0], beside.counted[1][0])
        total, lost = total + reward, lost + int(beside.terminated[0])
        if over:
            break
    assert over
    assert lost == 5
    assert total > 0


def test_a_film_shows_the_same_game_as_a_person_sees_it() -> None:
    filmed, plain = OneGame(GAME, render_mode="rgb_array"), GAME()
    seen = [env.reset(seed=8)[0] for env in (filmed, plain)]
    for chosen in np.random.default_rng(0).integers(0, 4, 120).tolist():
        answers = [env.step(chosen) for env in (filmed, plain)]
        seen = [answer[0] for answer in answers]
        np.testing.assert_array_equal(seen[0], seen[1])
        assert answers[0][1:] == answers[1][1:]
    picture = filmed.render()
    assert (picture.shape, picture.dtype) == ((210, 160, 3), np.uint8)
    # luminance, averaged over the same areas: the picture's rows are 2.5 of the network's, its columns 1.9
    grey = np.tensordot(picture.astype(float), [0.299, 0.587, 0.114], 1)
    rows, columns = (np.arange(84) * size // 84 for size in grey.shape)
    means = np.add.reduceat(np.add.reduceat(grey, rows, 0), columns, 1)
    areas = np.outer(np.diff([*rows, 210]), np.diff([*columns, 160]))
    assert np.corrcoef((means / areas).ravel(), seen[0][-1].ravel())[0, 1] > 0.95


def test_only_what_was_made_to_be_filmed_is() -> None:
    env = GAME()
    env.reset(seed=0)
    with pytest.raises(DataError, match='made with render_mode="rgb_array"'):
        env.render()
