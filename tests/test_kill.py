"""Real SIGKILLs of a real training process, at every step of two epochs and wherever a checkpoint is being made.

Each child is forked from this process, so that torch is imported once; it trains through the public interface, dies where it is
told to, and a second child resumes. What is left must equal an uninterrupted run to the last bit.
"""

import atexit
import os
import shutil
import signal
import tempfile
import traceback
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tones import folders

import sonde
from sonde.engine import checkpoint, loop
from sonde.engine.checkpoint import Writer
from sonde.engine.json_lines import read_lines
from sonde.engine.step import Stepper
from sonde.engine.tree import same
from sonde.engine.used_memory import KEYS
from sonde.run import finish as finish_run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")

COMMON: dict[str, Any] = {"threads": 1, "epochs": 2, "quiet": True, "seed": 3, "log_every": 3, "workers": 0}
CONFIGS: dict[str, dict[str, Any]] = {
    # dropout, pieces, an average, checkpoints at every other step so that some steps are done again
    "mlp": {
        "model": "mlp",
        "hidden": (32,),
        "dropout": 0.3,
        "batch_size": 256,
        "accumulate": 3,
        "ema": 0.9,
        "optimizer": "adam",
        "checkpoint_every": "2 steps",
        "patience": 3,
        "evaluate_every": 0.5,
    },
    # channels_last with fused moments, augmentation, batch norm, a schedule
    "cnn": {
        "model": "compact-cnn",
        "batch_size": 256,
        "optimizer": "adamw",
        "augment": "crop=1,rotate=10",
        "schedule": "one-cycle",
        "checkpoint_every": "1 step",
    },
    "stream": {
        "model": "compact-cnn",
        "batch_size": 256,
        "optimizer": "nesterov",
        "lr": 0.05,
        "feed": "streaming",
        "workers": 1,
        "augment": "cutout=2",
        "checkpoint_every": "3 steps",
    },
}
# tasks that make inputs, with averaged weights, noise drawn at each step and classes hidden in some rows
GENERATING: dict[str, dict[str, Any]] = {
    task: {
        "task": task,
        "widths": (8, 16),
        "heads": 0,
        "batch_size": 256,
        "ema": 0.9,
        "precision": "fp32",
        "checkpoint_every": "2 steps",
        "evaluate_every": 0.5,
    }
    for task in ("diffusion", "flow-matching")
} | {
    "gan": {
        "task": "gan",
        "widths": (8,),
        "r1": 1.0,
        "critic_steps": 2,
        "batch_size": 256,
        "ema": 0.9,
        "checkpoint_every": "2 steps",
        "evaluate_every": 0.5,
    }
}
GENERATING["normalizing-flow"] = {
    "task": "normalizing-flow",
    "width": 8,
    "layers": 2,
    "levels": 1,
    "batch_size": 256,
    "ema": 0.9,
    "checkpoint_every": "2 steps",
    "evaluate_every": 0.5,
}
GENERATING["masked-diffusion"] = {
    "data": "text",
    "task": "masked-diffusion",
    "width": 16,
    "layers": 1,
    "heads": 2,
    "max_tokens": 8,
    "dropout": 0.1,
    "batch_size": 16,
    "ema": 0.9,
    "checkpoint_every": "2 steps",
    "evaluate_every": 0.5,
}
GENERATING["diffusion-forecasting"] = {
    "task": "diffusion-forecasting",
    "data": "series",
    "horizon": 6,
    "look_back": 24,
    "path_width": 8,
    "path_layers": 1,
    "paths": 20,
    "batch_size": 32,
    "ema": 0.9,
    "checkpoint_every": "2 steps",
    "evaluate_every": 0.5,
}
GENERATING["flow-matching of sound"] = {
    "data": "tones",
    "task": "flow-matching",
    "widths": (8, 16),
    "heads": 0,
    "validation": 0.25,
    "test": 0.0,
    "batch_size": 3,
    "ema": 0.9,
    "checkpoint_every": "2 steps",
    "evaluate_every": 0.5,
}
for _task, _more in (("vae", {"latent": 4}), ("vq-vae", {"codes": 16, "code_width": 4})):
    GENERATING[_task] = {
        "task": _task,
        "widths": (8,),
        "batch_size": 256,
        "ema": 0.9,
        "checkpoint_every": "2 steps",
        "evaluate_every": 0.5,
        **_more,
    }
STEPS = (
    12  # 1,294 training rows of digits in batches of 256, twice; 18 tones in batches of 3; 181 windows in batches of 32
)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def at_step(number: int) -> Callable[[], None]:
    """Die when step `number` has moved the weights and nothing else has happened yet."""

    def arm() -> None:
        real = Stepper.__call__

        def call(self: Stepper, batch: Any, *, step: int, epoch: int) -> Any:
            record = real(self, batch, step=step, epoch=epoch)
            if step == number:
                die()
            return record

        Stepper.__call__ = call  # type: ignore[method-assign]

    return arm


