"""Playing against a trained player: the command, in the terminal and on a page."""

from pathlib import Path

import pytest

import sonde
from sonde.cli.main import main


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
    out = capsys.readouterr().out
    assert out.startswith(
        f"tic_tac_toe against the network of {trained}, 9 simulations a move\nyou play x, and move first\n"
    )
    assert "your move (x)> 4\n\n" in out  # what is read from no terminal is written out
    assert "the network plays " in out
    assert out.endswith("your move (x)> \nyou left the game after 2 moves\n")


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
