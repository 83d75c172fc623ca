"""A task of several networks that begins from another run's (`--pretrained RUN`): of the same task all, else what both have."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sonde.core.bounds import flag
from sonde.core.config import TrainConfig, flat
from sonde.core.config_file import SavedConfig, read_config
from sonde.core.dataset import Dataset, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.run_folder import open_run
from sonde.core.schema_file import read_schema
from sonde.core.seams import Task
from sonde.core.units import counted
from sonde.engine import checkpoint
from sonde.models.renamed import with_new_names
from sonde.tasks.table import spec, specs

NAMED = 3  # misfits that an error names; the others are counted
NEEDED = ("actor", "observations")  # of another task's parts: without all of these it would not act as that run did
WORDS = {
    "observations": "scaling of observations",
    "unit": "scale of rewards",
}  # of parts, where their names say little
MOST_SETTINGS = 6  # that differ, and are named


def in_parts(task: str) -> bool:
    """Whether a task has networks of its own making around or beside the model, and so begins from a whole run."""
    return spec(task).parts is not None


def begin_from(task: Task, dataset: Dataset, config: TrainConfig, *, fresh: bool) -> list[str]:
    """Copy into a task's modules what the run of `--pretrained` has for them; returns what was and was not taken, a line each.

    fresh: whether the run begins; one that goes on has its weights in its checkpoint
    Raises: ConfigError, RunFolderError for a run that is not there, or does not fit
    """
    where = config.transfer.pretrained
    if where is None or not fresh or not in_parts(config.task):
        return []
    path = Path(where).expanduser()
    if not path.is_dir():
        raise ConfigError(f"--pretrained {where}: --task {config.task} begins from another run: give its folder")
    saved = with_new_names(read_config(path))
    before = _fitting_task(saved, config.task, where)
    _refuse_other_actions(read_schema(open_run(path)).target, dataset.schema.target, where)
    held, _ = checkpoint.read(checkpoint.best_folder(open_run(path).checkpoints))
    same = before == config.task
    theirs, mine = _common(held, before), _common(task.modules.state_dict(keep_vars=True), config.task)
    misfits = _misfits(theirs, mine, all_of_it=same)
    if misfits:
        more = f" and {len(misfits) - NAMED} more" if len(misfits) > NAMED else ""
        told = f"--pretrained: {where} does not fit this network: {'; '.join(misfits[:NAMED])}{more}"
        raise ConfigError(f"{told}; {_remedy(saved, config)}")
    taken = [name for name, there in mine.items() if name in theirs and theirs[name].shape == there.shape]
    with torch.no_grad():
        for name in taken:
            mine[name].copy_(theirs[name])
    return _told(saved, where, mine=mine, theirs=theirs, taken=taken)


def _fitting_task(saved: SavedConfig, task: str, where: str) -> str:
    """That of the run. Raises: ConfigError for one that this task can take nothing from"""
    before = str(saved.settings.get("task"))
    fits = [each.name for each in specs() if each.name == task or _actors(each.name) & _actors(task)]
    if before not in fits:
        raise ConfigError(
            f"--pretrained {where} is a run of task {before}, from which --task {task} takes nothing; give a run of task "
            f"{' or '.join(fits)}"
        )
    return before


def _actors(task: str) -> set[str]:
    """Parts of a task that choose actions, by their common names."""
    return {name.split(".")[0] for name in (spec(task).parts or {}).values()} & {NEEDED[0]}


def _refuse_other_actions(before: TargetSpec, now: TargetSpec, where: str) -> None:
    """Raises: ConfigError where an answer of the network meant another action"""
    if len(before.names) != len(now.names) or before.shape != now.shape:
        theirs, ours = (counted(len(each.names), "action", "actions") for each in (before, now))
        raise ConfigError(
            f"--pretrained {where} chose among {theirs}, and here are {ours}; give a run with the same actions"
        )
    if (before.names, before.mean, before.std) != (now.names, now.mean, now.std):
        raise ConfigError(
            f"--pretrained {where} has other actions than these (their names or bounds differ); give a run with the same actions"
        )


def _common(tensors: Mapping[str, Tensor], task: str) -> dict[str, Tensor]:
    """Tensors by the names that tasks share; those of parts that no other task has keep theirs."""
    parts = spec(task).parts or {}
    return {_common_name(name, parts): value for name, value in tensors.items()}


def _common_name(name: str, parts: Mapping[str, str]) -> str:
    """
    >>> _common_name("torso.norm.mean", {"torso.norm": "observations"}), _common_name("critic.head.bias", {})
    ('observations.mean', 'critic.head.bias')
    """
    for own, common in parts.items():
        if name.startswith(f"{own}."):
            return common + name[len(own) :]
    return name


def _misfits(theirs: Mapping[str, Tensor], mine: Mapping[str, Tensor], *, all_of_it: bool) -> list[str]:
    """What stands in the way, in words. all_of_it: whether all must fit, or only what acts"""

    def needed(name: str) -> bool:
        return all_of_it or name.split(".")[0] in NEEDED

    found = [f"{name} is not in this network" for name in theirs if needed(name) and name not in mine]
    for name, there in mine.items():
        if not needed(name):
            continue
        if name not in theirs:
            found.append(f"{name} is missing")
        elif theirs[name].shape != there.shape:
            found.append(f"{name} has shape {_shape(theirs[name])} in the run and {_shape(there)} in this network")
    return found


def _remedy(saved: SavedConfig, config: TrainConfig) -> str:
    """What makes it fit: the settings of the run that are others here, or where there are none another run."""
    now = {name: value for name, value in flat(config).items() if name in _of_networks(config)}
    was = saved.settings
    if was.get("model") != config.model:
        return f"give --model {was.get('model')}, which that run has"
    differ = [name for name in now if name in was and _plain(was[name]) != _plain(now[name])]
    if not differ or len(differ) > MOST_SETTINGS:
        return "give a run of the same settings and of an environment with observations of these shapes"
    told = ", ".join(f"{_typed(name, was[name])} (here {_plain(now[name])})" for name in differ)
    return f"that run has {told}: give the same, and an environment with observations of the same shape"


def _of_networks(config: TrainConfig) -> set[str]:
    """Settings of the network and of the task, some of which give tensors their shapes."""
    return {*vars(config.model_config), *vars(config.task_config)}


def _typed(name: str, value: Any) -> str:
    """
    >>> _typed("share_layers", False), _typed("hidden", [64, 32])
    ('--no-share-layers', '--hidden 64 32')
    """
    if isinstance(value, bool):
        return flag(name if value else f"no_{name}")
    return f"{flag(name)} {_plain(value)}"


def _plain(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _told(
    saved: SavedConfig, where: str, *, mine: Mapping[str, Tensor], theirs: Mapping[str, Tensor], taken: list[str]
) -> list[str]:
    of = f"{saved.settings.get('task')} on {saved.data}" if saved.data else str(saved.settings.get("task"))
    parts = _parts(taken)
    lines = [f"weights of {where} ({of}): {', '.join(parts)} ({len(taken)} tensors)"]
    drawn = [name for name in _parts(mine) if name not in parts]
    left = [name for name in _parts(theirs) if name not in parts]
    if drawn:
        lines.append(f"{' and '.join(drawn)} as in a new run: that run has none that fits")
    if left:
        lines.append(f"{' and '.join(left)} of that run not taken")
    lines.append("optimiser, exploration and experience begin anew")
    return lines


def _parts(names: Iterable[str]) -> list[str]:
    parts = dict.fromkeys(name.split(".")[0] for name in names)
    return [WORDS.get(part, part) for part in parts]


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a number"
