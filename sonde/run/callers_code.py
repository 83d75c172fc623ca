"""What a run was trained by, of the caller's own code: written down when it begins, compared when its folder is used again."""

import functools
import types
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader, IterableDataset

from sonde.core.code_hash import (
    PYTHON,
    attributes_that_change,
    fingerprint,
    is_installed,
    is_open,
    is_plain,
    name_of,
    settings_read,
    without_addresses,
)
from sonde.core.damaged import part, read_object, reading
from sonde.core.errors import RunFolderError
from sonde.core.files import write_json
from sonde.core.findings import Finding
from sonde.core.run_folder import RunFolder
from sonde.core.seams import Phase, Stage, Task, parameters_of

METRIC = "metric "  # what names of parts begin with that are metrics
OBSERVER = "observer "  # and that are observers, which may come and go
MOST_VALUES = 100_000  # of a tensor that a function refers to, to be compared by its content
FUNCTIONS = (types.FunctionType, functools.partial, type)
MOST_TEXT = 20_000  # characters of a network's description that are kept, to name a layer that changed

_OF_TORCH = frozenset(vars(nn.Module())) | {"training"}  # attributes that are no settings
_OF_A_TASK = frozenset({"modules", "phases", "objective", "abilities"})  # compared by themselves, or made from the rest
_PHASE_SETTINGS = ("every", "optimizer", "schedule", "clip", "clip_value", "stage")
PHASE, DATA = "phase ", "data: "  # of phases and what makes batches, of which earlier versions' folders say nothing

FROZEN = "frozen: "  # begins the last line of a network's description

Code = dict[str, Any]
"""What data.json says: "python", and part -> {"name", "hash", and of networks "text"}."""


def code_of(
    task: Task | nn.Module | None = None,
    *,
    loss: Any = None,
    metrics: Any = None,
    settings: Mapping[str, Any] | None = None,
    observers: Iterable[Any] = (),
) -> Code:
    """The caller's code in a call of `sonde.fit` or `sonde.train`.

    task: a task, or a network alone, or neither;  settings: of which those that are objects count: optimizer and schedule
    """
    parts: dict[str, Any] = {}
    if isinstance(task, nn.Module):
        parts["network"] = task
    elif task is not None:
        parts |= {f"network {name}": module for name, module in task.modules.items()}
    if loss is not None:
        parts["loss"] = loss
    listed = metrics if isinstance(metrics, list | tuple) else [] if metrics is None else [metrics]
    named = metrics if isinstance(metrics, Mapping) else {_called_in_full(each): each for each in listed}
    parts |= {f"{METRIC}{name}": metric for name, metric in named.items()}
    given = settings or {}
    parts |= {name: given[name] for name in ("optimizer", "schedule") if not is_plain(given.get(name))}
    parts |= {f"{OBSERVER}{name_of(each)}": each for each in observers}
    code: Code = {"python": PYTHON} | {name: _entry(part) for name, part in parts.items()}
    if task is not None and not isinstance(task, nn.Module):
        hashed = fingerprint((type(task), task.objective, _settings(task)), describe=_described)
        code |= {f"{PHASE}{phase.name}": _phase(phase, task) for phase in task.phases}
        code["task"] = {"name": type(task).__qualname__.rpartition("<locals>.")[2], "hash": hashed}
    return code if len(code) > 1 else {}


def code_of_data(given: Mapping[str, Any]) -> Code:
    """The caller's code that makes batches: functions, IterableDatasets, what collates; rows themselves are compared elsewhere.

    given: use of the data, such as "training" -> the data
    """
    parts: dict[str, Any] = {}
    for use, data in given.items():
        made = data.dataset if isinstance(data, DataLoader) else data
        if isinstance(made, (*FUNCTIONS, types.MethodType, IterableDataset)):
            parts[f"{DATA}{use} data"] = made
        if isinstance(data, DataLoader) and data.collate_fn is not None:
            parts[f"{DATA}{use} collate_fn"] = data.collate_fn
    return {name: _entry(part) for name, part in parts.items()}


def _called_in_full(metric: Any) -> str:
    return metric if isinstance(metric, str) else getattr(metric, "name", None) or name_of(metric)


