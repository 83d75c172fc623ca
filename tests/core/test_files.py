"""Whole or absent, also when the disk is full or the process dies."""

import hashlib
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sonde.core import files
from sonde.core.files import plain, read_json, sha256, sync_folder, write_bytes, write_json, write_text


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a", b"\x00\xff")
    write_text(tmp_path / "b", "Ålder 年\n")
    assert (tmp_path / "a").read_bytes() == b"\x00\xff"
    assert (tmp_path / "b").read_bytes() == "Ålder 年\n".encode()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a", "b"]


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text(tmp_path / "a", "old")

    def full(*words: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, failing, full)
    with pytest.raises(OSError, match="No space left"):
        write_text(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_a_kill_before_the_rename_leaves_the_old_file(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "old")
    code = (
        "import os, pathlib, sys\nfrom sonde.core import files\n"
        "files.os.replace = lambda *words: os.kill(os.getpid(), 9)\nfiles.write_text(pathlib.Path(sys.argv[1]), 'new')"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], check=False)
    assert done.returncode == -9
    assert (tmp_path / "a").read_text() == "old"


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_others_may_read_what_the_umask_allows(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "a", "x")
        assert os.umask(0o027) == 0o027  # asking for it did not change it
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_json_is_standard_json(tmp_path: Path) -> None:
    content = {"a": float("nan"), "b": (1, float("inf")), "c": {"é": Path("x/y"), 3: [-float("inf"), True, None]}}
    write_json(tmp_path / "a.json", content)

    def refuse(word: str) -> None:
        raise AssertionError(word)

    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert json.loads(text, parse_constant=refuse) == read_json(tmp_path / "a.json")
    assert read_json(tmp_path / "a.json") == {"a": None, "b": [1, None], "c": {"é": "x/y", "3": [None, True, None]}}
    assert "é" in text
    assert text.endswith("}\n")


def test_what_json_cannot_hold_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"a": {1, 2}})
    assert list(tmp_path.iterdir()) == []
    assert plain((1, [2.5, float("nan")])) == [1, [2.5, None]]


def test_the_hash_is_that_of_the_content(tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    (tmp_path / "a").write_bytes(content)
    assert sha256(tmp_path / "a") == hashlib.sha256(content).hexdigest()


def test_a_folder_can_be_synced_and_an_absent_one_is_an_error(tmp_path: Path) -> None:
    sync_folder(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "none")
