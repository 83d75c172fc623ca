"""A trained network's inputs and answers, row by row: tensors as it is fed them, probabilities as an array, tables."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.errors import ConfigError, MissingDependency, unknown
from sonde.core.seams import Task, abilities_of
from sonde.tasks.custom.task import ModuleTask

Predict = Callable[[Batch], Mapping[str, Tensor]]
SINGULAR = {"probabilities": "probability", "scores": "score"}


def fed(task: Task, batches: Iterable[Batch]) -> Tensor | tuple[Tensor, ...]:
    """What the network is called with for all rows, in their order: one tensor (B, …), or a tuple where it takes several.

    Sequences of several batches are padded with zeros to the longest of all, as they are within a batch.
    Raises: ConfigError for a network of one's own that takes something else than tensors
    """
    index, parts = [], []
    for batch in batches:
        index.append(batch.index)
        parts.append(task.fed(batch) if isinstance(task, ModuleTask) else batch.fed())
    if not all(isinstance(field, Tensor) for field in parts[0]):
        raise ConfigError("the network takes more than tensors; make its inputs as the program that trained it does")
    order = torch.argsort(torch.cat(index), stable=True)
    whole = tuple(_joined(list(field))[order] for field in zip(*parts, strict=True))
    return whole[0] if len(whole) == 1 else whole


def probabilities(task: Task, batches: Iterable[Batch], *, classes: int, folder: Path) -> np.ndarray:
    """(n, classes) of all rows, in their order. Raises: ConfigError where the task gives scores, or answers for parts of a row"""
    index, found = [], []
    task.modules.eval()
    with torch.inference_mode():
        for batch in batches:
            probs = task.predict(batch).get("probs")
            if probs is None or probs.shape[1:] != (classes,):
                raise ConfigError(f"{folder} gives no probability of each class for a whole input; use predict")
            index.append(batch.index)
            found.append(probs.double().cpu())
    return torch.cat(found)[torch.argsort(torch.cat(index), stable=True)].numpy()


def predictor(task: Task, what: str, paths: int, *, folder: Path) -> Predict:
    """The task's `predict`, what of its reconstruction is named, or with so many sample paths; 0 for none.

    Raises: ConfigError for what the run does not have
    """
    if paths:
        draw = abilities_of(task).paths
        if draw is None:
            raise ConfigError(
                f"--paths {paths}: {folder} draws no paths of a series; leave it out, or train a run with --task "
                "diffusion-forecasting"
            )
        if paths < 0:
            raise ConfigError(f"--paths must be at least 1, got {paths}")
        return lambda batch: draw(batch, paths)
    if not what:
        return task.predict
    found = abilities_of(task).reconstruction
    if found is None:
        raise ConfigError(f"--what {what} is for autoencoders, and {folder} is none; leave it out")
    if what not in found.outputs:
        raise unknown("--what", what, found.outputs)
    return found.outputs[what]


def only_network(modules: nn.ModuleDict, folder: Path) -> nn.Module:
    """The one that is called "model", or the only one. Raises: ConfigError naming them where there are several"""
    if "model" in modules or len(modules) == 1:
        return modules["model" if "model" in modules else next(iter(modules))]
    names = list(modules)
    if not names:
        raise ConfigError(f"the task of {folder} has no modules")
    raise ConfigError(f"{folder} has several networks, {', '.join(names)}; take one: run.task.modules[{names[0]!r}]")


def as_frame(predictions: Sequence[Mapping[str, Any]], inputs: Any) -> Any:
    """Predictions as a pandas DataFrame: a row for each, "probability_cat" for each class; indexed as `inputs`, else by name.

    Raises: MissingDependency without pandas
    """
    try:
        import pandas
    except ImportError:
        raise MissingDependency("frame=True needs pandas; install it with: pip install pandas") from None
    rows = [_flat(row) for row in predictions]
    index = getattr(inputs, "index", None)
    if isinstance(inputs, pandas.DataFrame | pandas.Series) and len(inputs) == len(rows):
        return pandas.DataFrame(
            [{name: value for name, value in row.items() if name != "input"} for row in rows], index=index
        )
    return pandas.DataFrame(rows).set_index("input")


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """
    >>> _flat({"input": "row 0", "prediction": "a", "probabilities": {"a": 0.75, "b": 0.25}})
    {'input': 'row 0', 'prediction': 'a', 'probability_a': 0.75, 'probability_b': 0.25}
    """
    found: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            found |= {f"{SINGULAR.get(name, name)}_{part}": each for part, each in value.items()}
        else:
            found[name] = value
    return found


def _joined(parts: list[Tensor]) -> Tensor:
    """Along rows, after padding with zeros at the end of every other dimension."""
    sizes = [max(dims) for dims in zip(*(part.shape[1:] for part in parts), strict=True)]
    padded = []
    for part in parts:
        ends = [wanted - size for wanted, size in zip(sizes, part.shape[1:], strict=True)]
        padded.append(F.pad(part, [n for end in reversed(ends) for n in (0, end)]) if any(ends) else part)
    return torch.cat(padded)
