"""Calling a network or a loss twice with the same outcome: the same random numbers, and buffers as they were."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn


@contextmanager
def fixed(modules: nn.Module, *, seed: int = 0) -> Iterator[None]:
    """Torch's, NumPy's and Python's global streams begin at `seed` in the body; they and all buffers are then as before."""
    buffers = [
        (module, name, buffer, buffer.detach().clone())
        for module in modules.modules()
        for name, buffer in module._buffers.items()
        if buffer is not None
    ]
    python, numpy = random.getstate(), np.random.get_state()
    devices = sorted({each.device.index or 0 for each in modules.parameters() if each.device.type == "cuda"})
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
            _put_back(buffers)


def _put_back(buffers: list[tuple[nn.Module, str, Tensor, Tensor]]) -> None:
    with torch.no_grad():
        for module, name, buffer, before in buffers:
            buffer.copy_(before)
            module._buffers[name] = buffer


@contextmanager
def in_double() -> Iterator[None]:
    """Tensors that are made in the body without a dtype are float64."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
