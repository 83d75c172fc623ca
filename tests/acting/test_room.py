"""What does not fit the memory is refused in one line before it is taken, and the remedy works."""

import re
import shlex
import tracemalloc
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

import sonde
from sonde.acting import room
from sonde.acting.room import Part, fitting, learning_bytes
from sonde.core.errors import ConfigError, DataError
from sonde.modalities.environment import gym
from sonde.run import acting_room

QUIET: dict[str, Any] = {"threads": 1, "quiet": True, "steps": 2, "episodes": 1, "test_episodes": 1}
MIB = 2**20


@pytest.mark.parametrize(
    ("data", "settings", "free", "told"),
    [
        ("gym:CartPole-v1", {"task": "ppo", "rollout": 10**8}, 2_500_000, "for a rollout of 100,000,000 steps"),
        (
            "gym:CartPole-v1",
            {"task": "dqn", "replay": 10**9, "steps": 10**9},
            2_500_000,
            "for 1,000,000,000 transitions",
        ),
        (
            "game:tic_tac_toe",
            {"environments": 8, "window": 10**9, "steps": 10**9},
            2_500_000,
            "for 1,000,000,000 positions",
        ),
    ],
)
def test_buffers_that_do_not_fit_are_refused_with_settings_that_do(
    data: str, settings: dict[str, Any], free: int, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "free_bytes", lambda: free)
    given: dict[str, Any] = {**QUIET, "out": tmp_path / "run", **settings}
    with pytest.raises(ConfigError, match=re.escape(told)) as refused:
        sonde.train(data, **given)
    remedy = refused.value.command_line.rpartition("; give ")[2]
    words = shlex.split(remedy)
    smaller: dict[str, Any] = {
        name.removeprefix("--").replace("-", "_"): int(value)
        for name, value in zip(words[::2], words[1::2], strict=True)
    }
    assert smaller
    assert not (tmp_path / "run").exists()
    again: dict[str, Any] = {**given, **smaller, "steps": 2}
    sonde.train(data, **again)


def test_a_replay_that_is_never_filled_is_no_reason_to_refuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "free_bytes", lambda: 64 * MIB)
    sonde.train("gym:CartPole-v1", task="dqn", replay=10**8, out=tmp_path / "run", **QUIET)


def test_a_huge_board_is_refused_before_its_network_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "free_bytes", lambda: 20 * 10**9)
    tracemalloc.start()
    try:
        with pytest.raises(
            ConfigError, match=r"game:hex\(board_size=99\) needs .* GB of memory, of which 20 GB are free"
        ):
            sonde.train("game:hex(board_size=99)", out=tmp_path / "run", **QUIET)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 200 * MIB


class Wide(gymnasium.Env[np.ndarray, Any]):
    """Shows more than there is memory for, if it ever did."""

    observation_space = gymnasium.spaces.Box(0, 255, (3, 600, 600), np.uint8)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        raise AssertionError("it is not to be played")

    def step(self, action: Any) -> Any:
        raise AssertionError("it is not to be played")


def test_observations_that_do_not_fit_are_refused_before_one_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gym, "free_bytes", lambda: 10**7)
    with pytest.raises(
        DataError, match="shows observations of 3x600x600 numbers, 1.1 MB each, and 10 MB of memory are"
    ):
        sonde.train(Wide, **QUIET)


def test_the_largest_part_is_made_smaller_first() -> None:
    parts = [
        Part(what="a", nbytes=1000, setting="replay", number=100, least=10),
        Part(what="b", nbytes=600, setting="batch_size", number=64),
        Part(what="c", nbytes=100),
    ]
    found = fitting(parts, 900)
    assert found is not None
    assert [(part.number, part.nbytes) for part in found] == [(50, 500), (32, 300), (0, 100)]
    assert fitting(parts, 150) is None


def test_a_network_takes_itself_its_gradient_and_two_moments_twice() -> None:
    """As torch holds them: AdamW's state beside parameters and gradients, of one layer."""
    import torch

    layer = torch.nn.Linear(100, 50)
    optimizer = torch.optim.AdamW(layer.parameters())
    layer(torch.ones(1, 100)).sum().backward()
    optimizer.step()
    state = [each for held in optimizer.state.values() for each in held.values() if each.dim()]
    held = [*layer.parameters(), *(each.grad for each in layer.parameters()), *state]
    assert learning_bytes(5050) == 2 * sum(each.nbytes for each in held if each is not None)
    assert next(layer.parameters()).element_size() == acting_room.FLOAT
