"""A researcher's own task, module and data through the same loop and into the same kind of run folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset
from torch.utils.data import Dataset as TorchDataset

from sonde.core.config import GROUPS, FeedConfig, TrainConfig, flat, leaves, replace_leaves
from sonde.core.config_file import write_config
from sonde.core.errors import ConfigError, unknown
from sonde.core.files import write_json
from sonde.core.run_folder import RunFolder, fresh_path
from sonde.core.seams import Source, Task
from sonde.data.feed.decide import FeedDecision
from sonde.data.feed.loader import LoaderSource
from sonde.data.feed.tensors import tensor_source
from sonde.data.fingerprint import of_arrays
from sonde.engine.clock import Clock
from sonde.engine.plan import pick_device
from sonde.engine.precision import check_precision
from sonde.environment import describe
from sonde.faults import room_in
from sonde.optim.average import Average
from sonde.planning import refuse_idle
from sonde.recipes.build import EVALUATION_ROWS, Assembly
from sonde.recipes.resolve import OWN_MODULE
from sonde.resuming import (
    asks_for_more,
    begin_in,
    kept_length,
    load_best,
    remember,
    same_data,
    same_settings,
    saved_state,
)
from sonde.run import Run
from sonde.screen.screen import Screen
from sonde.session import Session, carry_out
from sonde.tasks.plain import PlainTask


def config_of(settings: Mapping[str, Any], *, model: str, task: str) -> TrainConfig:
    """A config from flat settings. Raises: ConfigError for an unknown one."""
    groups = dict(leaves())
    for name in settings:
        if name not in groups:
            raise unknown("setting", name, groups)
    built = {
        group: replace_leaves(kind, {n: v for n, v in settings.items() if groups[n] == group})
        for group, kind in GROUPS.items()
    }
    return TrainConfig(model=model, task=task, **built)


def build_own(task: Task, data: Any, *, validation: Any, settings: Mapping[str, Any]) -> Assembly:
    """The parts of a run whose task and data are the researcher's."""
    config = config_of(settings, model=OWN_MODULE, task=type(task).__name__)
    _refuse_transfer(config)
    device = pick_device(config.machine.device)
    check_precision(config.machine, device)
    task.modules.to(device)
    judging = FeedConfig(batch_size=max(config.feed.batch_size, EVALUATION_ROWS))
    judged = {}
    if validation is not None:
        judged["validation"] = source_of(validation, judging, device=device, seed=config.machine.seed, training=False)
    return Assembly(
        dataset=None,
        config=config,
        device=device,
        decision=FeedDecision(kind="resident", why="data of your own", bytes=0),
        channels_last=False,
        task=task,
        train=source_of(data, config.feed, device=device, seed=config.machine.seed, training=True),
        judged=judged,
        average=Average(task.modules, config.optim.ema) if config.optim.ema else None,
        clock=Clock(),
    )


def _refuse_transfer(config: TrainConfig) -> None:
    """Raises: ConfigError for what only a program that knows the task's modules can do."""
    if config.transfer.pretrained is not None:
        raise ConfigError(
            "pretrained= is for sonde.train; load the weights into your own modules before you hand them over"
        )
    if config.transfer.freeze not in ("none", 0):
        raise ConfigError(
            "freeze= is for sonde.train; call requires_grad_(False) on the parts of your own that are to stay"
        )


def source_of(data: Any, config: FeedConfig, *, device: torch.device, seed: int, training: bool) -> Source:
    """A source from whatever holds training data. Raises: ConfigError for what cannot."""
    if isinstance(data, Source):
        return data
    if isinstance(data, tuple | list) and all(isinstance(part, Tensor | np.ndarray) for part in data):
        named: dict[str, Tensor] = {
            name: torch.as_tensor(part) for name, part in zip(("input", "target"), data, strict=True)
        }
        return tensor_source(named, config, training=training, seed=seed, device=device)
    if isinstance(data, Mapping):
        named = {name: torch.as_tensor(part) for name, part in data.items()}
        return tensor_source(named, config, training=training, seed=seed, device=device)
    if isinstance(data, DataLoader):
        return LoaderSource(data, device=device, seed=seed)
    if isinstance(data, TorchDataset):
        workers = config.workers or 0
        if isinstance(data, IterableDataset):
            return LoaderSource(DataLoader(data, config.batch_size, num_workers=workers), device=device, seed=seed)
        generator = torch.Generator().manual_seed(seed)
        loader = DataLoader(data, config.batch_size, shuffle=training, num_workers=workers, generator=generator)
        return LoaderSource(loader, device=device, seed=seed)
    raise ConfigError(
        f"cannot train on a {type(data).__name__}; give tensors (inputs, targets), a dict of tensors, a torch Dataset or "
        "DataLoader, or a Source"
    )


