"""Asking a network about a few rows before it is trained, and leaving it, and all random streams, as they were."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.errors import SondeError
from sonde.core.seams import Task
from sonde.engine import random_state
from sonde.engine.evaluate import evaluation_mode

OF_MODULES = ("_modules", "_parameters", "_buffers", "training")


def answer(task: Task, device: torch.device, batch: Batch, seed: int = 0) -> Tensor | None:
    """What the network answers in evaluation mode; None where it does not take such rows, or answers with several tensors.

    seed: of what it draws
    """
    try:
        with evaluation_mode(task.modules), kept(task.modules), torch.no_grad(), random_state.apart(device):
            torch.manual_seed(seed)
            outputs = list(task.predict(batch.to(device)).values())
    except (RuntimeError, ValueError, IndexError, KeyError, TypeError, AttributeError, AssertionError, SondeError):
        return None  # fixed to another number of rows, or in need of what these do not hold
    return outputs[0].clone() if len(outputs) == 1 and isinstance(outputs[0], Tensor) else None


@contextmanager
def kept(modules: nn.Module) -> Iterator[None]:
    """Put the buffers and attributes of networks back that the body changes: counters, what a layer keeps for its next call."""
    inside = list(modules.modules())
    attributes = [{name: value for name, value in vars(each).items() if name not in OF_MODULES} for each in inside]
    buffers = [dict(each._buffers) for each in inside]
    values = [
        {name: None if value is None else value.detach().clone() for name, value in each.items()} for each in buffers
    ]
    try:
        yield
    finally:
        for module, known, named, before in zip(inside, attributes, buffers, values, strict=True):
            _put_back(module, known)
            module._buffers.clear()
            module._buffers.update(named)
            for name, value in before.items():
                _fill(named[name], value)


def _put_back(module: nn.Module, known: dict[str, Any]) -> None:
    held = vars(module)
    for name in [each for each in held if each not in known and each not in OF_MODULES]:
        del held[name]
    held.update(known)


@torch.no_grad()
def _fill(buffer: Tensor | None, value: Tensor | None) -> None:
    if buffer is not None and value is not None and not torch.equal(buffer, value):
        buffer.copy_(value)