def _entry(part: Any) -> dict[str, str]:
    name = part if isinstance(part, str) else name_of(part)
    entry = {"name": name, "hash": fingerprint(part, describe=_described)}
    if captured := getattr(getattr(part, "__code__", None), "co_freevars", ()):
        entry["captures"] = ", ".join(captured)
    if isinstance(part, nn.Module):
        frozen = [name for name, weight in part.named_parameters() if not weight.requires_grad]
        text = without_addresses(repr(part))[:MOST_TEXT]
        entry["text"] = f"{text}\n{FROZEN}{', '.join(frozen)}"[: 2 * MOST_TEXT] if frozen else text
    return entry


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between the code of two calls, such as "another loss (mse_loss then, l1_loss now)".

    Nothing where one of them says nothing of its code, as folders of earlier versions do.
    """
    if not before or not now:
        return []
    same_python = before.get("python") == now.get("python")
    old, new = _parts(before), _parts(now)
    found = []
    known = any(name.startswith(PHASE) for name in old)  # earlier versions say nothing of phases
    for name in [*new, *(name for name in old if name not in new)]:
        if name.startswith((METRIC, OBSERVER)) and (name in old) != (name in new):
            continue  # metrics are told together
        if (name.startswith(PHASE) and not known) or (name.startswith(DATA) and not (name in old and name in new)):
            continue
        then, there = old.get(name), new.get(name)
        if then is None or there is None:
            how = f"none then, {_called(there['name'])} now" if there else f"{_called(then['name'])} then, none now"  # type: ignore[index]
        else:
            how = _how(then, there, same_python=same_python)
        if how is not None:
            found.append(f"another {name.removeprefix(DATA)} ({how})")
    measured = [[name.removeprefix(METRIC) for name in each if name.startswith(METRIC)] for each in (old, new)]
    if set(measured[0]) != set(measured[1]):
        then_now = [", ".join(names) or "none" for names in measured]
        found.append(f"other metrics ({then_now[0]} then, {then_now[1]} now)")
    return found


def _parts(code: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    return {name: entry for name, entry in code.items() if name not in ("python", "file")}


def _how(old: Mapping[str, str], new: Mapping[str, str], *, same_python: bool) -> str | None:
    """How a part differs: by name, by the first layer that is another, or only in its code."""
    if old["name"] != new["name"]:
        return f"{_called(old['name'])} then, {_called(new['name'])} now"
    then, now = old.get("text", "").splitlines(), new.get("text", "").splitlines()
    for one, other in zip(then, now, strict=False):
        if one != other:
            return f"{one.strip()} then, {other.strip()} now"
    if (told := [line[-1] if line and line[-1].startswith(FROZEN) else "" for line in (then, now)]) != ["", ""]:
        if told[0] != told[1]:
            return f"{told[0] or 'nothing frozen'} then, {told[1] or 'nothing frozen'} now"
    elif len(then) != len(now):
        return f"{new['name']}, {len(then)} lines of layers then, {len(now)} now"
    if same_python and old["hash"] != new["hash"]:
        captured = ", or a value it captures," if "captures" in new else ""
        return f"the code of {_called(new['name'])}{captured} has changed"
    return None


def _called(name: str) -> str:
    return "a lambda" if name == "<lambda>" else name


def refuse_changed(folder: RunFolder, changed: Iterable[str]) -> None:
    """Raises: RunFolderError naming what is another than in the finished run of a folder"""
    found = [each for each in changed if not each.startswith(f"another {OBSERVER}")]
    if found:
        raise RunFolderError(
            f"{folder.path} holds a run of {' and '.join(found)}; fresh=True starts over, or give another out="
        )


def changed_since(folder: RunFolder, now: Mapping[str, Any]) -> list[str]:
    """What is another than when the folder's run was begun, or last gone on with."""
    about = read_object(folder.data, run=folder.path)
    with reading(folder.data, run=folder.path):
        return changes(part(about, "code", folder.data, run=folder.path), now)


