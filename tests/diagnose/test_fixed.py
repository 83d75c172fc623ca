"""Two calls under the same random numbers agree, and leave nothing behind."""

import random
from typing import Any

import numpy as np
import torch
from torch import nn

from sonde.diagnose.fixed import fixed, in_double


def state() -> np.ndarray:
    """NumPy's global stream."""
    held: Any = np.random.get_state()
    return np.asarray(held[1])


def test_draws_repeat_and_streams_and_buffers_are_as_before():
    norm = nn.BatchNorm1d(3)
    net, mean = nn.Sequential(norm, nn.Dropout(0.5)), norm.running_mean
    assert mean is not None
    torch.manual_seed(3)
    before = (torch.get_rng_state(), random.getstate(), state().copy())
    found = []
    for _ in range(2):
        with fixed(net):
            found.append((net(torch.arange(12.0).view(4, 3)).tolist(), random.random(), np.random.rand()))
    assert found[0] == found[1]
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == random.getstate()
    assert (before[2] == state()).all()
    assert norm.running_mean is mean
    assert mean.tolist() == [0, 0, 0]


def test_new_tensors_are_double_in_the_body_only():
    with in_double():
        assert torch.zeros(1).dtype is torch.float64
    assert torch.zeros(1).dtype is torch.float32