def in_first_step() -> None:
    """Die with gradients computed and weights not yet moved."""
    real = Stepper._move

    def move(self: Stepper, *rest: Any) -> None:
        die()
        real(self, *rest)

    Stepper._move = move  # type: ignore[method-assign]


def in_writer(place: str, nth: int) -> Callable[[], None]:
    """Die on the writer's thread, before the nth checkpoint is written, before it is renamed, or just after."""

    def arm() -> None:
        real = Writer.__init__
        count = {"n": 0}

        def probe(where: str) -> None:
            if where == place:
                count["n"] += 1
                if count["n"] == nth:
                    die()

        def init(self: Writer, checkpoints: Path, **_: Any) -> None:
            real(self, checkpoints, stop_here=probe)

        Writer.__init__ = init  # type: ignore[method-assign]

    return arm


def between_files(nth: int) -> Callable[[], None]:
    """Die when the nth file of checkpoints is about to be written: a folder that is half there."""

    def arm() -> None:
        real = checkpoint.write_bytes
        count = {"n": 0}

        def write(path: Path, content: bytes) -> None:
            count["n"] += 1
            if count["n"] == nth:
                path.write_bytes(content[: len(content) // 2])
                die()
            real(path, content)

        checkpoint.write_bytes = write

    return arm


def at_rename(nth: int) -> Callable[[], None]:
    """Die right after the nth rename of the rotation."""

    def arm() -> None:
        real = Path.rename
        count = {"n": 0}

        def rename(self: Path, target: Any) -> Path:
            result = real(self, target)
            count["n"] += 1
            if count["n"] == nth:
                die()
            return result

        Path.rename = rename  # type: ignore[method-assign]

    return arm


def in_evaluation(nth: int) -> Callable[[], None]:
    def arm() -> None:
        real = loop._evaluate
        count = {"n": 0}

        def evaluate(*given: Any) -> bool:
            count["n"] += 1
            result = real(*given)
            if count["n"] == nth:
                die()
            return result

        loop._evaluate = evaluate

    return arm


@cache
def tones() -> Path:
    """A folder of recordings, that is there as long as this process."""
    place = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, place)
    return folders(Path(place) / "tones")


@cache
def series() -> Path:
    """A table of 300 hours, that is there as long as this process."""
    hours = np.arange(300)
    load = np.sin(2 * np.pi * hours / 24) + 0.2 * np.random.default_rng(0).standard_normal(300)
    start = np.datetime64("2021-01-01", "s")
    lines = [f"{start + np.timedelta64(int(hour), 'h')},{value}" for hour, value in zip(hours, load, strict=True)]
    place = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, place)
    file = Path(place) / "load.csv"
    file.write_text("\n".join(["hour,load", *lines]) + "\n")
    return file


@cache
def text() -> Path:
    """A file of which 95 windows of 8 characters are trained on, that is there as long as this process."""
    place = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, place)
    file = Path(place) / "text.txt"
    file.write_text("to be or not to be, that is the question: " * 20)
    return file


MADE = {"tones": tones, "series": series, "text": text}


def child(out: Path, settings: dict[str, Any], arm: Callable[[], None] | None = None) -> int:
    """The wait status of a process that trains into `out`."""
    if "data" in settings:
        MADE[settings["data"]]()  # before there is a child, which leaves nothing behind
    pid = os.fork()
    if pid == 0:
        finish_run.look = lambda *_: []  # pictures for the report, half of a run: they are not what is compared
        try:
            if arm is not None:
                arm()
            data = MADE[settings["data"]]() if "data" in settings else "digits"
            rest = {name: value for name, value in settings.items() if name != "data"}
            sonde.train(str(data), out=str(out), **{**COMMON, **rest})
        except BaseException:
            (out.parent / f"{out.name}.trace").write_text(traceback.format_exc())
            os._exit(1)
        os._exit(0)
    return os.waitpid(pid, 0)[1]


def finish(out: Path, settings: dict[str, Any]) -> None:
    status = child(out, settings)
    trace = out.parent / f"{out.name}.trace"
    assert status == 0, trace.read_text() if trace.exists() else status


