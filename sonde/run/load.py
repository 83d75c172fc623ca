"""Opening a run folder, with the caller's own network where the run has no other."""

from pathlib import Path
from typing import Any

import torch

from sonde.core.config import replace_leaves
from sonde.core.config_file import read_config
from sonde.core.errors import ConfigError
from sonde.core.given_object import an_instance
from sonde.core.run_folder import RunFolder, open_run
from sonde.core.schema_file import read_schema
from sonde.core.seams import Task
from sonde.core.value_types import annotations
from sonde.run.custom import task_of
from sonde.run.keywords import Keywords
from sonde.run.latent import kept_coder
from sonde.run.resolve import CUSTOM_MODULE
from sonde.run.resume import FORMER_NAMES, load_best
from sonde.run.run import Run
from sonde.tasks.custom.task import ModuleTask
from sonde.tasks.table import build as build_task
from sonde.tasks.table import spec


@Keywords()
def load(
    folder: str | Path,
    *,
    model: torch.nn.Module | Task | None = None,
    loss: Any = None,
    metrics: Any = None,
    trust_code: bool = False,
) -> Run:
    """Open a run folder.

    model: for a run of a custom module or task, one built as it was then: it gets the best weights and is put in evaluation mode
    loss, metrics: those of a custom module, as for `sonde.fit`, which `evaluate` needs
    trust_code: run the code of a "file.py:Net" that the folder brings along, also where nobody named it on this machine
    Raises: RunFolderError when there is no run, or its weights do not fit; ConfigError for a run that builds its network itself
    """
    place = open_run(folder)
    if isinstance(model, type):
        raise ConfigError(f"model={model.__name__} is a class; give an instance: model={an_instance(model)}")
    if model is not None and not hasattr(model, "modules"):
        raise ConfigError(f"model= takes the network or task as it was given to the run, not a {type(model).__name__}")
    if (loss is not None or metrics is not None) and not isinstance(model, torch.nn.Module):
        raise ConfigError("loss= and metrics= come with model=, the network of a run of sonde.fit")
    if model is None:
        return Run(place, trust_code=trust_code)
    return Run(place, live_task=_with_weights(place, model, loss, metrics, trust_code=trust_code))


def _with_weights(
    place: RunFolder, model: torch.nn.Module | Task, loss: Any, metrics: Any, *, trust_code: bool
) -> Task:
    """The task of a run whose network only the caller can build, with the best checkpoint's weights."""
    saved = read_config(place.config)
    settings = saved.settings
    name = FORMER_NAMES.get(settings["task"]) or str(settings["task"])
    if settings["model"] != CUSTOM_MODULE:
        raise ConfigError(f"{place.path} builds its network itself ({settings['model']}); leave model= out")
    if not isinstance(model, torch.nn.Module):
        task = model
    elif place.schema.exists():
        known = annotations(spec(name).config)
        given = {each: tuple(v) if isinstance(v := settings[each], list) else v for each in known if each in settings}
        config = replace_leaves(spec(name).config, given)
        schema = read_schema(place)
        coder = kept_coder(place, schema.input, trust_code=trust_code) if spec(name).codes_of else None
        code = None if coder is None else coder.code
        task = build_task(name, model, schema.target, config, input=schema.input, code=code)
    elif name == ModuleTask.__name__:
        trained_by = _no_loss if "loss" in saved.own else None  # else by one that the network returns
        task = task_of(model, trained_by if loss is None else loss, metrics)
    else:
        raise ConfigError(f"{place.path} was trained as task {name}; give model= such a task, not its network alone")
    load_best(place, task, needs_loss=not isinstance(task, ModuleTask) or "loss" in task.modules)
    return task


def _no_loss(output: torch.Tensor, batch: Any) -> torch.Tensor:
    """Stands for the loss that only the training program knows."""
    raise ConfigError(
        "this run was loaded without its loss; give sonde.load(folder, model=…, loss=…, metrics=…) to evaluate it, or repeat the "
        "call that started it to train it further"
    )
