"""What a call of somebody's network leaves behind is put back."""

import random

import numpy as np
import torch
from torch import nn

from sonde.diagnose.aside import aside


class Keeping(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(3))
        self.calls, self.seen, self.by_name = 0, [1], {"a": 1}
        self.norm = nn.BatchNorm1d(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.mean += x.mean(0)
        self.count = torch.ones(1)
        self.calls += 1
        self.seen.append(2)
        self.by_name["b"] = 2
        self.mean = self.mean + torch.rand(3)
        return self.norm(x)


def test_buffers_attributes_and_streams_are_as_they_were() -> None:
    net = Keeping()
    mean = net.mean
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    random.seed(1)
    np.random.seed(1)
    streams = random.getstate(), str(np.random.get_state())
    with aside(net, torch.device("cpu")):
        net(torch.ones(4, 3))
        random.random()
        np.random.rand()
    assert net.mean is mean
    assert net.mean.tolist() == [0.0, 0.0, 0.0]
    assert (net.calls, net.seen, net.by_name) == (0, [1], {"a": 1})
    assert not hasattr(net, "count")
    assert int(net.norm.state_dict()["num_batches_tracked"]) == 0
    assert torch.equal(torch.rand(1), expected)
    assert (random.getstate(), str(np.random.get_state())) == streams