def left(out: Path) -> tuple[Any, Any]:
    """What must be equal: every tensor and decision of the last checkpoint, and every logged number but the seconds."""
    weights, state = checkpoint.read(out / "checkpoints" / "last")
    kept = {name: state[name] for name in ("progress", "stepper", "source", "task", "random", "buffers", "observers")}
    lines = [line for line in read_lines(out / "metrics.jsonl") if line["kind"] != "event"]
    return {"weights": weights, "best": checkpoint.read(out / "checkpoints" / "best")[0], **kept}, [
        {name: value for name, value in line.items() if name not in ("seconds", "elapsed", *KEYS)} for line in lines
    ]


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, Any]]:
    folder = tmp_path_factory.mktemp("straight")
    for name, settings in CONFIGS.items():
        finish(folder / name, settings)
    return {name: left(folder / name) for name in CONFIGS}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, Any]]:
    """What uninterrupted runs of tasks that make inputs leave."""
    folder = tmp_path_factory.mktemp("made")
    for name, settings in GENERATING.items():
        finish(folder / name, settings)
    return {name: left(folder / name) for name in GENERATING}


def check(name: str, arms: list[Callable[[], None]], straight: dict[str, tuple[Any, Any]], out: Path) -> None:
    settings = {**CONFIGS, **GENERATING}[name]
    for arm in arms:
        status = child(out, settings, arm)
        assert os.WIFSIGNALED(status), "the process was meant to die"
        assert os.WTERMSIG(status) == signal.SIGKILL
    finish(out, settings)
    state, lines = left(out)
    for part, value in straight[name][0].items():
        assert same(state[part], value), part
    assert lines == straight[name][1]


@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_at_every_step(step: int, straight: dict[str, Any], tmp_path: Path) -> None:
    check("mlp", [at_step(step)], straight, tmp_path / "run")


@pytest.mark.parametrize("step", [1, 6, 7, 12])
@pytest.mark.parametrize("name", ["cnn", "stream"])
def test_at_epoch_boundaries(name: str, step: int, straight: dict[str, Any], tmp_path: Path) -> None:
    check(name, [at_step(step)], straight, tmp_path / "run")


@pytest.mark.slow
@pytest.mark.parametrize("step", [2, 3, 4, 5, 8, 9, 10, 11])
@pytest.mark.parametrize("name", ["cnn", "stream"])
def test_at_every_other_step(name: str, step: int, straight: dict[str, Any], tmp_path: Path) -> None:
    check(name, [at_step(step)], straight, tmp_path / "run")


def test_in_the_first_step(straight: dict[str, Any], tmp_path: Path) -> None:
    check("cnn", [in_first_step], straight, tmp_path / "run")


@pytest.mark.parametrize("place", ["write", "rename", "done"])
@pytest.mark.parametrize("nth", [1, 2, 5])
def test_around_a_checkpoint(place: str, nth: int, straight: dict[str, Any], tmp_path: Path) -> None:
    check("mlp", [in_writer(place, nth)], straight, tmp_path / "run")


@pytest.mark.parametrize("nth", [1, 2, 3, 5, 9])
def test_in_the_middle_of_a_file(nth: int, straight: dict[str, Any], tmp_path: Path) -> None:
    check("cnn", [between_files(nth)], straight, tmp_path / "run")


@pytest.mark.parametrize("nth", [2, 3, 4, 5, 6, 7])
def test_between_renames(nth: int, straight: dict[str, Any], tmp_path: Path) -> None:
    check("mlp", [at_rename(nth)], straight, tmp_path / "run")


@pytest.mark.parametrize("nth", [1, 2])
def test_after_an_evaluation_that_was_not_saved(nth: int, straight: dict[str, Any], tmp_path: Path) -> None:
    check("mlp", [in_evaluation(nth)], straight, tmp_path / "run")


def test_again_and_again(straight: dict[str, Any], tmp_path: Path) -> None:
    arms = [in_first_step, at_step(3), in_writer("rename", 1), at_step(6), between_files(2), at_step(9)]
    check("mlp", arms, straight, tmp_path / "run")


@pytest.mark.parametrize("name", GENERATING)
def test_a_task_that_makes_inputs(name: str, made: dict[str, Any], tmp_path: Path) -> None:
    check(name, [at_step(3), in_evaluation(1)], made, tmp_path / "run")


@pytest.mark.slow
@pytest.mark.parametrize("step", range(1, STEPS + 1))
@pytest.mark.parametrize("name", GENERATING)
def test_a_task_that_makes_inputs_at_every_step(name: str, step: int, made: dict[str, Any], tmp_path: Path) -> None:
    check(name, [at_step(step)], made, tmp_path / "run")


@pytest.mark.slow
@pytest.mark.parametrize("arm", [in_writer("write", 1), in_writer("rename", 2), in_writer("done", 3), between_files(2),
                                 between_files(5), at_rename(2), at_rename(5), in_evaluation(2)])  # fmt: skip
@pytest.mark.parametrize("name", GENERATING)
def test_a_task_that_makes_inputs_around_checkpoints(
    name: str, arm: Callable[[], None], made: dict[str, Any], tmp_path: Path
) -> None:
    check(name, [arm], made, tmp_path / "run")
