"""Jobs with a custom task or module and custom data: the same stages, and the same kind of run folder."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset, RandomSampler
from torch.utils.data import Dataset as TorchDataset

from sonde.core.config import FeedConfig, TrainConfig
from sonde.core.errors import ConfigError, DataError
from sonde.core.given_object import an_instance
from sonde.core.nested import leaves
from sonde.core.overrides import from_keywords
from sonde.core.run_folder import RunFolder
from sonde.core.seams import Objective, Source, Task
from sonde.core.value_types import in_short
from sonde.data.feed.decide import FeedDecision
from sonde.data.feed.fields import in_memory
from sonde.data.feed.given_arrays import with_plain_arrays
from sonde.data.feed.held_back import held_back, part_of_fields, part_of_rows
from sonde.data.feed.iterables import JoinedBatches, batches_of, collated, is_row, is_streaming_set
from sonde.data.feed.loader import ONCE, LoaderSource
from sonde.data.feed.tensors import tensor_source
from sonde.engine.clock import Clock
from sonde.engine.plan import pick_device
from sonde.engine.precision import check_precision
from sonde.engine.stages import fixed_epochs, fixed_length
from sonde.metrics.directions import higher_is_better
from sonde.optim.ema import EMA
from sonde.run.build import EVALUATION_ROWS, Assembly
from sonde.run.callers_code import Code, code_of_data
from sonde.run.choose import Recipe
from sonde.run.given_rows import class_names, fingerprints
from sonde.run.given_splits import given_splits
from sonde.run.initialise import initialise, refuse_meta
from sonde.run.job import Job
from sonde.run.keywords import in_keywords
from sonde.run.lengths import check_length, check_stages, requested_epochs
from sonde.run.loggers.table import check_installed
from sonde.run.memory import room_for
from sonde.run.no_data import check_iterable, no_data
from sonde.run.resolve import CUSTOM_MODULE, Resolved, resolve
from sonde.run.split_checks import data_findings
from sonde.screen.screen import Screen
from sonde.tasks.custom.metrics import checked_mode
from sonde.tasks.custom.mistakes import check_module, check_task
from sonde.tasks.custom.task import ModuleTask


def custom_job(
    task: Task,
    data: Any,
    validation: Any,
    settings: Mapping[str, Any],
    *,
    name: str,
    test: Any = None,
    code: Code | None = None,
    begun: float | None = None,
) -> Job:
    """The job of training `task` on whatever holds training data.

    data: also a dict of splits (`given_splits`)
    validation: data too, or the share of rows in memory to keep for it;  test: evaluated once, at the end
    name: of the run folder;  code: of what the caller handed over (`run/callers_code.code_of`);  begun: see `Clock`
    Raises: SondeError subclasses
    """
    splits = given_splits(data, validation, test)
    doubles = floats_of(task.modules) is torch.float64
    data, validation, test = (
        part if isinstance(part, Source) else with_plain_arrays(part, split, doubles=doubles)
        for split, part in (("training", splits.train), ("validation", splits.validation), ("test", splits.test))
    )
    clock, resolved = Clock(begun=begun), settings_of(task, settings)
    check_installed(resolved.config.place.logs)
    if resolved.config.place.out is not None:  # a folder that cannot be used is refused before the data are read
        RunFolder(Path(resolved.config.place.out)).state()

    def build(config: TrainConfig, fresh: bool) -> Assembly:
        if isinstance(data, Iterator) and (epochs := requested_epochs(config.loop) or 1) > 1:
            raise ConfigError(f"{epochs:g} epochs are {epochs:g} passes over the data, and {ONCE}; or give epochs=1")
        parts = custom_parts(task, data, validation, config, clock, test=test, typed=settings)
        check_length(config, parts.train)  # what is refused leaves no folder behind
        check_stages(task.phases, config.loop, parts.train)
        return replace(parts, notes=(splits.said, *parts.notes)) if splits.said else parts

    with clock.part("data"):
        prints = fingerprints({"train": data, "validation": validation, "test": test})
    left = [f"left out the split {name}, which is none of train, validation and test" for name in splits.left_out]
    about = {"source": type(data).__name__, "form": "custom data", "facts": [], "warnings": left, "fingerprint": prints}
    return Job(
        resolved=resolved,
        given=from_keywords(settings).values,
        about={
            **about,
            "code": {**(code or {}), **code_of_data({"training": data, "validation": validation})} if code else {},
        },
        build=build,
        name=(CUSTOM_MODULE, name),
        own=task.own_names if isinstance(task, ModuleTask) else {},
        found=data_findings(left),
        screen=Screen(quiet=bool(settings.get("quiet", False)), spelling=in_keywords),
    )


def settings_of(task: Task, settings: Mapping[str, Any]) -> Resolved:
    """The settings of a custom task. Raises: ConfigError for an unknown one, or one that is not for such tasks."""
    steps, epochs, lengths = fixed_length(task.phases), fixed_epochs(task.phases), ("epochs", "steps")
    advice = {}
    if epochs is not None and all(settings.get(name) is None for name in lengths):
        advice = {"epochs": (epochs, "all stages of the task together")}
    if steps is not None and all(settings.get(name) is None for name in lengths):
        advice = {"steps": (steps, "all stages of the task together")}
    recipe = Recipe(task=type(task).__name__, model=CUSTOM_MODULE, settings=advice)
    resolved = resolve(from_keywords(settings), recipe, custom_task=True)
    if resolved.config.transfer.pretrained is not None:
        raise ConfigError("pretrained= is for sonde.train; load the weights into your modules before you pass them")
    if resolved.config.transfer.freeze not in ("none", 0):
        raise ConfigError("freeze= is for sonde.train; call requires_grad_(False) on the modules that are to be frozen")
    return resolved


def custom_parts(
    task: Task,
    data: Any,
    validation: Any,
    config: TrainConfig,
    clock: Clock,
    *,
    test: Any = None,
    typed: Mapping[str, Any] | None = None,
) -> Assembly:
    """The parts of a run with a custom task and custom data.

    typed: the settings that the caller chose. A batch size that nobody did is at most the number of rows
    """
    refuse_meta(task.modules)
    device, seed = pick_device(config.machine.device), config.machine.seed
    check_precision(config.machine, device, task.modules)
    with room_for(f"moving the network to {device}", "give a smaller one, or --device cpu"):
        getattr(task, "to", task.modules.to)(device)
    if isinstance(test, int | float):
        raise ConfigError(
            f"test={test} is a share, and a test set is data of its own; give test=(inputs, targets) or alike"
        )
    if isinstance(task, ModuleTask):
        task.accumulates = config.feed.accumulate > 1
        task.metrics.class_names = class_names(data)
    floats, notes, numbers = floats_of(task.modules), [], (None, None)
    if not isinstance(data, Source):
        data = with_plain_arrays(data, doubles=floats is torch.float64)
    with clock.part("data"):
        if isinstance(validation, bool | int | float):
            data, validation, note, numbers = _split(data, float(validation), seed=seed)
            notes.append(note)
        if "batch_size" not in (typed or {}):
            config = replace(config, feed=_at_most(config.feed, data))
        drawn = replace(config.feed, balanced=False)  # which is refused once the parts are there
        kept, taken = numbers
        train = source_of(data, drawn, device=device, seed=seed, training=True, floats=floats, numbers=kept)
        feed = FeedConfig(batch_size=max(config.feed.batch_size, EVALUATION_ROWS))
        held_back = {
            split: source_of(
                part, feed, device=device, seed=seed, training=False, floats=floats, what=split, numbers=of
            )
            for split, part, of in (("validation", validation, taken), ("test", test, None))
            if part is not None
        }
        initialise(task, train)
    monitored, mode, chosen = config.loop.monitor, config.loop.mode, None
    if task.objective is None and monitored is not None:
        chosen = Objective(monitored, checked_mode(monitored, higher_is_better(monitored), mode, declared=False))
    return Assembly(
        dataset=None,
        monitored=chosen,
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
        notes=tuple(notes),
    )


def _at_most(feed: FeedConfig, data: Any) -> FeedConfig:
    """The feed with a batch of no more rows than data in memory have."""
    fields = None if isinstance(data, Source | str | bytes) else in_memory(data)
    rows = {len(leaf) for field in (fields or {}).values() for _, leaf in leaves(field) if getattr(leaf, "ndim", 1)}
    return replace(feed, batch_size=min(feed.batch_size, *rows)) if rows and min(rows) > 0 else feed


def floats_of(modules: nn.Module) -> torch.dtype:
    """What float64 data become: they stay where all of the networks' own numbers are of that precision."""
    found = {weight.dtype for weight in modules.parameters() if weight.is_floating_point() or weight.is_complex()}
    return torch.float64 if found and found <= {torch.float64, torch.complex128} else torch.float32


