"""Real processes that are told to stop, and a disk that is really full: what is said, what is kept, how it goes on.

Children are forked, so that torch is imported once; each runs the command line's `main` with a terminal's signals.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sonde.cli.main import main
from sonde.engine import checkpoint
from sonde.engine.json_lines import read_lines
from sonde.engine.tree import same

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and signals")

SLOW = """
import time
from torch import nn

class Net(nn.Module):
    def __init__(self, in_dim: int, out_dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(in_dim, 16), nn.Dropout(0.2), nn.Linear(16, out_dim))

    def forward(self, input):
        time.sleep(0.01)
        return self.layers(input)
"""
PATIENCE_S = 60.0


@dataclass
class Child:
    """A running `sonde` with its output in two files."""

    pid: int
    place: Path

    def wait(self) -> int:
        """Its exit code, negative for the signal that killed it."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    @property
    def out(self) -> str:
        return (self.place / "out.txt").read_text(encoding="utf-8")

    @property
    def err(self) -> str:
        return (self.place / "err.txt").read_text(encoding="utf-8")


@pytest.fixture
def sonde(tmp_path: Path) -> Callable[..., Child]:
    """Starts `sonde WORDS…` in a session of its own, as a terminal would."""
    (tmp_path / "slow.py").write_text(SLOW)

    def start(*words: Any) -> Child:
        if words[0] == "train" and "--threads" not in words:
            # a fork of a process whose OpenMP has ever had two threads hangs when it asks for two again
            words = (*words, "--threads", 1)
        pid = os.fork()
        if pid:
            return Child(pid, tmp_path)
        try:
            os.setsid()
            os.chdir(tmp_path)
            for name, number in (("out.txt", 1), ("err.txt", 2)):
                os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
            sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
            code = main([str(word) for word in words])
            sys.stdout.flush()
            os._exit(code)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        os._exit(99)

    return start


def slow_run(out: Any, **more: Any) -> list[Any]:
    """The words of a run of 63 steps of about 12 ms each."""
    settings = {
        "model": "slow.py:Net",
        "threads": 1,
        "epochs": 3,
        "batch_size": 64,
        "workers": 0,
        "log_every": 1,
        **more,
    }
    flags = [word for name, value in settings.items() for word in (f"--{name.replace('_', '-')}", value)]
    return ["train", "digits", *flags, "--out", out]


def when_at_step(child: Child, out: Path, step: int) -> None:
    """Wait until a step is logged."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if any(line.get("step", 0) >= step for line in read_lines(out / "metrics.jsonl")):
            return
        assert os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None, child.err
        time.sleep(0.005)
    raise AssertionError(f"step {step} never came")


def _without_seconds(line: dict[str, Any]) -> dict[str, Any]:
    """A line of the log without what depends on the machine's mood: how long it took, and the memory that was in use."""
    return {name: value for name, value in line.items() if name not in ("seconds", "elapsed") and "memory" not in name}


