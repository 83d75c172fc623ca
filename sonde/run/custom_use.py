"""A run on custom data, used: predictions and scores on other data of the same form."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, RandomSampler

from sonde.core.batch import Batch
from sonde.core.config import FeedConfig
from sonde.core.errors import ConfigError, DataError
from sonde.core.nested import Field, leaves
from sonde.core.progress import Tick
from sonde.core.seams import Source, Task
from sonde.data.feed.fields import in_memory, numbers_of_frame
from sonde.engine.evaluate import WithoutGradients, evaluate, evaluation_mode
from sonde.engine.execution.settings import StepSettings
from sonde.run.custom import floats_of, source_of
from sonde.run.unfit import unfitting

ROWS = 256  # a batch


def predicted(task: Task, inputs: Any, device: torch.device, known: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One dict per row, "input" naming it. Raises: as `inputs_for`"""
    source = inputs_for(task, inputs, device, known)
    found: list[dict[str, Any]] = []
    look = WithoutGradients(task.predict)
    with evaluation_mode(task.modules), _in_one_line("the batch") as seen:
        for batch in source:
            seen(batch)
            found += task.format_predictions(look(batch))
    task.modules.eval()
    return [{"input": f"row {row}", **outputs} for row, outputs in enumerate(found)]


def inputs_for(task: Task, inputs: Any, device: torch.device, known: Mapping[str, Any]) -> Source:
    """Batches of inputs, in their order: a tensor or array, a tuple or dict of such, a Dataset or a DataLoader.

    known: data.json, which says what a row held in training: a single row is known by its shape
    Raises: ConfigError for what is no such data; DataError for rows of another shape
    """
    inputs = numbers_of_frame(inputs)
    if isinstance(inputs, str | bytes) or (isinstance(inputs, list) and not _holds_tensors(inputs)):
        raise ConfigError(
            "a run on custom data predicts on an array or tensor, a tuple or dict of them, a Dataset or a DataLoader, not on a "
            f"{type(inputs).__name__}"
        )
    if isinstance(inputs, DataLoader) and isinstance(inputs.sampler, RandomSampler):
        raise ConfigError("the DataLoader shuffles, so that its rows could not be told apart; give it shuffle=False")
    if (fields := in_memory(inputs)) is not None:
        inputs = _as_rows(fields, known)
    return _source(inputs, task, device)


def scores(task: Task, data: Any, settings: StepSettings, tick: Tick) -> dict[str, float]:
    """What the task's meter makes of other data in any form that `sonde.fit` takes. Raises: DataError for what does not fit"""
    source = _source(data, task, settings.device)
    with _in_one_line("a batch") as seen:
        found = evaluate(_Seen(task, seen), source, settings, tick=tick).compute()  # type: ignore[arg-type]
    task.modules.eval()
    return found


class _Seen:
    """A task whose batches are remembered as they are evaluated."""

    def __init__(self, task: Task, seen: Callable[[Batch], None]) -> None:
        self._task, self._seen = task, seen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._task, name)

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """As the task."""
        self._seen(batch)
        return self._task.evaluate(batch)


@contextmanager
def _in_one_line(what: str) -> Iterator[Callable[[Batch], None]]:
    """Give a function that is told each batch; errors that speak of shapes name those of the batch."""
    told: list[Batch] = []

    def seen(batch: Batch) -> None:
        told[:] = [batch]

    try:
        yield seen
    except (RuntimeError, ValueError, IndexError, TypeError, AttributeError) as trouble:
        unfit = unfitting(trouble, told[0] if told else None, what)
        if unfit is None:
            raise
        raise unfit from trouble


def _source(data: Any, task: Task, device: torch.device) -> Source:
    feed = FeedConfig(batch_size=ROWS)
    floats = floats_of(task.modules)
    return source_of(data, feed, device=device, seed=0, training=False, floats=floats, what="given")


def _as_rows(fields: dict[str, Field], known: Mapping[str, Any]) -> dict[str, Field]:
    """The fields with a first axis of rows, which a single row is given. Raises: DataError for a row of another shape"""
    held = {".".join(map(str, path)): leaf for name, field in fields.items() for path, leaf in leaves(field, (name,))}
    expected = _expected(list(held), known)
    single = []
    for (name, leaf), row in zip(held.items(), expected, strict=True):
        if row is None or not hasattr(leaf, "shape"):
            continue
        shape = tuple(leaf.shape)
        single.append(shape == row)
        if len(shape) == len(row) and shape != row:
            raise DataError(
                f"{name} has shape {shape}, and a row had {row} in training; give rows of that shape behind a first dimension, "
                f"({', '.join(['rows', *map(str, row)])})"
            )
    if not any(single):
        return fields
    if not all(single):
        raise DataError(
            "some of the inputs are a single row and others are not; give all of them a first dimension of rows"
        )
    return {name: _one_row(field) for name, field in fields.items()}


def _expected(names: list[str], known: Mapping[str, Any]) -> list[tuple[int, ...] | None]:
    """The shape of a row in training for each of these: by name, else by place among the network's inputs; None where unknown."""
    rows = {name: tuple(what["shape"]) for name, what in known.get("fields", {}).items() if "shape" in what}
    if all(name in rows for name in names):
        return [rows[name] for name in names]
    inputs = [name for name in rows if name.split(".")[0] in known.get("inputs", [])]
    if len(inputs) == len(names):
        return [rows[name] for name in inputs]
    return [rows.get(name) for name in names]


def _one_row(field: Field) -> Field:
    if isinstance(field, dict):
        return {name: _one_row(part) for name, part in field.items()}
    if isinstance(field, tuple):
        return tuple(_one_row(part) for part in field)
    return field[None] if hasattr(field, "shape") else [field]


def _holds_tensors(inputs: list[Any]) -> bool:
    return bool(inputs) and all(isinstance(part, Tensor | tuple | dict) or hasattr(part, "shape") for part in inputs)
