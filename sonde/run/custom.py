"""Jobs with a custom task or module and custom data: the same stages, and the same kind of run folder."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset, RandomSampler
from torch.utils.data import Dataset as TorchDataset

from sonde.core.config import FeedConfig, TrainConfig
from sonde.core.errors import ConfigError
from sonde.core.overrides import from_keywords
from sonde.core.run_folder import RunFolder
from sonde.core.seams import Objective, Source, Task
from sonde.data.feed.decide import FeedDecision
from sonde.data.feed.iterables import JoinedBatches, batches_of, is_row, is_streaming_set
from sonde.data.feed.loader import ONCE, LoaderSource
from sonde.data.feed.tensors import tensor_source
from sonde.data.fingerprint import of_arrays
from sonde.data.mapped import array_of
from sonde.engine.clock import Clock
from sonde.engine.plan import pick_device
from sonde.engine.precision import check_precision
from sonde.engine.stages import fixed_length
from sonde.optim.ema import EMA
from sonde.run.build import EVALUATION_ROWS, Assembly
from sonde.run.choose import Recipe
from sonde.run.code import Code
from sonde.run.job import Job
from sonde.run.lengths import check_length, check_stages, requested_epochs
from sonde.run.resolve import CUSTOM_MODULE, Resolved, resolve
from sonde.screen.screen import Screen
from sonde.tasks.custom.task import ModuleTask


def custom_job(
    task: Task, data: Any, validation: Any, settings: Mapping[str, Any], *, name: str, code: Code | None = None
) -> Job:
    """The job of training `task` on whatever holds training data.

    name: of the run folder;  code: of what the caller handed over (`run/code.code_of`)
    Raises: SondeError subclasses
    """
    clock, resolved = Clock(), settings_of(task, settings)
    if resolved.config.place.out is not None:
        RunFolder(
            Path(resolved.config.place.out)
        ).state()  # a folder that cannot be used is refused before the data are read

    def build(config: TrainConfig, fresh: bool) -> Assembly:
        if isinstance(data, Iterator) and (epochs := requested_epochs(config.loop) or 1) > 1:
            raise ConfigError(f"{epochs:g} epochs are {epochs:g} passes over the data, and {ONCE}; or give epochs=1")
        parts = custom_parts(task, data, validation, config, clock)
        check_length(config, parts.train)  # what is refused leaves no folder behind
        check_stages(task.phases, config.loop, parts.train)
        return parts

    with clock.part("data"):
        fingerprint = _hashes({"train": data, "validation": validation})
    about = {"source": type(data).__name__, "form": "custom data", "facts": [], "warnings": []}
    return Job(
        resolved=resolved,
        given=settings,
        about={**about, "fingerprint": fingerprint, "code": code or {}},
        build=build,
        name=(CUSTOM_MODULE, name),
        screen=Screen(quiet=bool(settings.get("quiet", False))),
    )


def settings_of(task: Task, settings: Mapping[str, Any]) -> Resolved:
    """The settings of a custom task. Raises: ConfigError for an unknown one, or one that is not for such tasks."""
    steps, lengths = fixed_length(task.phases), ("epochs", "steps")
    advice = {}
    if steps is not None and all(settings.get(name) is None for name in lengths):
        advice = {"steps": (steps, "all stages of the task together")}
    recipe = Recipe(task=type(task).__name__, model=CUSTOM_MODULE, settings=advice)
    resolved = resolve(from_keywords(settings), recipe, custom_task=True)
    if resolved.config.transfer.pretrained is not None:
        raise ConfigError("pretrained= is for sonde.train; load the weights into your modules before you pass them")
    if resolved.config.transfer.freeze not in ("none", 0):
        raise ConfigError("freeze= is for sonde.train; call requires_grad_(False) on the modules that are to be frozen")
    return resolved


def custom_parts(task: Task, data: Any, validation: Any, config: TrainConfig, clock: Clock) -> Assembly:
    """The parts of a run with a custom task and custom data."""
    device, seed = pick_device(config.machine.device), config.machine.seed
    check_precision(config.machine, device)
    getattr(task, "to", task.modules.to)(device)
    with clock.part("data"):
        train = source_of(data, config.feed, device=device, seed=seed, training=True)
        held_back = {}
        if validation is not None:
            feed = FeedConfig(batch_size=max(config.feed.batch_size, EVALUATION_ROWS))
            held_back["validation"] = source_of(validation, feed, device=device, seed=seed, training=False)
    return Assembly(
        dataset=None,
        config=config,
        device=device,
        decision=FeedDecision(kind="resident", why="custom data", bytes=0),
        channels_last=False,
        task=task,
        train=train,
        evaluation_sources=held_back,
        average=EMA(task.modules, config.optim.ema) if config.optim.ema else None,
        clock=clock,
        in_batches=_in_batches(data),
        made_by=_made_by(data),
    )


def _in_batches(data: Any) -> bool:
    """Whether data surely come in batches; what an iterable yields is known only once it is read."""
    listed = isinstance(data, list) and bool(data) and not all(isinstance(part, Tensor | np.ndarray) for part in data)
    return isinstance(data, Source | DataLoader) or (listed and not is_row(data[0]))


def _made_by(data: Any) -> str:
    """What the caller gave that may make batches, in words."""
    if isinstance(data, DataLoader):
        return "the DataLoader"
    name = getattr(data, "__name__", None)  # of a function, or of the generator that one returned
    if name is not None:
        return f"the {'generator' if isinstance(data, Iterator) else 'function'} {name}"
    return f"the {type(data).__name__}"


def source_of(data: Any, config: FeedConfig, *, device: torch.device, seed: int, training: bool) -> Source:
    """A source from whatever holds training data. Raises: ConfigError for what does not."""
    if isinstance(data, Source):
        return data
    if isinstance(data, Tensor | np.ndarray):
        data = {"input": data}
    if isinstance(data, tuple | list) and all(isinstance(part, Tensor | np.ndarray) for part in data):
        data = dict(zip(("input", "target"), data, strict=True))
    if isinstance(data, Mapping):
        named = {name: part if isinstance(part, np.ndarray) else torch.as_tensor(part) for name, part in data.items()}
        return tensor_source(named, config, training=training, seed=seed, device=device)
    workers = config.workers or 0
    if isinstance(data, TorchDataset) and not isinstance(data, IterableDataset) and not is_streaming_set(data):
        data = _loader(data, config.batch_size, workers, seed=seed, training=training)
    if isinstance(data, list | tuple) and data:  # of rows, which are shuffled, or of batches, which are not
        data = _loader(data, config.batch_size, workers, seed=seed, training=training) if is_row(data[0]) else data
        return LoaderSource(data, device=device, seed=seed)
    if isinstance(data, DataLoader):
        return LoaderSource(data, device=device, seed=seed)
    if isinstance(data, Iterable | str) or callable(data):
        _check_iterable(data, training=training)
        return LoaderSource(batches_of(data, batch_size=config.batch_size, workers=workers), device=device, seed=seed)
    raise ConfigError(
        f"cannot train on a {type(data).__name__}; give tensors (inputs, targets), a dict of tensors, a torch Dataset or "
        "DataLoader, an iterable of rows or batches or a function that makes one, or a Source"
    )


def _loader(data: Any, batch_size: int, workers: int, *, seed: int, training: bool) -> DataLoader[Any]:
    generator, rows = torch.Generator().manual_seed(seed), len(data)
    if training and rows > batch_size and rows % batch_size == 1:
        batches = JoinedBatches(RandomSampler(data, generator=generator), batch_size)
        return DataLoader(data, batch_sampler=batches, num_workers=workers, generator=generator)
    return DataLoader(data, batch_size, shuffle=training, num_workers=workers, generator=generator)


def _check_iterable(data: Any, *, training: bool) -> None:
    """Raises: ConfigError for what yields no rows, and an iterator to evaluate on"""
    if isinstance(data, str | bytes | Path | type | nn.Module):
        what = "a path or name; give that to sonde.train" if isinstance(data, str | Path) else "no data"
        raise ConfigError(f"cannot train on {data!r}, which is {what}")
    if not training and isinstance(data, Iterator):
        raise ConfigError(f"validation data are read at every evaluation, and {ONCE}")


def task_of(task: Task | nn.Module, loss: Any, metrics: Any = None, monitor: str | None = None) -> Task:
    """The task itself, or a module and its loss as one.

    monitor: the metric that chooses the best checkpoint, by default the first
    Raises: ConfigError for a module without a loss, no task at all, or a metric that there is not
    """
    if not isinstance(task, nn.Module):
        lacks = [name for name in vars(Task) if not name.startswith("_") and not hasattr(task, name)]
        if lacks:
            what = f"{type(task).__name__} is neither an nn.Module nor a task"
            raise ConfigError(f"{what}: it lacks {', '.join(lacks)} (see sonde.Task)")
        if not isinstance(task.modules, nn.ModuleDict):
            raise ConfigError(
                f"{type(task).__name__}.modules is a {type(task.modules).__name__}; make it an nn.ModuleDict"
            )
        objective = task.objective
        if objective is not None and not isinstance(objective, Objective):
            raise ConfigError(
                f"{type(task).__name__}.objective is {objective!r}; make it sonde.Objective(metric, 'max' or 'min')"
            )
        if monitor is not None and (objective is None or monitor != objective.metric):
            own = "the last checkpoint" if objective is None else f"its own objective, {objective.metric!r}"
            raise ConfigError(
                f"monitor={monitor!r}: {type(task).__name__} is chosen by {own}; set objective = sonde.Objective(…) there"
            )
        return task
    if metrics is not None and not (isinstance(metrics, Mapping) and all(map(callable, metrics.values()))):
        raise ConfigError('metrics takes names and functions: {"accuracy": function(output, target) -> scalar mean}')
    if loss is None:
        raise ConfigError("a plain module needs loss=(output, target) -> scalar mean over the rows")
    if monitor not in (None, "loss", *(metrics or ())):
        known = ", ".join([*(metrics or ()), "loss"])
        raise ConfigError(f"monitor={monitor!r}: there is no such metric; there are {known} (metrics= adds more)")
    return ModuleTask(task, loss, metrics, monitor)


def _hashes(given: Mapping[str, Any]) -> dict[str, str]:
    """Content hashes of what is in memory as tensors or arrays; a Dataset or a loader has none."""
    arrays: dict[str, np.ndarray] = {}
    for split, data in given.items():
        named = dict(enumerate(data)) if isinstance(data, tuple | list) else data if isinstance(data, Mapping) else {}
        arrays |= {
            f"{split} {name}": array_of(part) for name, part in named.items() if isinstance(part, Tensor | np.ndarray)
        }
    return of_arrays(arrays)