def _split(data: Any, share: float, *, seed: int) -> tuple[Any, Any, str, tuple[Tensor | None, Tensor | None]]:
    """(training data, validation data, what was kept in words, the numbers of both's rows where they are in memory).

    Raises: ConfigError where rows cannot be told apart
    """
    fields = None if isinstance(data, Source | str | bytes) else in_memory(data)
    sized = isinstance(data, list | tuple) and bool(data) and is_row(data[0])
    if fields is not None:
        rows = max((len(leaf) for field in fields.values() for _, leaf in leaves(field)), default=0)
        tensor_source(fields, FeedConfig(), training=False, seed=seed, device=torch.device("cpu"))  # which checks them
    elif sized or _by_number(data):
        rows = len(data)  # type: ignore[arg-type]
    else:
        raise ConfigError(
            f"validation={share:g} keeps rows of data in memory or of a map-style Dataset, and {_made_by(data)} yields them one "
            "after the other; give validation data of their own"
        )
    kept, taken = held_back(rows, share, seed)
    note = f"{len(taken):,} of the {rows:,} training rows kept for validation (random)"
    if fields is None:
        return part_of_rows(data, kept), part_of_rows(data, taken), note, (None, None)
    return part_of_fields(fields, kept), part_of_fields(fields, taken), note, (kept, taken)


