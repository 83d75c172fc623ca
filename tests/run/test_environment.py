"""What a run had, written down as it is."""

import subprocess
from pathlib import Path

import pytest
import torch

import sonde
from sonde.run.environment import describe

CPU = torch.device("cpu")


def test_the_machine_and_the_software_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["sonde", "train", "digits"])
    found = describe(CPU)
    assert found["torch"] == torch.__version__
    assert found["sonde"] == sonde.__version__
    assert found["device"] == "cpu"
    assert found["command"] == ["sonde", "train", "digits"]
    assert found["cores"] >= 1
    assert found["memory_bytes"] > 2**28
    assert isinstance(found["processor"], str)


def test_the_revision_of_the_users_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert describe(CPU)["git"] is None
    for words in ("init -q", "-c user.name=a -c user.email=a@b commit -q --allow-empty -m first"):
        subprocess.run(["git", *words.split()], check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    assert describe(CPU)["git"] == {"revision": head, "dirty": False}
    (tmp_path / "a.py").write_text("1\n")
    assert describe(CPU)["git"] == {"revision": head, "dirty": False}  # what git does not know does not count
    subprocess.run(["git", "add", "a.py"], check=True)
    assert describe(CPU)["git"] == {"revision": head, "dirty": True}


def test_without_git_there_is_no_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert describe(CPU)["git"] is None