def changed_findings(changed: Iterable[str], *, step: int) -> list[Finding]:
    """That a run goes on by other code than it began with."""
    found = list(changed)
    if not found:
        return []
    return [
        Finding(
            check="code changed",
            name="code-changed",
            severity="warning",
            evidence=f"from here on {' and '.join(found)}; the steps before were taken by the code as it was",
            action="put the code back, or start over with fresh=True",
            step=step,
        )
    ]


def remember_code(folder: RunFolder, now: Mapping[str, Any], data: Mapping[str, str]) -> None:
    """Write down the code that a run goes on by, and the fingerprints of data that were not there before."""
    about = read_object(folder.data, run=folder.path)
    before = {name: part(about, name, folder.data, run=folder.path) for name in ("code", "fingerprint")}
    known = {"code": {**before["code"], **now}} if now else {}
    known["fingerprint"] = {**before["fingerprint"], **data}
    if {**about, **known} != about:
        write_json(folder.data, {**about, **known})


def _described(value: Any) -> tuple[Any, ...] | None:
    """What tensors, networks and optimisers are made of; None for anything else."""
    if isinstance(value, nn.Module):
        kinds = {type(module): None for module in value.modules()}
        settings = [
            (name, type(module).__qualname__, _settings(module))
            for name, module in value.named_modules()
            if not is_installed(type(module).__module__)
        ]
        losses = [part for part in value.modules() if isinstance(part, nn.modules.loss._Loss)]
        weights = [list(part.buffers()) for part in losses]  # of classes, which no step changes
        return (without_addresses(repr(value)), tuple(kinds), settings, weights)
    if isinstance(value, Tensor):
        shape = (tuple(value.shape), str(value.dtype))
        if value.requires_grad or value.numel() > MOST_VALUES or value.is_meta:
            return shape
        return (
            *shape,
            value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes() if value.numel() else b"",
        )
    if isinstance(value, np.ndarray):
        held = value.tobytes() if value.size <= MOST_VALUES and value.dtype != object else b""
        return (value.shape, str(value.dtype), held)
    if isinstance(value, Optimizer):
        return (type(value), {name: each for name, each in value.defaults.items() if is_plain(each)})
    return None


def _settings(owner: Any) -> dict[str, Any]:
    """Plain attributes, configurations and functions of a module or task of the caller's own that its methods do not change."""
    kind = type(owner)
    left = attributes_that_change(kind) | (_OF_TORCH if isinstance(owner, nn.Module) else _OF_A_TASK)
    return {
        name: settings_read(kind, name, value)
        for name, value in sorted(getattr(owner, "__dict__", {}).items())
        if name not in left and (is_plain(value) or is_open(value) or isinstance(value, FUNCTIONS))
    }


def _phase(phase: Phase, task: Task) -> dict[str, str]:
    """What a phase does, as lines of which the first that differs is told."""
    names = {id(weight): name for name, weight in task.modules.named_parameters()}
    trained = [names.get(id(weight), "?") for each in phase.trains for weight in parameters_of(each)]
    said = {name: getattr(phase, name) for name in _PHASE_SETTINGS}
    lines = [f"{name}={_value(value)}" for name, value in said.items()]
    lines.append(f"trains {len(trained)} parameters ({', '.join(trained)[:MOST_TEXT]})")
    own = (*said.values(), _function_of(phase.loss))

    def describe(value: Any) -> tuple[Any, ...] | None:
        return ("the task",) if value is task or isinstance(value, nn.Module) else _described(value)

    hashed = fingerprint((*own, trained), describe=describe)
    return {"name": phase.name, "hash": hashed, "text": without_addresses("\n".join(lines))}


def _function_of(loss: Any) -> Any:
    """Of a method of a task its code; its owner is compared as the task."""
    return getattr(loss, "__func__", loss)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name!r}: {_value(each)}" for name, each in value.items()) + "}"
    if isinstance(value, functools.partial):
        return repr(value)
    if isinstance(value, FUNCTIONS):
        return _called(name_of(value))
    if isinstance(value, Optimizer):
        return f"{type(value).__name__}({', '.join(f'{n}={v}' for n, v in value.defaults.items() if is_plain(v))})"
    return repr(value) if is_plain(value) or isinstance(value, Stage) else name_of(value)
