"""Weights that a loss is computed from, and that no gradient reaches: a detach() stands between the two."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.seams import Task, abilities_of
from sonde.diagnose.aside import aside
from sonde.diagnose.signals.compiled import has_compiled
from sonde.diagnose.trials import losses_of
from sonde.engine.step import Stepper

MOST_TRIED = 8  # weights, evenly between: each takes a forward pass
CHANGE, LEAST = 1.0, 0.1  # of a weight's entries: in their size, and besides, of those that are 0
TELLING = 1e-5  # of the loss: more than rounding in another order makes of it


@dataclass(frozen=True, kw_only=True)
class Severed:
    """weights: that the loss changes with;  before, after: the loss as it is, and with one of them changed"""

    weights: Sequence[Tensor]
    before: float
    after: float


def severed(task: Task, stepper: Stepper, batch: Batch, unreached: Sequence[Tensor]) -> Severed | None:
    """Of weights that the graph of the loss of `batch` does not reach, those that its value changes with all the same.

    Each is changed and put back, while the graph of the step is alive: neither weights nor buffers are written to. Where all that
    are tried change it, all of them do. A part that is in turn no part of the loss, such as an expert that no row is sent to or
    a head whose answer is not used, changes nothing. Only of one network with a loss function: a task of the caller's own may
    train its parts by turns. None where nothing changes, or the loss is not the same again, so that nothing can be said.
    """
    plain = abilities_of(task).bind is not None and not set(task.modules) - {"model", "loss"}
    if not plain or stepper.several or stepper.stages.stages or has_compiled(task.modules) or not unreached:
        return None
    try:
        before = _loss(task, stepper, batch)
        if not abs(before) < torch.inf or _loss(task, stepper, batch) != before:
            return None
        tried = list(unreached[:: -(-len(unreached) // MOST_TRIED)])
        after = [_changed(task, stepper, batch, weight) for weight in tried]
    except (
        RuntimeError,
        ValueError,
        TypeError,
        ArithmeticError,
    ):  # a loss of the caller's that is not to be asked twice
        return None
    moved = [place for place, loss in enumerate(after) if abs(loss - before) > TELLING * abs(before)]
    if not moved:
        return None
    weights = list(unreached) if len(moved) == len(tried) else [tried[place] for place in moved]
    return Severed(weights=weights, before=before, after=after[moved[0]])


def _changed(task: Task, stepper: Stepper, batch: Batch, weight: Tensor) -> float:
    """The loss with another weight in the place of one, whose own memory and version stay as they are."""
    own = weight.data
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(own.shape, generator=generator, dtype=torch.float32).to(own.device, own.dtype)
    weight.data = own + noise * (CHANGE * own.abs().mean() + LEAST)
    try:
        return _loss(task, stepper, batch)
    finally:
        weight.data = own


def _loss(task: Task, stepper: Stepper, batch: Batch) -> float:
    with _other_buffers(task.modules), aside(task.modules, stepper.settings.device), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what the caller's network warns she hears in her own steps
        return losses_of(stepper, [batch])[0]


@contextmanager
def _other_buffers(modules: nn.Module) -> Iterator[None]:
    """Copies in the place of all buffers: the graph of a batch norm refuses running statistics that were written to since."""
    held = [(part, dict(part._buffers)) for part in modules.modules()]
    try:
        for part, own in held:
            part._buffers.update({name: None if each is None else each.clone() for name, each in own.items()})
        yield
    finally:
        for part, own in held:
            part._buffers.update(own)
