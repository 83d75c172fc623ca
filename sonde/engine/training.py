"""One run's moving parts, and their whole state: what a checkpoint must hold so that a resume is exact."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from sonde.core.damaged import DAMAGE
from sonde.core.errors import RunFolderError, SondeError, first_line
from sonde.core.seams import Observer, Source, Task, extras_of
from sonde.engine import observing, random_state
from sonde.engine.clock import Clock
from sonde.engine.step import Stepper

OF_A_LOSS = "loss."  # what names of weights begin with that belong to a loss of the caller's own


@dataclass
class Progress:
    """How far a run is. Everything the loop decides by stands here, so that a resumed loop decides the same."""

    step: int = 0  # updates done
    passes: int = 0  # times the source ran out
    pass_end: int = -1  # step after which it did so last
    pass_steps: int = 0  # steps of the first pass, once it is over: how long an epoch of a source without a length is
    evaluated_at: int = -1  # step of the last evaluation: one that is due but missing is made up for on resume
    best: dict[str, Any] | None = None  # {"epoch", "step", "metric", "value"}
    since_best: int = 0  # evaluations
    improved_at: int | None = None  # step of the last evaluation that was better than all before
    best_passes: int = 0  # passes done at it
    best_s: float = 0.0  # seconds of the clock at it, where patience is counted so
    evaluated_s: float = 0.0  # seconds of the clock at the last evaluation, where they are due by time
    epoch_ended_at: int = -1  # step of the last epoch's end that observers were told of
    metrics: dict[str, float] = field(default_factory=dict)  # of the last evaluation
    saved_at: int = -1
    window: list[Tensor] = field(default_factory=list)  # losses since the last logged line, unread
    latest: dict[str, Tensor] = field(
        default_factory=dict
    )  # where several phases are at work, each's losses since then
    first_loss: Tensor | None = None  # of the first step, unread
    rows: int = 0  # seen since the run began
    stop: str = ""  # why the loop ended
    ended_by: str = (
        ""  # setting that ended it: "epochs", "steps", "time_limit", "patience" or "stop_at"; of observers ""
    )
    asked: str = ""  # why an observer requested a stop
    save_asked: bool = False
    ends_at: int = 0  # step that a time limit moved the end to; 0 for that of the plan
    half_asked: int = 0  # end for which the speed was measured half-way
    ends_asked: int = 0  # times the speed was measured to estimate the end
    evaluation_ratio: float = 0.0  # of what evaluations take to what was expected; 0 where none was measured


@dataclass(kw_only=True)
class Training:
    """What the loop is given."""

    task: Task
    source: Source
    stepper: Stepper
    clock: Clock
    device: torch.device
    observers: Sequence[Observer] = ()
    progress: Progress = field(default_factory=Progress)
    journals: dict[str, Any] = field(default_factory=dict)  # file name -> JsonLinesLog
    threads: int = 1
    part: dict[str, int] = field(default_factory=dict)  # of the rows, that the last evaluation was of: {"rows", "of"}
    used_memory: Callable[[], Mapping[str, int]] = dict  # for the lines of the log about steps


def weights(modules: nn.Module) -> dict[str, Tensor]:
    """Parameters and persistent buffers by name."""
    return {name: value for name, value in modules.state_dict().items() if isinstance(value, Tensor)}


def capture(training: Training) -> dict[str, Any]:
    """The state besides `weights`: tensors are the live ones, to be copied before the next step."""
    saved = set(training.task.modules.state_dict())
    return {
        "progress": dict(vars(training.progress)),
        "stepper": training.stepper.state_dict(),
        "source": training.source.state_dict(),
        "task": extras_of(training.task).state_dict(),
        **observing.capture(training.observers),
        "random": random_state.capture(training.device),
        "buffers": {name: value for name, value in training.task.modules.named_buffers() if name not in saved},
        "clock": training.clock.state_dict(),
        "journals": {name: journal.position() for name, journal in training.journals.items()},
        "threads": training.threads,
    }


def restore(training: Training, held: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
    """Put weights and state back into live objects built from the same config.

    Logs are truncated where they are opened. Raises: RunFolderError when the weights do not fit the modules
    """
    load_weights(training.task.modules, held)
    with _fitting():
        with torch.no_grad():
            for name, value in training.task.modules.named_buffers():
                if name in state["buffers"]:
                    value.copy_(state["buffers"][name])
        training.progress = Progress(**state["progress"])
        training.stepper.load_state_dict(state["stepper"])
        training.source.load_state_dict(state["source"])
        extras_of(training.task).load_state_dict(state["task"])
    observing.restore(training.observers, state)
    with _fitting():
        training.clock.load_state_dict(state["clock"])
        training.threads = int(state["threads"])
        random_state.restore(state["random"], training.device)


@contextmanager
def _fitting() -> Iterator[None]:
    """Raises: RunFolderError for a state that is whole, by its hashes, and not of such a run"""
    try:
        yield
    except SondeError:
        raise
    except (*DAMAGE, RuntimeError) as error:
        raise RunFolderError(
            f"the state in checkpoints/last does not fit this run ({first_line(error)}); move that folder away to "
            "resume from the previous checkpoint, or start over with --fresh"
        ) from error


def load_weights(modules: nn.Module, held: Mapping[str, Tensor]) -> None:
    """Copy saved weights into the live tensors, keeping their strides. Raises: RunFolderError naming what does not fit."""
    live = weights(modules)
    if not any(name.startswith(OF_A_LOSS) for name in held):  # earlier versions did not save what belongs to a loss
        live = {name: value for name, value in live.items() if not name.startswith(OF_A_LOSS)}
    held = _named_as(live, held)
    missing, extra = sorted(live.keys() - held.keys()), sorted(held.keys() - live.keys())
    if missing or extra:
        raise RunFolderError(f"the checkpoint does not fit this model: missing {missing[:3]}, unexpected {extra[:3]}")
    with torch.no_grad():
        for name, value in live.items():
            if is_lazy(value):
                value.materialize(held[name].shape)  # type: ignore[attr-defined]
            if value.shape != held[name].shape:
                raise RunFolderError(
                    f"the checkpoint does not fit this model: {name} is {tuple(held[name].shape)}, expected "
                    f"{tuple(value.shape)}"
                )
            value.copy_(held[name])


def _named_as(live: Mapping[str, Tensor], held: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Saved weights under the names of the live ones, where only a wrapper tells them apart: torch.compile, DataParallel."""
    if live.keys() == held.keys():
        return held
    plain = {_unwrapped(name): name for name in live}
    found = {plain.get(_unwrapped(name), name): value for name, value in held.items()}
    return found if found.keys() == live.keys() and len(found) == len(held) else held


def _unwrapped(name: str) -> str:
    return ".".join(part for part in name.split(".") if part not in ("_orig_mod", "module"))
