"""Asking a network about rows leaves it, and what is drawn, as it was."""

import random

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sonde.core.batch import Batch
from sonde.run.answering import answer
from sonde.tasks.custom.task import ModuleTask

CPU = torch.device("cpu")


class Counting(nn.Module):
    """Counts its calls as a number and in a buffer, keeps what it saw, and draws."""

    def __init__(self) -> None:
        super().__init__()
        self.net, self.calls = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)), 0
        self.register_buffer("counted", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.counted += 1
        self.last = x
        random.random()
        np.random.rand()
        return self.net(x) + 0 * torch.rand(1)


def task_and_batch() -> tuple[Counting, ModuleTask, Batch]:
    torch.manual_seed(0)
    net, batch = Counting(), Batch({"input": torch.randn(5, 3), "target": torch.zeros(5).long()}, torch.arange(5))
    task = ModuleTask(net, cross_entropy)
    task.bind(batch)
    return net, task, batch


def test_the_answer_is_that_of_evaluation_mode_and_nothing_changes() -> None:
    net, task, batch = task_and_batch()
    before = {name: each.clone() for name, each in net.state_dict().items()}
    drawn = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()  # type: ignore[union-attr]
    found = answer(task, CPU, batch)
    assert (net.calls, net.training, hasattr(net, "last")) == (0, True, False)
    assert all(torch.equal(each, before[name]) for name, each in net.state_dict().items())
    assert torch.equal(torch.get_rng_state(), drawn[0])
    assert random.getstate() == drawn[1]
    assert (np.random.get_state()[1] == drawn[2]).all()  # type: ignore[index]
    assert torch.equal(found, net.eval().net(batch["input"]))  # type: ignore[arg-type]


def test_rows_that_a_network_does_not_take_have_no_answer() -> None:
    _, task, batch = task_and_batch()
    assert answer(task, CPU, Batch({"input": torch.randn(5, 7)}, batch.index)) is None
