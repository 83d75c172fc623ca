"""Runs that play games, asked about positions and evaluated otherwise than they were."""

from pathlib import Path

import numpy as np
import pytest

import sonde
from sonde.acting.self_play.games.open_spiel import game
from sonde.cli.main import main
from sonde.core.config_file import read_config
from sonde.core.data_warning import DataWarning
from sonde.core.errors import ConfigError, DataError


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("pyspiel")
    run = tmp_path_factory.mktemp("runs") / "run"
    sonde.train("game:tic_tac_toe", out=run, steps=2, episodes=2, test_episodes=2, simulations=4, batch_size=16,
                environments=4, opponents=("random", "minimax"), quiet=True)  # fmt: skip
    return run


def test_a_player_says_what_it_makes_of_positions(trained: Path) -> None:
    player = sonde.load(trained).player(simulations=300)
    assert (player.simulations, player.observation, player.actions) == (300, (2, 3, 3), 9)
    state = game("tic_tac_toe").new_initial_state()
    for move in (0, 3, 1, 4):
        state.apply_action(move)
    numbers, names, given = player.think([[0, 3, 1, 4], ["x(0,0)", "o(1,0)", "x(0,1)", "o(1,1)"], state])
    assert numbers == names == given
    assert (numbers["best"], numbers["name"], numbers["mover"]) == (2, "x(0,2)", 0)  # which wins
    assert numbers["value"] > 0.5
    assert {each["number"] for each in numbers["legal"]} == {2, 5, 6, 7, 8}
    for which in ("policy", "network_policy"):
        assert sum(each[which] for each in numbers["legal"]) == pytest.approx(1, abs=1e-5)
    assert player.think([[4]])[0]["mover"] == 1
    assert player.think([]) == []


@pytest.mark.parametrize(
    ("positions", "message"),
    [
        ([[4, 4]], r"position 0, move 2: 4 is not legal there; legal are 0 \(o\(0,0\)\), 1"),
        ([[], ["o(1,1)"]], r"position 1, move 1: 'o\(1,1\)' is not legal"),
        ([[0, 3, 1, 4, 2]], "position 0: the game is over there"),
        ([[0, 3, 1, 4, 2, 5]], "move 6: the game is over before it"),
        ([4, 0], "position 0 is a int; give the list of moves that lead to it"),
        ("x(1,1)", "positions are a list"),
    ],
)
def test_positions_that_are_none_are_refused(trained: Path, positions: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        sonde.load(trained).player(simulations=1).think(positions)  # type: ignore[arg-type]


def test_states_of_another_game_and_such_as_do_not_come_about_are_refused(trained: Path) -> None:
    player = sonde.load(trained).player(simulations=1)
    with pytest.raises(DataError, match="position 0 is of connect_four.* trained on tic_tac_toe"):
        player.think([game("connect_four").new_initial_state()])


def test_the_network_sees_what_a_player_says_it_sees(trained: Path) -> None:
    run = sonde.load(trained)
    seen = run.player().observations([[4, 0]])
    assert seen.shape == (1, 2, 3, 3)
    assert (seen[0, 0, 1, 1], seen[0, 1, 0, 0], seen.sum()) == (1, 1, 2)  # own stones first, then the other's
    with pytest.warns(DataWarning, match="which moves are legal does not follow from an observation"):
        [row] = run.predict(seen)
    assert row["move"].startswith("(")
    thought = run.player(simulations=1).think([[4, 0]])[0]
    assert row["value"] == pytest.approx(thought["network_value"], abs=1e-5)


def test_a_policy_of_one_observation_points_to_what_works(trained: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"ask run.player\(\).think\(\[\[moves\]\]\) in Python, or play it: sonde play"
    ):
        sonde.load(trained).policy()


def test_an_evaluation_by_more_search_and_against_others(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["eval", str(trained), "game:tic_tac_toe", "--episodes", "2"]
    assert main([*words, "--simulations", "7", "--opponents", "one-ply,mcts-2"]) == 0
    out = capsys.readouterr().out
    assert "test, 4 games (against one-ply, mcts-2; 7 simulations a move)" in " ".join(out.split())
    assert "score mcts 2" in out
    assert main(words) == 0
    assert "test, 4 games (against random, minimax; 4 simulations a move)" in " ".join(capsys.readouterr().out.split())
    assert set(sonde.load(trained).evaluate("game:tic_tac_toe", episodes=2, opponents="one-ply")) >= {"score_one_ply"}


def test_games_of_another_seed_are_others_and_are_told(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = sonde.load(trained)

    def moves(seed: int) -> list[float]:
        found = run.evaluate(episodes=40, first_seed=seed, opponents="random", simulations=2)
        return [found["score"], found["length"]]

    assert moves(7) == moves(7) != moves(8)
    assert main(["eval", str(trained), "--episodes", "2", "--first-seed", "7", "--opponents", "random"]) == 0
    assert "a move; games of seed 7)" in " ".join(capsys.readouterr().out.split())
    assert main(["eval", str(trained), "--episodes", "2", "--first-seed", "1000000", "--opponents", "random"]) == 0
    assert "best checkpoint" not in capsys.readouterr().out, "the last weights are kept, which no validation game chose"
    with pytest.raises(ConfigError, match="first_seed=-1: give a number from 0"):
        run.evaluate(first_seed=-1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["game:tic_tac_toe", "--opponents", "rondom"], "--opponents rondom: no such opponent; did you mean random?"),
        (["game:tic_tac_toe", "--simulations", "0"], "--simulations must be at least 1, got 0"),
        (
            ["game:connect_four"],
            "was trained on game:tic_tac_toe, and game:connect_four is another game to its network",
        ),
    ],
)
def test_what_cannot_be_evaluated_is_refused_in_one_line(
    trained: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["eval", str(trained), *words]) == 2
    [line] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("sonde: error")]
    assert message in line


def test_the_opponents_that_were_played_stand_in_the_settings(tmp_path: Path) -> None:
    network = {"model": "policy-value-mlp", "hidden": (8,), "quiet": True}
    run = sonde.train("game:connect_four", out=tmp_path / "run", steps=1, episodes=1, test_episodes=1, simulations=2,
                      batch_size=8, environments=8, max_episode_steps=8, **network)  # fmt: skip
    saved = read_config(run.folder / "config.yaml")
    assert list(saved.settings["opponents"]) == ["random", "one-ply", "mcts-100", "earlier"]


def test_runs_of_other_data_have_no_player(tmp_path: Path) -> None:
    run = sonde.train("digits", out=tmp_path / "run", steps=1, model="mlp", hidden=(4,), quiet=True)
    with pytest.raises(ConfigError, match="was trained on digits, which is no game"):
        run.player()
    assert np.isfinite(run.metrics["accuracy"])
