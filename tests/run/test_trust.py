"""A stranger's run folder runs no code; one's own runs stay as easy to use as they were."""

import shutil
from pathlib import Path
from typing import Any

import pytest

import sonde
from sonde.cli.main import main
from sonde.core.errors import RunFolderError
from sonde.run import trust

NET = """from torch import nn
import helper

class Net(nn.Module):
    def __init__(self, in_dim, out_dim):
        super().__init__()
        self.layer = nn.Linear(in_dim, out_dim)

    def forward(self, x):
        return self.layer(x.flatten(1))
"""
QUIET: dict[str, Any] = {"threads": 1, "quiet": True, "epochs": 1}


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of a network whose file was named here."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    home = tmp_path / "home"
    home.mkdir()
    (home / "net.py").write_text(NET)
    (home / "helper.py").write_text("")
    return sonde.train("digits", model=f"{home / 'net.py'}:Net", out=str(tmp_path / "run"), **QUIET).folder


@pytest.fixture
def strange(own: Path, tmp_path: Path) -> Path:
    """The same run as a stranger sends it: with code that nobody named here."""
    folder = tmp_path / "strange"
    shutil.copytree(own, folder)
    evil = f"open({str(tmp_path / 'ran')!r}, 'w').close()\n" + NET
    (folder / "code" / "net.py").write_text(evil)
    (folder / "net.py").write_text(evil)
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace(str(tmp_path / "home"), str(folder)))
    return folder


def words(command: str, folder: Path) -> list[str]:
    out = ["--steps", "1", "--threads", "1", "--out", str(folder.parent / "new")]
    return {
        "predict": ["predict", str(folder), "digits.png"],
        "eval": ["eval", str(folder), "digits"],
        "resume": ["resume", str(folder), "--epochs", "2"],
        "config": ["train", "digits", "--config", str(folder), *out],
        "pretrained": ["train", "digits", "--pretrained", str(folder), *out],
        "resumed by train": ["train", "digits", "--config", str(folder), "--out", str(folder)],
    }[command]


COMMANDS = ["predict", "eval", "resume", "config", "pretrained", "resumed by train"]


@pytest.mark.parametrize("command", COMMANDS)
def test_no_code_of_a_stranger_is_run(strange: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(command, strange)) == 2
    said = capsys.readouterr().err
    assert "--trust-code" in said
    assert said.count("\n") == 1
    assert not (strange.parent / "ran").exists()
    assert not (strange.parent / "new").exists()


@pytest.mark.parametrize("command", ["eval", "resume", "config", "pretrained"])
def test_it_is_run_on_request_and_said(strange: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    (strange / "helper.py").write_text("")
    assert main([*words(command, strange), "--trust-code"]) == 0
    assert f"running {strange}" in capsys.readouterr().err.replace("\n", " ").replace("  ", " ")
    assert (strange.parent / "ran").exists()


@pytest.mark.parametrize("command", ["eval", "resume", "config", "pretrained"])
def test_ones_own_is_run_unasked(own: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(command, own)) == 0
    assert "--trust-code" not in capsys.readouterr().err


def test_ones_own_is_run_in_another_place_and_where_its_file_is_gone(own: Path, tmp_path: Path) -> None:
    moved = own.rename(tmp_path / "moved")
    (tmp_path / "home" / "net.py").unlink()
    assert sonde.load(moved).evaluate("digits")["accuracy"] > 0


def test_what_lies_beside_the_copy_is_not_imported(own: Path, tmp_path: Path) -> None:
    (own / "code" / "helper.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()")
    with pytest.raises(RunFolderError, match="trust_code=True"):
        sonde.load(own).evaluate("digits")
    assert not (tmp_path / "ran").exists()


def test_compiled_code_beside_a_file_is_not_run(own: Path, tmp_path: Path) -> None:
    import os
    import py_compile

    copy, evil = own / "code" / "net.py", tmp_path / "evil.py"
    evil.write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n".ljust(copy.stat().st_size, "#"))
    os.utime(evil, (copy.stat().st_mtime, copy.stat().st_mtime))
    import importlib.util

    py_compile.compile(str(evil), cfile=importlib.util.cache_from_source(str(copy)), dfile=str(copy))
    assert sonde.load(own).evaluate("digits")["accuracy"] > 0
    assert not (tmp_path / "ran").exists()


def test_python_asks_too(strange: Path) -> None:
    with pytest.raises(RunFolderError, match=r"trust_code=True"):
        sonde.load(strange).evaluate("digits")
    with pytest.raises(RunFolderError, match=r"trust_code=True"):
        sonde.resume(strange, epochs=2, quiet=True)


def test_notes_that_others_may_write_to_are_no_notes(own: Path) -> None:
    file = trust.notes()
    assert file.stat().st_mode & 0o777 == 0o600
    assert trust.named_at(own / "code" / "net.py") is not None
    file.chmod(0o666)
    assert trust.named_at(own / "code" / "net.py") is None