def task_of(task: Task | nn.Module, loss: Any, metrics: Any = None) -> Task:
    """The task itself, or a module and its loss as one. Raises: ConfigError for a module without a loss, or no task at all."""
    if not isinstance(task, nn.Module):
        lacks = [name for name in vars(Task) if not name.startswith("_") and not hasattr(task, name)]
        if lacks:
            what = f"{type(task).__name__} is neither an nn.Module nor a task"
            raise ConfigError(f"{what}: it lacks {', '.join(lacks)} (see sonde.core.seams.Task)")
        return task
    if loss is None:
        raise ConfigError("a plain module needs loss=(output, target) -> scalar mean over the rows")
    return PlainTask(task, loss, metrics)


def fit_own(
    task: Task | nn.Module,
    train: Any,
    *,
    validation: Any,
    loss: Any,
    metrics: Any,
    settings: Mapping[str, Any],
) -> Run:
    """Train and write a run folder. Raises: SondeError subclasses."""
    whole = task_of(task, loss, metrics)
    screen = Screen(quiet=bool(settings.get("quiet", False)))
    assembly = build_own(whole, train, validation=validation, settings=settings)
    config, hashes = assembly.config, _hashes({"train": train, "validation": validation})
    folder = RunFolder(Path(config.place.out) if config.place.out else fresh_path("own", type(task).__name__.lower()))
    with folder.claimed(), room_in(folder):
        state = begin_in(folder, fresh=config.place.fresh)
        if state != "new":
            same_settings(folder, config)
            same_data(folder, hashes)
            config = kept_length(folder, config, settings)
            assembly.config = config
        if state == "finished" and not asks_for_more(folder, config.loop):
            screen.say(f"{folder.path} holds this very run, finished; give epochs=N to train it further, or fresh=True")
            load_best(folder, whole)
            return Run(folder, live_task=whole)
        saved = None if state == "new" else saved_state(folder, config.loop, say=screen.say)
        if saved is None:
            folder.clear()
            _write_start(folder, assembly, train, settings, hashes)
        else:
            refuse_idle(assembly, saved, folder)
            remember(folder, config, dict.fromkeys(settings, "typed"))
            folder.result.unlink(missing_ok=True)
        session = Session(assembly=assembly, folder=folder, screen=screen)
        screen.result(carry_out(session, saved=saved))
        screen.findings([finding.as_dict() for finding in session.findings])
        screen.next([f"open {folder.report}"])
    return Run(folder, live_task=whole)


def _hashes(given: Mapping[str, Any]) -> dict[str, str]:
    """Content hashes of what is in memory as tensors or arrays; a Dataset or a loader cannot be asked for one."""
    arrays: dict[str, np.ndarray] = {}
    for split, data in given.items():
        named = dict(enumerate(data)) if isinstance(data, tuple | list) else data if isinstance(data, Mapping) else {}
        arrays |= {
            f"{split} {name}": torch.as_tensor(part).detach().cpu().numpy()
            for name, part in named.items()
            if isinstance(part, Tensor | np.ndarray)
        }
    return of_arrays(arrays)


def _write_start(
    folder: RunFolder, assembly: Assembly, train: Any, settings: Mapping[str, Any], hashes: Mapping[str, str]
) -> None:
    origin = {name: "typed" if name in settings else "default" for name, _ in leaves()}
    content = {"model": OWN_MODULE, "task": assembly.config.task, **flat(assembly.config)}
    content.pop("model_config", None)
    content.pop("task_config", None)
    write_config(folder.config, data=type(train).__name__, settings=content, origin=origin, reasons={})
    about = {"source": type(train).__name__, "form": "data of your own", "facts": [], "warnings": []}
    write_json(folder.data, {**about, "fingerprint": dict(hashes)})
    write_json(folder.env, describe(assembly.device))