def left(out: Path) -> dict[str, Any]:
    """What must be equal: the weights, everything a step depends on, and every logged number but the seconds."""
    weights, state = checkpoint.read(out / "checkpoints" / "last")
    lines = [line for line in read_lines(out / "metrics.jsonl") if line["kind"] != "event"]
    kept = {name: state[name] for name in ("progress", "stepper", "source", "random")}
    best = checkpoint.read(out / "checkpoints" / "best")[0]
    return {"weights": weights, "best": best, **kept, "log": [_without_seconds(line) for line in lines]}


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run leaves that nobody disturbed."""
    place = tmp_path_factory.mktemp("straight")
    (place / "slow.py").write_text(SLOW)
    pid = os.fork()
    if pid == 0:
        os.chdir(place)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os._exit(main([str(word) for word in slow_run("run")]))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    return left(place / "run")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_finishes_the_step_saves_and_says_how_to_go_on(
    number: int, code: int, sonde: Callable[..., Child], straight: dict[str, Any], tmp_path: Path
) -> None:
    child = sonde(*slow_run("run"))
    when_at_step(child, tmp_path / "run", 5)
    os.kill(child.pid, number)
    assert child.wait() == code
    step = checkpoint.read(tmp_path / "run" / "checkpoints" / "last")[1]["progress"]["step"]
    assert step >= 5
    expected = f"stopped at step {step} as requested; everything is saved; resume with: sonde resume run\n"
    assert child.err == f"sonde: {expected}"
    assert read_lines(tmp_path / "run" / "metrics.jsonl")[-1]["step"] == step
    child = sonde("resume", "run")
    assert child.wait() == 0, child.err
    assert f"resuming run at step {step}" in child.out
    after = left(tmp_path / "run")
    for name, value in straight.items():
        assert same(after[name], value), name


def test_the_second_ctrl_c_stops_now(sonde: Callable[..., Child], tmp_path: Path) -> None:
    """While the step after the first one still sleeps; nothing is half written, so the run goes on from what was saved."""
    (tmp_path / "slow.py").write_text(SLOW.replace("0.01", "0.7"))
    child = sonde(*slow_run("run", checkpoint_every="1 step"))
    when_at_step(child, tmp_path / "run", 1)
    os.kill(child.pid, signal.SIGINT)
    time.sleep(0.05)
    begun = time.monotonic()
    os.kill(child.pid, signal.SIGINT)
    assert child.wait() == 130
    assert time.monotonic() - begun < 0.6  # the step had more than that to go
    assert "Traceback" not in child.err
    assert checkpoint.read(tmp_path / "run" / "checkpoints" / "last")[1]["progress"]["step"] >= 1


def test_ctrl_c_reaches_the_whole_group_and_the_feed_outlives_it(sonde: Callable[..., Child], tmp_path: Path) -> None:
    """A terminal sends SIGINT to every process in the foreground, the reading workers included."""
    child = sonde(*slow_run("run", feed="streaming", workers=2))
    when_at_step(child, tmp_path / "run", 5)
    os.killpg(child.pid, signal.SIGINT)
    assert child.wait() == 130
    assert child.err.count("\n") == 1, child.err
    assert "as requested; everything is saved; resume with: sonde resume run" in child.err
    child = sonde("resume", "run", "--workers", 0)
    assert child.wait() == 0, child.err


def test_ctrl_c_in_the_last_evaluation_leaves_the_judgement_to_a_resume(
    sonde: Callable[..., Child], tmp_path: Path
) -> None:
    (tmp_path / "slow.py").write_text(SLOW.replace("time.sleep(0.01)", "time.sleep(0.01 if self.training else 0.5)"))
    child = sonde(*slow_run("run", epochs=1))
    when_at_step(child, tmp_path / "run", 21)  # the last: its evaluation takes half a second
    os.kill(child.pid, signal.SIGINT)
    assert child.wait() == 130
    assert child.err == ("sonde: stopped at step 21 as requested; everything is saved; resume with: sonde resume run\n")
    assert not (tmp_path / "run" / "result.json").exists()
    assert sonde("resume", "run").wait() == 0
    assert (tmp_path / "run" / "result.json").exists()


def test_without_a_terminal_there_are_plain_lines(sonde: Callable[..., Child]) -> None:
    child = sonde("train", "digits", "--model", "mlp", "--epochs", 2, "--threads", 1, "--out", "run")
    assert child.wait() == 0
    assert child.err == ""
    assert "\x1b" not in child.out
    assert "\r" not in child.out
    labels = [line[:10].strip() for line in child.out.splitlines()]
    assert [label for label in labels if label in ("data", "task", "model", "plan", "run", "result", "time", "next")] == [
        "data", "task", "model", "plan", "run", "result", "time", "next",
    ]  # fmt: skip
    assert [line.split()[0] for line in child.out.splitlines() if line.startswith("  ") and "/2 " in line] == [
        "1/2",
        "2/2",
    ]


def test_quiet_prints_the_folder_alone(sonde: Callable[..., Child]) -> None:
    child = sonde("train", "digits", "--model", "mlp", "--epochs", 1, "--threads", 1, "--out", "run", "--quiet")
    assert child.wait() == 0
    assert (child.out, child.err) == ("run\n", "")


def test_nothing_is_read_from_standard_input(tmp_path: Path) -> None:
    """A closed standard input, as under cron or systemd, is no reason to fail: the whole command in a shell."""
    command = [
        sys.executable,
        "-m",
        "sonde",
        "train",
        "digits",
        "--model",
        "perceptron",
        "--epochs",
        "0.1",
        "--threads",
        "1",
    ]
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" <&-', "sh", *command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "runs" / "digits-perceptron-1" / "result.json").exists()


def test_a_live_run_keeps_its_folder(sonde: Callable[..., Child], tmp_path: Path) -> None:
    child = sonde(*slow_run("run", epochs=100))
    when_at_step(child, tmp_path / "run", 2)
    with contextlib.chdir(tmp_path):
        done = subprocess.run(
            [sys.executable, "-m", "sonde", "resume", "run"], capture_output=True, text=True, check=False
        )
    os.kill(child.pid, signal.SIGTERM)
    assert child.wait() == 143
    assert done.returncode == 2
    expected = f"sonde: error: run is in use by process {child.pid}; wait for it, or give --out another folder\n"
    assert done.stderr == expected


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB. Skips where none may be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if mount is None or umount is None:
        pytest.skip("no mount command")
    done = subprocess.run([mount, "-t", "tmpfs", "-o", "size=2m", "tmpfs", place], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("may not mount a small disk")
    yield place
    subprocess.run([umount, place], check=True)


def test_a_disk_too_small_for_the_second_checkpoint(small_disk: Path, sonde: Callable[..., Child]) -> None:
    """Weights and Adam's moments of 107,000 parameters take 1.3 MB: one such checkpoint fits, not two."""
    words = ["--model", "mlp", "--hidden", 1400, "--optimizer", "adam", "--epochs", 1, "--checkpoint-every", "3 steps"]
    common = ["train", "digits", *words, "--validation", 0, "--threads", 1, "--quiet"]
    assert sonde(*common, "--out", "roomy").wait() == 0
    out = small_disk / "run"
    child = sonde(*common, "--out", out)
    assert child.wait() == 2
    assert child.err == (
        f"sonde: error: cannot write a checkpoint to {out}/checkpoints: No space left on device; the previous one is intact: "
        f"free disk space, then resume with: sonde resume {out}\n"
    )
    assert checkpoint.read(out / "checkpoints" / "last")[1]["progress"]["step"] == 3
    assert not list((out / "checkpoints").glob(".new-*"))
    subprocess.run(["mount", "-o", "remount,size=30m", str(small_disk)], check=True)
    child = sonde("resume", out)
    assert child.wait() == 0, child.err
    assert "resuming" in child.out
    for name, value in left(child.place / "roomy").items():
        assert same(left(out)[name], value), name


