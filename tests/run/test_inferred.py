"""Settings of a task that were chosen for the data are printed with their reasons."""

from pathlib import Path
from typing import Any

import pytest
from torch import nn

import sonde
from sonde.core.config_file import read_config

SHORT: dict[str, Any] = {
    "steps": 1, "environments": 2, "simulations": 2, "batch_size": 4, "opponents": "random", "episodes": 1, "test_episodes": 1,
    "threads": 1,
}  # fmt: skip
SMALL = "full_share=1, position_reuse=8 (%s: searches take most of the time), random_moves=4 (all openings are met)"


@pytest.mark.parametrize(
    ("model", "why"),
    [
        ("policy-value-mlp", "a small network"),
        (
            nn.Sequential(nn.Flatten(), nn.Linear(18, 4)),
            "as with policy-value-mlp, the usual network of such a game",
        ),
    ],
)
def test_what_a_small_game_is_learned_with_is_told_and_is_the_same_with_a_network_of_ones_own(
    model: Any, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sonde.train("game:tic_tac_toe", model=model, out=tmp_path / "run", **SHORT)
    assert SMALL % why in " ".join(capsys.readouterr().out.split())
    settings = read_config(tmp_path / "run" / "config.yaml").settings
    assert (settings["full_share"], settings["position_reuse"], settings["random_moves"]) == (1, 8, 4)


def test_what_was_typed_and_what_is_the_default_is_not_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed: dict[str, Any] = {"full_share": 0.25, "position_reuse": 4.0, "random_moves": 1}
    sonde.train("game:tic_tac_toe", out=tmp_path / "run", **SHORT, **typed)
    assert "full_share" not in capsys.readouterr().out


def test_a_search_of_one_leaf_is_said_to_compare_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one: dict[str, Any] = {**SHORT, "simulations": 1}
    sonde.train("game:tic_tac_toe", out=tmp_path / "one", **one)
    assert "1 simulation a move (simulations=) compares no moves" in " ".join(capsys.readouterr().out.split())
    sonde.train("game:tic_tac_toe", out=tmp_path / "two", **SHORT)
    assert "compares no moves" not in capsys.readouterr().out
