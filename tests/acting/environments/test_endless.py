"""After how many steps an environment cuts episodes off, as far as it says so."""

from types import SimpleNamespace
from typing import Any

import pytest

from sonde.acting.environments.endless import limit_of


def env(**of_spec: Any) -> SimpleNamespace:
    return SimpleNamespace(spec=SimpleNamespace(**{"max_episode_steps": None, "kwargs": {}, **of_spec}))


@pytest.mark.parametrize(
    ("made", "steps"),
    [
        (env(max_episode_steps=500), 500),
        (env(), None),
        (env(kwargs={"max_num_frames_per_episode": 108_000, "frameskip": 4}), 27_000),
        (env(kwargs={"max_num_frames_per_episode": 108_000, "frameskip": (2, 5)}), 54_000),
        (env(kwargs={"max_num_frames_per_episode": None, "frameskip": 4}), None),
        (SimpleNamespace(env=SimpleNamespace(_max_episode_steps=200)), 200),
        (SimpleNamespace(), None),
    ],
)
def test_the_limit_is_read_where_it_stands(made: Any, steps: int | None) -> None:
    assert limit_of(made) == steps


def test_a_game_of_atari_has_one() -> None:
    pytest.importorskip("ale_py")
    from sonde.acting.environments.atari import AtariGame

    game = AtariGame(rom="pong", longest=900)()
    assert limit_of(game) == 900
    game.close()
