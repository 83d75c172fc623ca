"""Somebody's own network acts, by every task that learns in environments."""

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from torch import Tensor, nn

import sonde
from sonde.core.errors import ConfigError
from sonde.core.files import read_json
from tests.acting.small_environments import Walk

SHORT: dict[str, Any] = {
    "threads": 1, "quiet": True, "steps": 2, "environments": 2, "episodes": 1, "test_episodes": 2, "evaluate_every": "100 steps",
}  # fmt: skip
ROLLOUT: dict[str, Any] = {"rollout": 4, "reuse": 1, "batch_size": 8}
REPLAY: dict[str, Any] = {"warmup_steps": 16, "batch_size": 8}


class Push(gymnasium.Env[np.ndarray, Any]):
    """A number, and what it is pushed by."""

    observation_space = spaces.Box(-1, 1, (1,), np.float32)
    action_space = spaces.Box(-1, 1, (2,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self._shown, self._steps = self.np_random.uniform(-1, 1, 1).astype(np.float32), 0
        return self._shown, {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
        self._steps += 1
        return self._shown, -float(abs(self._shown[0] - action[0])), self._steps == 4, False, {}


class Body(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 6)

    def forward(self, seen: Tensor) -> Tensor:
        return self.layer(seen).tanh()


@pytest.mark.parametrize(
    ("task", "env", "more"),
    [
        ("ppo", Walk, ROLLOUT),
        ("a2c", Push, {"rollout": 4}),
        ("reinforce", Walk, {"rollout_episodes": 2}),
        ("dqn", Walk, REPLAY),
        ("sac", Push, REPLAY),
        ("td3", Push, REPLAY),
    ],
)
def test_it_learns_and_acts_again_once_it_is_loaded(task: str, env: Any, more: dict[str, Any], tmp_path: Path) -> None:
    torch.manual_seed(1)
    run = sonde.train(env, model=Body(), task=task, out=tmp_path / "run", **SHORT, **more)
    again = sonde.load(run.folder, model=Body())
    seen = np.linspace(-1, 1, 5, dtype=np.float32)[:, None]
    assert [row["action"] for row in again.predict(seen)] == [row["action"] for row in run.predict(seen)]
    assert f"Body gives 6 features of an observation, which the heads of task {task} read" in _lines(run.folder)


def test_its_weights_are_those_that_it_came_with(tmp_path: Path) -> None:
    body = Body()
    nn.init.constant_(body.layer.weight, 0.25)
    run = sonde.train(Walk, model=body, out=tmp_path / "run", lr=1e-12, schedule="constant", **SHORT, **ROLLOUT)
    for part in ("actor", "critic"):
        weight = run.task.modules[part].get_submodule("torso").get_parameter("layer.weight")
        assert torch.allclose(weight, torch.full((6, 1), 0.25))


def test_one_that_ends_in_as_many_numbers_as_there_are_actions_is_asked_about(tmp_path: Path) -> None:
    run = sonde.train(Walk, model=nn.Sequential(nn.Linear(1, 2)), out=tmp_path / "run", **SHORT, **ROLLOUT)
    assert any("leave its last layer out where that was to answer for actions" in line for line in _lines(run.folder))


PLAYS: dict[str, Any] = {
    "threads": 1, "quiet": True, "steps": 2, "environments": 4, "batch_size": 8, "simulations": 2, "opponents": ("random",),
    "episodes": 1, "test_episodes": 2,
}  # fmt: skip


class Answers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.moves, self.ends = nn.Linear(18, 9), nn.Linear(18, 3)

    def forward(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        return self.moves(seen.flatten(1)), self.ends(seen.flatten(1))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(18, 6)), "Sequential gives 6 features of an observation"),
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(18, 12)), "return a tuple of logits of moves and of a win"),
        (Answers, "Answers answers itself: logits of 9 moves, and of a win, a draw and a loss"),
    ],
)
def test_it_learns_a_game_and_is_asked_again_once_it_is_loaded(make: Any, told: str, tmp_path: Path) -> None:
    run = sonde.train("game:tic_tac_toe", model=make(), out=tmp_path / "run", **PLAYS)
    assert any(told in line for line in _lines(run.folder))
    again, seen = sonde.load(run.folder, model=make()), torch.randint(0, 2, (3, 2, 3, 3)).float()
    assert torch.equal(again.model(seen), run.model(seen))
    first = _state(run)["first"]
    assert all(torch.equal(first[name], value) for name, value in _state(again)["first"].items())
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert run.result["network"] == type(make()).__name__
    assert f"{run.result['network']} was trained on" in page
    for refused in ("sonde play", "sonde.resume(", "AlphaZero was trained"):  # as nobody but the caller can build it
        assert refused not in page


def test_one_that_does_not_fit_a_game_is_refused_before_there_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"Linear failed on observations of shape \(2, 2, 3, 3\): RuntimeError: [^\n]*$"
    ):
        sonde.train("game:tic_tac_toe", model=nn.Linear(18, 3), out=tmp_path / "run", **PLAYS)
    assert not (tmp_path / "run").exists()


def test_one_that_gives_no_features_is_refused_before_there_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Linear failed on observations of shape \(2, 1\)"):
        sonde.train(Walk, model=nn.Linear(3, 3), out=tmp_path / "run", **SHORT, **ROLLOUT)
    assert not (tmp_path / "run").exists()


def _lines(folder: Path) -> list[str]:
    return list(read_json(folder / "plan.json")["lines"])


def _state(run: sonde.Run) -> dict[str, Any]:
    task: Any = run.task
    return task.state_dict()
