"""What state a folder is in, and that two live runs never share one."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sonde.core.errors import RunFolderError
from sonde.core.run_folder import RunFolder, fresh_path, open_run

ROOT = os.geteuid() == 0 if hasattr(os, "geteuid") else False

HOLD = """
import pathlib, sys
from sonde.core.run_folder import RunFolder
with RunFolder(pathlib.Path(sys.argv[1])).claimed():
    print("held", flush=True)
    sys.stdin.read()
"""

FORK = """
import os, pathlib, sys, time
from sonde.core.run_folder import RunFolder
with RunFolder(pathlib.Path(sys.argv[1])).claimed():
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(tell, b"1")
        time.sleep(60)
        os._exit(0)
    os.read(ready, 1)
    print(child, flush=True)
    sys.stdin.read()
"""


def claim(folder: RunFolder) -> None:
    with folder.claimed():
        assert folder.path.is_dir()


def test_the_states_of_a_run(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "deep" / "run")
    assert folder.state() == "new"
    claim(folder)
    assert folder.state() == "new"  # a lock alone is no run
    folder.config.write_text("settings: {}")
    assert folder.state() == "unfinished"
    (folder.checkpoints / "last").mkdir(parents=True)
    assert folder.state() == "unfinished"
    folder.result.write_text('{"status": "finished"}')
    assert folder.state() == "finished"
    assert folder.finished() == {"status": "finished"}


def test_a_folder_that_is_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"")
    with pytest.raises(RunFolderError, match="is not empty and holds no run; give --out another folder"):
        RunFolder(tmp_path).state()
    with pytest.raises(RunFolderError, match="photo.png is a file; --out takes a folder"):
        RunFolder(tmp_path / "photo.png").state()


def test_a_live_run_holds_its_folder_and_a_dead_one_does_not(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(RunFolderError, match=rf"is in use by process {holder.pid}; wait for it"):
            claim(folder)
        holder.kill()
        holder.wait()
    claim(folder)
    claim(folder)  # and again: it was let go


@pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked on POSIX only")
def test_a_child_that_outlives_a_killed_run_does_not_hold_its_folder(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with subprocess.Popen(
        [sys.executable, "-c", FORK, str(folder.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        child = int(holder.stdout.readline())
        with pytest.raises(RunFolderError, match="is in use by process"):
            claim(folder)  # the child gave up its share alone
        holder.kill()
        holder.wait()
        try:
            claim(folder)
            os.kill(child, 0)  # which is alive all the while
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match="cannot write to .*file/run: Not a directory; give --out a folder"):
        claim(RunFolder(tmp_path / "file" / "run"))
    with pytest.raises(RunFolderError, match="cannot write to .*file: File exists; give --out a folder"):
        fresh_path("d", "m", under=tmp_path / "file")


@pytest.mark.skipif(ROOT, reason="root may write everywhere")
def test_a_folder_one_may_not_write_to_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(RunFolderError, match="Permission denied"):
        claim(RunFolder(tmp_path / "run"))


def test_every_new_run_gets_the_next_number(tmp_path: Path) -> None:
    names = [fresh_path("mnist", "mlp", under=tmp_path / "runs").name for _ in range(3)]
    assert names == ["mnist-mlp-1", "mnist-mlp-2", "mnist-mlp-3"]
    (tmp_path / "runs" / "mnist-mlp-1").rmdir()
    (tmp_path / "runs" / "mnist-mlp-11").mkdir()
    (tmp_path / "runs" / "mnist-mlp-old-40").mkdir()
    assert fresh_path("mnist", "mlp", under=tmp_path / "runs").name == "mnist-mlp-12"
    assert fresh_path("mnist", "resnet18", under=tmp_path / "runs").name == "mnist-resnet18-1"


@pytest.mark.parametrize("data", ["my data/2024", "../..", "C:\\x", "über", "a" * 300, "", ".hidden"])
def test_any_name_of_data_gives_a_plain_folder_name(data: str, tmp_path: Path) -> None:
    path = fresh_path(data, "file.py:Net", under=tmp_path)
    assert path.is_dir()
    assert path.parent == tmp_path
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*-1", path.name)


def test_opening_what_is_no_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="there is no run folder .*none; `sonde runs` lists"):
        open_run(tmp_path / "none")
    with pytest.raises(RunFolderError, match=r"holds no run \(no config.yaml\)"):
        open_run(tmp_path)
    (tmp_path / "config.yaml").write_text("")
    assert open_run(str(tmp_path)).path == tmp_path


def test_to_clear_a_run_leaves_what_is_not_its_own(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for path in (folder.config, folder.metrics, folder.result, folder.checkpoints / "last" / "state.json"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    (tmp_path / "thesis.tex").write_text("x")
    folder.clear()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    "name", [".lock", "metrics.jsonl", "checkpoints", "evaluation/test", "events", "fold-1", "code"]
)
def test_nothing_is_written_through_a_link(tmp_path: Path, name: str) -> None:
    target, run = tmp_path / "target", tmp_path / "run"
    run.mkdir()
    (run / name).parent.mkdir(exist_ok=True)
    target.write_text("precious")
    (run / name).symlink_to(target)
    with pytest.raises(RunFolderError, match=rf"{name} is a symbolic link"), RunFolder(run).claimed():
        pass
    assert target.read_text() == "precious"


def test_a_pipe_in_a_run_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("settings: {}")
    os.mkfifo(tmp_path / "schema.json")
    with pytest.raises(RunFolderError, match=r"schema.json is neither a file nor a folder"):
        open_run(tmp_path)
