"""Which process trains in a folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sonde.core.run_folder import RunFolder
from sonde.core.run_owner import in_use, owner_of


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_the_owner_is_who_holds_the_lock(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "a").claimed():
        assert owner_of(tmp_path / "a") == os.getpid()
    assert owner_of(tmp_path / "a") is None
    assert owner_of(tmp_path / "b") is None


def test_looking_does_not_take_the_lock(tmp_path: Path) -> None:
    folder = made(tmp_path / "a")
    with RunFolder(folder).claimed():
        pass
    assert not in_use(folder)
    with RunFolder(folder).claimed():
        assert in_use(folder)


def test_the_lock_of_a_dead_process_is_not_even_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trying it for a moment could refuse a run that is about to start there."""
    folder = made(tmp_path / "a")
    dead = subprocess.Popen([sys.executable, "-c", "pass"])
    dead.wait()
    (folder / ".lock").write_text(f"{dead.pid}\n")
    monkeypatch.setattr("fcntl.flock", lambda *_: pytest.fail("the lock was tried"))
    assert not in_use(folder)


def test_a_lock_of_a_process_that_died_is_no_run(tmp_path: Path) -> None:
    folder = made(tmp_path / "a")
    dead = subprocess.Popen([sys.executable, "-c", "pass"])
    dead.wait()
    (folder / ".lock").write_text(f"{dead.pid}\n")
    assert not in_use(folder)
    (folder / ".lock").write_text("")
    assert not in_use(folder)
    (folder / ".lock").write_text(f"{os.getpid()}\n")  # a number used again by another process, which holds no lock
    assert not in_use(folder)
