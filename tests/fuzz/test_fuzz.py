"""Files and run folders changed at random: each is read, or refused in one line; none ends in a traceback, hangs or takes memory.

`FUZZ_CASES` sets how many (`make fuzz`: 50,000), `FUZZ_SEED` which. A failure names its
case, which FUZZ_SEED=N FUZZ_CASES=1 repeats.
"""

import contextlib
import io
import os
import random
import resource
import shutil
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from mutate import change
from own_readers import refusal
from seeds import SEEDS

from sonde.cli.main import main
from sonde.core.data_warning import DataWarning
from sonde.core.errors import SondeError
from sonde.modalities.open import open_data
from sonde.modalities.settings import data_config

CASES, FIRST = int(os.environ.get("FUZZ_CASES", "1900")), int(os.environ.get("FUZZ_SEED", "0"))
PATIENCE_S, MOST_BYTES, ROWS = 30, 2 * 2**30, 64
SHOWN = int(os.environ.get("FUZZ_SHOWN", "20"))
LARGE_BYTES = 2**20  # of an example that is not changed any further
RUN_FILES = ("config.yaml", "schema.json", "plan.json", "data.json", "result.json", "metrics.jsonl", "findings.jsonl", "env.json",
             "tokenizer.json", "checkpoints/best/state.json", "checkpoints/last/state.json",
             "checkpoints/best/weights.safetensors")  # fmt: skip


class Silent(Exception):
    """What the format's own reader refuses was taken, and nothing said."""


class TooLong(BaseException):
    """A case took longer than `PATIENCE_S`."""


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Time for the body, and memory besides what the process has: both end it with an error that no handler of ours takes."""

    def too_long(number: int, frame: FrameType | None) -> None:
        raise TooLong

    before, limits = signal.signal(signal.SIGALRM, too_long), resource.getrlimit(resource.RLIMIT_DATA)
    with open("/proc/self/status", encoding="ascii") as file:
        held = next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmData"))
    signal.alarm(PATIENCE_S)
    resource.setrlimit(resource.RLIMIT_DATA, (held + MOST_BYTES, limits[1]))
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        resource.setrlimit(resource.RLIMIT_DATA, limits)


def trouble(act: Callable[[], Any]) -> str:
    """What is wrong with how a case ends; "" where it is read, or refused in a line."""
    try:
        with bounded(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            act()
    except SondeError as error:
        one_line = str(error) and "\n" not in str(error) and "Traceback" not in str(error)
        return "" if one_line else f"not one line: {str(error)[:300]!r}"
    except (Exception, TooLong):
        return "".join(traceback.format_exc().splitlines(keepends=True)[-9:])
    return ""


def opened(place: Path) -> list[str]:
    """The dataset and all its rows are read: what was said of them."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always", DataWarning)
        dataset = open_data(str(place), data_config({"target": ("target",)} if place.name.startswith("t.") else {}))
        for rows in dataset.splits.values():
            for first in range(0, len(rows), ROWS):
                rows.read(np.arange(first, min(first + ROWS, len(rows))))
    return [*dataset.warnings, *(str(each.message) for each in heard)]


def silently(place: Path, changed: Path) -> None:
    """Read data of which a file was changed. Raises: Silent where its format's own reader refuses it, and nothing was said"""
    if not opened(place) and (why := refusal(changed)):
        raise Silent(why)


@pytest.fixture(autouse=True)
def unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Archives are unpacked where the test's own files are."""
    monkeypatch.setenv("SONDE_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The examples, each in its folder."""
    root = tmp_path_factory.mktemp("sound")
    for name, (make, _) in SEEDS.items():
        (root / name).mkdir()
        make(root / name)
    return root


@pytest.mark.parametrize("name", SEEDS)
def test_the_examples_are_read(sound: Path, name: str) -> None:
    opened(sound / name / SEEDS[name][1])


def test_changed_data(sound: Path, tmp_path: Path) -> None:
    failures = []
    for number in range(FIRST, FIRST + CASES):
        draw = random.Random(number)
        name = draw.choice(list(SEEDS))
        work = tmp_path / "work"
        shutil.copytree(sound / name, work)
        file = draw.choice(sorted(each for each in work.rglob("*") if each.is_file()))
        done = []
        for _ in range(draw.choice([1, 1, 1, 2, 4])):
            if file.stat().st_size < LARGE_BYTES:  # lines repeated again and again are sound, and take their time
                done.append(change(draw, file))
        if found := trouble(partial(silently, work / SEEDS[name][1], file)):
            failures.append(f"FUZZ_SEED={number} {name}: {', '.join(done)}\n{found}")
        shutil.rmtree(work)
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)
    assert not failures, f"{len(failures)} of {CASES} cases\n" + "\n".join(failures[:SHOWN])


def commanded(words: list[str]) -> None:
    """A command whose output is looked at: one line where it is refused."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words)
    lines = [line for line in err.getvalue().splitlines() if not line.startswith("sonde: warning")]
    assert code in (0, 2), f"exit code {code}"
    assert "Traceback" not in err.getvalue()
    assert code == 0 or len(lines) == 1, err.getvalue()


@pytest.fixture(scope="module")
def runs(sound: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A short run on some of the examples."""
    import sonde

    found = {}
    for name in ("csv", "png", "texts", "series"):
        data = sound / name / SEEDS[name][1]
        found[name] = tmp_path_factory.mktemp("runs") / name
        sonde.train(
            str(data), target="target" if name == "csv" else None, steps=2, threads=1, quiet=True, out=str(found[name])
        )
    return found


def test_changed_run_folders(sound: Path, runs: dict[str, Path], tmp_path: Path) -> None:
    failures = []
    for number in range(FIRST, FIRST + CASES // 16):
        draw = random.Random(number)
        name = draw.choice(list(runs))
        work, data = tmp_path / "run", str(sound / name / SEEDS[name][1])
        shutil.copytree(runs[name], work)
        evaluations = sorted(work.glob("evaluation/*/*.json"))
        file = draw.choice([work / each for each in RUN_FILES if (work / each).exists()] + evaluations)
        done = change(draw, file)
        commands = {
            "predict": ["predict", str(work), "a fine film" if name == "texts" else data],
            "eval": ["eval", str(work), data],
            "report": ["report", str(work)],
            "runs": ["runs", str(tmp_path)],
            "resume": ["resume", str(work), "--steps", "3", "--quiet"],
        }
        verb = draw.choice(list(commands))
        if found := trouble(partial(commanded, commands[verb])):
            failures.append(f"FUZZ_SEED={number} {name} {verb}: {done}\n{found}")
        shutil.rmtree(work)
    assert not failures, f"{len(failures)} of {CASES // 16} cases\n" + "\n".join(failures[:SHOWN])


if sys.platform != "linux":
    pytest.skip("memory is bounded as Linux does it", allow_module_level=True)