def _by_number(data: Any) -> bool:
    """Whether rows are read by their number: a map-style set of torch's, or what is like one."""
    if isinstance(
        data, IterableDataset | Mapping | Sequence | Source | DataLoader | nn.Module | type
    ) or is_streaming_set(data):
        return False
    return isinstance(data, TorchDataset) or (hasattr(data, "__getitem__") and isinstance(data, Sized))


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


def source_of(
    data: Any,
    config: FeedConfig,
    *,
    device: torch.device,
    seed: int,
    training: bool,
    floats: torch.dtype = torch.float32,
    what: str = "training",
    numbers: Tensor | None = None,
) -> Source:
    """A source from whatever holds training data.

    floats: what float64 becomes;  what: the data are for, in words;  numbers: of their rows, where they are a part of others
    Raises: ConfigError for what holds none, DataError for data without a row
    """
    if isinstance(data, Source):
        return data
    with suppress(TypeError):  # of a DataLoader whose set does not tell
        if isinstance(data, Sized) and not isinstance(data, Mapping | str | bytes) and not len(data):
            raise DataError(f"the {what} data hold no rows; give at least one")
    if not isinstance(data, str | bytes) and (fields := in_memory(data)) is not None:
        if any(len(leaf) == 0 for field in fields.values() for _, leaf in leaves(field) if getattr(leaf, "ndim", 1)):
            raise DataError(f"the {what} data hold no rows; give at least one")
        return tensor_source(
            fields, config, training=training, seed=seed, device=device, floats=floats, numbers=numbers
        )
    workers = config.workers or 0
    rows = isinstance(data, list | tuple) and is_row(data[0])
    if rows or _by_number(data):  # of a list of rows, which are shuffled; one of batches is not
        data = _loader(data, config.batch_size, workers, seed=seed, training=training)
    if isinstance(data, list | tuple | DataLoader):
        return LoaderSource(data, device=device, seed=seed, floats=floats)
    if isinstance(data, Iterable | str) or callable(data):
        check_iterable(data, what=what)
        batches = batches_of(data, batch_size=config.batch_size, workers=workers)
        return LoaderSource(batches, device=device, seed=seed, floats=floats)
    raise no_data(data, what)


