"""Calling somebody's network besides its training: whatever that leaves in its modules is put back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from sonde.engine import random_state

TORCHS_OWN = frozenset(vars(nn.Module()))  # what every module has, such as its parameters and hooks


@contextmanager
def aside(modules: nn.Module, device: torch.device) -> Iterator[None]:
    """What the body does to buffers, to attributes of modules (a hidden state, a count, a list that grows) and to the random
    streams is undone."""
    parts = list(modules.modules())
    buffers = [(buffer, buffer.detach().clone()) for buffer in modules.buffers()]
    registered = [dict(part._buffers) for part in parts]
    attributes = [{name: value for name, value in vars(part).items() if name not in TORCHS_OWN} for part in parts]
    contents = [
        (value, value.copy()) for held in attributes for value in held.values() if type(value) in (list, dict, set)
    ]
    with random_state.apart(device):
        try:
            yield
        finally:
            with torch.no_grad():
                for buffer, value in buffers:
                    buffer.copy_(value)
            for part, held, tensors in zip(parts, attributes, registered, strict=True):
                _put_back(vars(part), held)
                part._buffers.update(tensors)
            for value, copy in contents:
                value.clear()
                value.extend(copy) if isinstance(value, list) else value.update(copy)


def _put_back(live: dict[str, Any], held: dict[str, Any]) -> None:
    for name in [name for name in live if name not in TORCHS_OWN and name not in held]:
        del live[name]
    live.update(held)
