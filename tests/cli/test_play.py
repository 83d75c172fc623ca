"""Playing against a trained player in the terminal."""

from pathlib import Path

import pytest
import torch

import sonde
from sonde.acting.self_play.games.open_spiel import game
from sonde.acting.self_play.player import Player
from sonde.cli.main import main
from sonde.cli.play import play
from sonde.core.playing import Playing, SearchPlan
from sonde.screen.screen import Screen


def evenly(seen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A network that knows nothing, of tic-tac-toe."""
    return torch.zeros(len(seen), 9), torch.zeros(len(seen))


def played(capsys: pytest.CaptureFixture[str], *typed: str, ours: int = 0) -> str:
    plan = SearchPlan(kind="puct", simulations=200, considered=9)
    player = Player("tic_tac_toe", Playing(judge=evenly, plan=plan, earlier=lambda: None), torch.device("cpu"))
    play(Screen(), game("tic_tac_toe").new_initial_state(), player, ours=ours, typed=iter(typed))
    return capsys.readouterr().out


def test_a_game_is_played_to_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    out = played(capsys, "0", "1", "2", "3", "5", "6", "7", "8")
    assert "it plays" in out
    assert "value for you" in out
    assert out.rstrip().endswith("you lost")


def test_moves_go_by_number_and_name_and_wrong_ones_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    out = played(capsys, "9", "x(1,1", "", "x(1,1)")
    assert "'9' is no legal move" in out
    assert "did you mean x(1,1)?" in out
    assert "legal are x(0,0) (0), x(0,1) (1)" in out
    assert ".x." in out


def test_a_move_is_taken_back_and_a_hint_given(capsys: pytest.CaptureFixture[str]) -> None:
    out = played(capsys, "4", "back", "hint", "0")
    assert "it would play" in out
    boards = [part for part in out.split("\n") if set(part) <= set(".xo") and part]
    assert boards[-6:-3] == ["x..", "...", "..."]


def test_who_plays_first_begins_also_in_chess_which_open_spiel_counts_the_other_way(
    capsys: pytest.CaptureFixture[str],
) -> None:
    plan = SearchPlan(kind="puct", simulations=1, considered=1)

    def evenly(seen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.zeros(len(seen), 4674), torch.zeros(len(seen))

    player = Player("chess", Playing(judge=evenly, plan=plan, earlier=lambda: None), torch.device("cpu"))
    play(Screen(), game("chess").new_initial_state(), player, ours=1, typed=iter(["e4", "quit"]))
    out = capsys.readouterr().out
    assert out.startswith("you play first; type a move")
    assert out.index("it thought of that") < out.index("it plays")


def test_the_network_begins_where_asked(capsys: pytest.CaptureFixture[str]) -> None:
    out = played(capsys, "quit", ours=1)
    assert out.startswith("you play second; type a move")
    assert "it plays x" in out
    assert "it plays o" not in out


def test_what_it_thinks_is_told_after_the_move_and_q_leaves(capsys: pytest.CaptureFixture[str]) -> None:
    assert "it thought" not in played(capsys, "q", "4")
    out = played(capsys, "4", "quit", "0")
    assert out.count("it thought of that: ") == 1
    assert out.index("type a move") < out.index("it thought of that: ") < out.index("it plays")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "run"
    sonde.train("game:tic_tac_toe", out=run, steps=2, episodes=2, test_episodes=2, simulations=4,
                batch_size=16, environments=4, opponents=("random",), quiet=True)  # fmt: skip
    return run


def test_a_trained_run_is_played_against(
    trained: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("4\n"))
    assert main(["play", str(trained), "--simulations", "9"]) == 0
    assert "it plays o" in capsys.readouterr().out


def test_a_trained_run_is_played_against_on_a_page(
    trained: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("uvicorn", reason="uvicorn is not installed: pip install '.[watch]'")
    from sonde.cli import play_page

    tables = []
    monkeypatch.setattr(play_page, "build", tables.append)
    monkeypatch.setattr(play_page, "serve", lambda application, at: application(lambda: True))
    assert main(["play", str(trained), "--page", "--port", "0", "--second", "--simulations", "9"]) == 0
    assert "play at http://127.0.0.1:" in capsys.readouterr().out
    [table] = tables
    assert (table.title, table.second) == ("tic_tac_toe against run", True)
    assert table.position([4])["fields"] == "....x...."
    assert len(table.thought([4])["moves"]) == 8


def test_a_port_without_a_page_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["play", "runs/none", "--port", "8000"]) == 2
    assert "--port 8000 is of the page; give --page too" in capsys.readouterr().err


def test_other_runs_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sonde.train("digits", out=tmp_path / "run", steps=2, model="mlp", quiet=True)
    assert main(["play", str(tmp_path / "run")]) != 0
    assert "was trained on digits, which is no game; train one with sonde train game:NAME" in capsys.readouterr().err