def _loader(data: Any, batch_size: int, workers: int, *, seed: int, training: bool) -> DataLoader[Any]:
    generator, rows = torch.Generator().manual_seed(seed), len(data)
    common: dict[str, Any] = {"num_workers": workers, "generator": generator, "collate_fn": collated}
    if training and rows > batch_size and rows % batch_size == 1:
        batches = JoinedBatches(RandomSampler(data, generator=generator), batch_size)
        return DataLoader(data, batch_sampler=batches, **common)
    return DataLoader(data, batch_size, shuffle=training, **common)


def task_of(
    task: Task | nn.Module, loss: Any, metrics: Any = None, monitor: str | None = None, mode: str | None = None
) -> Task:
    """The task itself, or a module and its loss as one.

    monitor, mode: the metric that chooses the best checkpoint, and which of its values are best; else the metrics say
    Raises: ConfigError for a module without a loss, no task at all, or what is no metric
    """
    if isinstance(task, type):
        raise ConfigError(f"{task.__name__} is a class; give an instance, such as {an_instance(task)}")
    if not isinstance(task, nn.Module):
        lacks = [
            name  # of the class, where it is there, so that nothing is computed before it is checked
            for name in vars(Task)
            if not name.startswith("_") and not hasattr(type(task), name) and not hasattr(task, name)
        ]
        if lacks:
            what = f"{type(task).__name__} is neither an nn.Module nor a task"
            raise ConfigError(f"{what}: it lacks {', '.join(lacks)} (see sonde.Task)")
        if not isinstance(task.modules, nn.ModuleDict):
            raise ConfigError(
                f"{type(task).__name__}.modules is a {type(task.modules).__name__}; make it an nn.ModuleDict"
            )
        check_task(task)
        _refuse_another_choice(task, loss, metrics, monitor, mode)
        return task
    check_module(task)
    _check_loss(loss)
    return ModuleTask(task, loss, metrics, monitor, mode)


def _refuse_another_choice(task: Task, loss: Any, metrics: Any, monitor: str | None, mode: str | None) -> None:
    """Raises: ConfigError for metrics, and another loss or choice of the best checkpoint, beside a task that has its own"""
    name, own = type(task).__name__, task.objective
    if own is not None and not isinstance(own, Objective):
        raise ConfigError(f"{name}.objective is {in_short(own)}; make it sonde.Objective(metric, 'max' or 'min')")
    if loss is not None:
        raise ConfigError(f"loss= is for a plain module: {name} has its own in its phases; leave it out")
    if metrics is not None:
        raise ConfigError(f"metrics= is for a plain module: {name} reports what its meter computes; add them there")
    if monitor is not None and own is not None and monitor != own.metric:
        raise ConfigError(
            f"monitor={monitor!r}: {name} is chosen by its own objective, {own.metric!r}; set objective = sonde.Objective(…) "
            "there"
        )
    if mode is not None and own is not None and mode != own.mode:
        raise ConfigError(f"mode={mode!r}: {name} has the objective {own.metric!r}, {own.mode!r}; change it there")


LOSSES = {
    "mae": "l1_loss", "bce": "binary_cross_entropy_with_logits", "crossentropy": "cross_entropy", "ce": "cross_entropy",
    "cross-entropy": "cross_entropy", "categorical_crossentropy": "cross_entropy", "huber": "huber_loss",
    "sparse_categorical_crossentropy": "cross_entropy", "binary_crossentropy": "binary_cross_entropy_with_logits",
    "mean_squared_error": "mse_loss", "mean_absolute_error": "l1_loss",
    "CrossEntropyLoss": "cross_entropy", "MSELoss": "mse_loss",
}  # fmt: skip
"""What other libraries call a loss -> torch's function."""


def _check_loss(loss: Any) -> None:
    """Raises: ConfigError for what is no function, such as a path or a class that was not called"""
    if isinstance(loss, type):
        raise ConfigError(f"loss={loss.__name__} is a class; give an instance, such as {an_instance(loss)}")
    if isinstance(loss, str):
        found = LOSSES.get(loss, loss)
        known = nn.functional.__dict__.get(found) or nn.functional.__dict__.get(f"{found}_loss")
        if callable(known):
            raise ConfigError(f"loss={loss!r} is a name; give the function torch.nn.functional.{known.__name__}")
    if loss is not None and not callable(loss):
        raise ConfigError(
            f"loss={loss!r} is a {type(loss).__name__}; give a function (output, target) -> scalar mean over the rows"
        )
