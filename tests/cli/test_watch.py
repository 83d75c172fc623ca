"""Which run `sonde watch` shows, and how it says that there is none."""

import sys
from pathlib import Path

import pytest
from sample_runs import append, begun, finished, put, step

from sonde.cli.main import main
from sonde.cli.watch import _place, list_of, newest, wait_for_first
from sonde.core.errors import RunFolderError
from sonde.screen.screen import Screen


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    append(begun(Path("runs/old")), step(10))
    put(begun(Path("runs/new")) / "env.json", {"started": "2026-02-01T00:00:00"})
    (Path("runs") / "none").mkdir()
    return tmp_path


def test_the_newest_run_is_shown_where_none_is_named(runs: Path) -> None:
    assert _place(None) == _place("") == _place("runs") == (Path("runs"), "")
    assert newest(Path("runs")) == "new"
    assert _place("runs") == (Path("runs"), "")


def test_a_run_that_is_named(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _place("runs/old") == (Path("runs"), "old")
    begun(Path("runs/old/fold-2"))
    assert _place("runs/old/fold-2") == (Path("runs"), "old/fold-2")
    monkeypatch.chdir(runs / "runs" / "new")
    assert _place(".") == (runs / "runs", "new")


def test_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert _place(None) == _place("") == _place("runs") == (Path("runs"), "")
    with pytest.raises(RunFolderError, match="there is no run folder elsewhere/run; `sonde runs` lists existing runs"):
        _place("elsewhere/run")
    Path("file").touch()
    with pytest.raises(RunFolderError, match="there is no run folder file"):
        _place("file")
    Path("empty").mkdir()
    assert _place("empty") == (Path("empty"), "")


def test_the_first_run_is_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left = [lambda: None, lambda: (tmp_path / "runs").mkdir(), lambda: begun(tmp_path / "runs" / "first")]
    place = wait_for_first(tmp_path / "runs", Screen(), pause=lambda: left.pop(0)())
    assert place == (tmp_path / "runs", "")
    assert left == []
    assert capsys.readouterr().out == (
        f"no {tmp_path / 'runs'} yet; waiting for a run there to begin (Ctrl-C ends this)\n"
    )
    wait_for_first(tmp_path / "runs", Screen())
    assert capsys.readouterr().out == ""


def test_a_run_that_is_still_to_begin_is_waited_for_and_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    root, named = _place("next")
    assert not named
    left = [lambda: None, lambda: Path("next").mkdir(), lambda: begun(Path("next"))]
    assert wait_for_first(root, Screen(), pause=lambda: left.pop(0)()) == (Path("."), "next")
    assert left == []
    assert capsys.readouterr().out == "no next yet; waiting for a run there to begin (Ctrl-C ends this)\n"


def test_the_list_is_newest_first_with_folds_in_their_order(runs: Path) -> None:
    finished(Path("runs/old"))
    for fold in (1, 2, 10):
        begun(Path(f"runs/old/fold-{fold}"))
    found = list_of(Path("runs"))
    assert [each.key for each in found] == ["new", "old", "old/fold-1", "old/fold-2", "old/fold-10"]
    assert (found[1].status, found[1].score, found[1].model) == ("finished", "87.50 % test accuracy", "mlp")
    assert (found[0].status, found[0].score) == ("killed, step 0", "")


def test_the_extra_is_named(runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "starlette", None)
    assert main(["watch"]) == 2
    assert "sonde watch needs starlette; install it with: pip install starlette" in capsys.readouterr().err


def test_help_says_how_to_look_from_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "--help"]) == 0
    out = capsys.readouterr().out
    assert "ssh -L 7663:localhost:7663" in out
    assert "--port" in out
