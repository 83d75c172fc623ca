"""A run whose network only the caller's program can build, with the weights it was trained to."""

from typing import Any

import torch

from sonde.core.config_file import read_config
from sonde.core.errors import ConfigError
from sonde.core.run_folder import RunFolder
from sonde.core.schema_file import read_schema
from sonde.core.seams import Task
from sonde.core.value_types import annotations
from sonde.tasks.custom.task import ModuleTask
from sonde.tasks.table import spec


def with_weights(place: RunFolder, model: torch.nn.Module | Task, loss: Any, metrics: Any) -> Task:
    """The task of a run whose network only the caller can build, with the best checkpoint's weights."""
    from sonde.run.resolve import CUSTOM_MODULE
    from sonde.run.resume import FORMER_NAMES, load_best

    settings = read_config(place.config).settings
    name = FORMER_NAMES.get(settings["task"]) or str(settings["task"])
    if settings["model"] != CUSTOM_MODULE:
        raise ConfigError(f"{place.path} builds its network itself ({settings['model']}); leave model= out")
    if not isinstance(model, torch.nn.Module):
        task = model
    elif place.schema.exists():
        from sonde.core.config import replace_leaves
        from sonde.tasks.table import build as build_task

        known = annotations(spec(name).config)
        config = replace_leaves(
            spec(name).config, {each: _as_typed(settings[each]) for each in known if each in settings}
        )
        task = build_task(name, model, read_schema(place).target, config)
    elif name == ModuleTask.__name__:
        from sonde.run.custom import task_of

        task = task_of(model, _no_loss if loss is None else loss, metrics)
    else:
        raise ConfigError(f"{place.path} was trained as task {name}; give model= such a task, not its network alone")
    load_best(place, task, needs_loss=not isinstance(task, ModuleTask) or "loss" in task.modules)
    return task


def _as_typed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _no_loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Stands for the loss that only the training program knows."""
    raise ConfigError(
        "this run was loaded without its loss; give sonde.load(folder, model=…, loss=…, metrics=…) to evaluate it, or repeat the "
        "call that started it to train it further"
    )
