"""A weaker network beside which samples are guided: an earlier checkpoint of the run, or a shorter or smaller run."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError, RunFolderError
from sonde.core.run_folder import RunFolder, open_run
from sonde.core.seams import Task, abilities_of
from sonde.engine import checkpoint
from sonde.engine.training import load_weights
from sonde.run.judge import weights_hash
from sonde.run.loaded import task_of
from sonde.tasks.latent_code import LatentCode

if TYPE_CHECKING:
    from sonde.run.run import Run

CLOSE = 0.01  # deviations of the data by which two runs may differ in how they scale inputs: rows were drawn for each


@dataclass(frozen=True, kw_only=True)
class Weaker:
    """estimate: as of `Generation`;  classes: whether it is told the samples' classes"""

    estimate: Callable[[Tensor, float, Tensor | None], Tensor]
    classes: bool

    def of(self, labels: Tensor | None, here: slice) -> Callable[[Tensor, float], Tensor]:
        """What it answers for some of the samples. labels: of all of them"""

        def answer(at: Tensor, level: float) -> Tensor:
            mine = None if labels is None or not self.classes else labels[here].to(at.device)
            return self.estimate(at, level, mine)

        return answer


def weaker_of(run: "Run", named: str | Path, *, trust_code: bool = False) -> Weaker:
    """The weaker network that a folder of a checkpoint of `run`, or of another run, holds.

    Raises: ConfigError where the two do not fit; RunFolderError for a folder that holds neither
    """
    generation = abilities_of(run.task).generation
    if generation is None or generation.estimate is None:
        raise ConfigError(
            f"--weaker is for runs of diffusion and flow-matching, and {run.folder} is of {run.spec.name}; leave it out"
        )
    place = Path(named)
    task = _earlier(run, place, trust_code) if (place / "state.json").exists() else _other(run, place, trust_code)
    task.modules.to(run.device).eval()
    weaker = abilities_of(task).generation
    assert weaker is not None
    assert weaker.estimate is not None
    return Weaker(estimate=weaker.estimate, classes=weaker.classes)


def _earlier(run: "Run", place: Path, trust_code: bool) -> Task:
    """The run's own task with the weights of another checkpoint, averaged where they are. Raises: ConfigError"""
    task = task_of(RunFolder(run.folder), lambda: run.schema, trust_code=trust_code)
    held, state = checkpoint.read(place)
    average = (state.get("stepper") or {}).get("average") or {}
    held |= {name: value for name, value in average.get("tensors", {}).items() if name in held}
    try:
        load_weights(task.modules, held)
    except RunFolderError:
        raise ConfigError(
            f"--weaker {place} is no checkpoint of {run.folder}: its weights do not fit; name the run that it is of"
        ) from None
    return task


def _other(run: "Run", place: Path, trust_code: bool) -> Task:
    from sonde.run.run import Run

    other = Run(open_run(place), trust_code=trust_code)
    _check(run, other, f"--weaker {place}")
    return other.task


def _check(run: "Run", other: "Run", place: str) -> None:
    """Raises: ConfigError for a run whose answers cannot be set beside those of `run`"""
    mine, theirs = run.schema, other.schema
    if other.spec.name != run.spec.name:
        raise ConfigError(
            f"{place} is a run of task {other.spec.name}, and {run.folder} of {run.spec.name}; name a shorter or smaller run of "
            "that"
        )
    if not _alike(mine.input, theirs.input):
        raise ConfigError(
            f"{place} makes other inputs than {run.folder}, or scales them otherwise; name a run on the same data"
        )
    if theirs.target.has_classes and theirs.target.names != mine.target.names:
        raise ConfigError(
            f"{place} knows other classes than {run.folder}; name a run on the same data, or one without classes"
        )
    if not _same_codes(run, other):
        raise ConfigError(f"{place} and {run.folder} do not work on the same codes; name a run with the same --latent")
    if weights_hash(run) == weights_hash(other):
        raise ConfigError(f"{place} has the weights of {run.folder} itself; name a shorter or smaller run")


def _alike(one: InputSpec, other: InputSpec) -> bool:
    if (one.kind, one.shape, one.columns, one.extra) != (other.kind, other.shape, other.columns, other.extra):
        return False
    if not one.std or not other.std:
        return one.std == other.std
    scale = torch.tensor(one.std).clamp(min=1e-6)
    apart = [
        (torch.tensor(a) - torch.tensor(b)).abs() / scale for a, b in ((one.mean, other.mean), (one.std, other.std))
    ]
    return bool(torch.cat(apart).max() <= CLOSE)


def _same_codes(run: "Run", other: "Run") -> bool:
    mine, theirs = getattr(run.task, "code", None), getattr(other.task, "code", None)
    if not isinstance(mine, LatentCode) or not isinstance(theirs, LatentCode):
        return isinstance(mine, LatentCode) == isinstance(theirs, LatentCode)
    return mine.same_as(theirs)