def test_a_disk_that_fills_up_under_the_log(small_disk: Path, sonde: Callable[..., Child]) -> None:
    out = small_disk / "run"
    child = sonde(*slow_run(out, checkpoint_every="1 step", epochs=30))
    when_at_step(child, out, 3)
    with contextlib.suppress(OSError), (small_disk / "film.mp4").open("wb", buffering=0) as film:
        while film.write(bytes(4096)):
            pass
    assert child.wait() == 2
    assert child.err.count("\n") == 1
    assert child.err.startswith("sonde: error: cannot write")
    assert (
        f"No space left on device; saved files are intact: free disk space, then resume with: sonde resume {out}"
        in (child.err.replace("the previous one is intact", "saved files are intact"))
    )
    saved = checkpoint.newest(out / "checkpoints", report=lambda text: None)
    assert saved is not None
    (small_disk / "film.mp4").unlink()
    assert sonde("resume", out, "--steps", saved[2]["progress"]["step"] + 3).wait() == 0
    steps = [line["step"] for line in read_lines(out / "metrics.jsonl") if line["kind"] == "step"]
    assert steps == list(range(1, saved[2]["progress"]["step"] + 4))


def test_a_disk_without_room_for_anything(small_disk: Path, sonde: Callable[..., Child]) -> None:
    with contextlib.suppress(OSError), (small_disk / "film.mp4").open("wb", buffering=0) as film:
        while film.write(bytes(4096)):
            pass
    child = sonde("train", "digits", "--model", "mlp", "--epochs", 1, "--out", small_disk / "run")
    assert child.wait() == 2
    assert child.err.count("\n") == 1
    assert "No space left on device" in child.err


def test_a_disk_with_room_for_the_folder_alone(small_disk: Path, sonde: Callable[..., Child]) -> None:
    """A few pages are left: the first files can be begun and not all written."""
    with (small_disk / "film.mp4").open("wb", buffering=0) as film:
        film.truncate(0)
        os.posix_fallocate(film.fileno(), 0, 2 * 2**20 - 6 * 4096)
    child = sonde("train", "digits", "--model", "mlp", "--epochs", 1, "--out", small_disk / "run")
    assert child.wait() == 2
    assert child.err.count("\n") == 1
    assert (
        f"No space left on device; saved files are intact: free disk space, then resume with: sonde resume {small_disk}"
        in (child.err.replace("there is none yet", "what was saved is whole"))
    )
    (small_disk / "film.mp4").unlink()
    child = sonde("train", "digits", "--model", "mlp", "--epochs", 1, "--out", small_disk / "run")
    assert child.wait() == 0, child.err
