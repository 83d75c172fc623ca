"""Which modules stay in evaluation mode while the rest trains."""

import copy
from pathlib import Path
from typing import Any

import pytest
import sample_tasks
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import sonde
from sonde.engine.modes import enter_training, kept_in_evaluation
from sonde.tasks.custom.task import ModuleTask

QUIET: dict[str, Any] = {"threads": 1, "quiet": True, "epochs": 2, "batch_size": 16}


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Dropout(0.5))
        self.head = nn.Sequential(nn.Linear(8, 3), nn.Dropout(0.1))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.backbone(x))


def staying(net: nn.Module) -> set[str]:
    kept = kept_in_evaluation(ModuleTask(net, cross_entropy))
    return {name for name, module in net.named_modules() if module in kept}


def statistics(net: Any) -> list[Tensor]:
    return [buffer.clone() for buffer in net.backbone.buffers()]


def fit(net: nn.Module, out: Path, **more: Any) -> sonde.Run:
    return sonde.fit(net, sample_tasks.blobs(64), loss=cross_entropy, out=str(out), **{**QUIET, **more})


BACKBONE = {"backbone", "backbone.0", "backbone.1", "backbone.2"}


def test_what_was_put_into_evaluation_mode_stays_there() -> None:
    net = Net()
    assert staying(net) == set()
    net.head[1].eval()  # no parameters, but on purpose: the network around it trains
    assert staying(net) == {"head.1"}
    net.backbone.eval()
    assert staying(net) == {"head.1", *BACKBONE}


def test_a_network_in_evaluation_mode_as_a_whole_is_trained_but_for_its_frozen_part() -> None:
    net = Net().eval()
    assert staying(net) == set()
    net.backbone.requires_grad_(False)
    assert staying(net) == BACKBONE


def test_frozen_is_not_evaluation_mode() -> None:
    net = Net()
    net.backbone.requires_grad_(False)
    assert staying(net) == set()


def test_a_teacher_that_no_phase_trains_stays() -> None:
    """Its gradients are on, and nothing moves it."""
    teacher, student = Net().eval(), Net()
    task = sample_tasks.Supervised(student)
    task.modules["teacher"] = teacher
    assert set(kept_in_evaluation(task)) == set(teacher.modules())


def test_training_mode_goes_around_them() -> None:
    net = Net()
    net.backbone.eval()
    kept = kept_in_evaluation(ModuleTask(net, cross_entropy))
    net.eval()
    enter_training(net, kept)
    assert {name for name, module in net.named_modules() if not module.training} == BACKBONE


@pytest.mark.parametrize("off", [True, False])
def test_its_statistics_stay_as_they_were(tmp_path: Path, off: bool) -> None:
    net = Net()
    net.backbone.eval().requires_grad_(not off)
    before = statistics(net)
    fit(net, tmp_path / "run")
    assert all(map(torch.equal, before, statistics(net)))


def test_a_second_fit_of_a_frozen_part_leaves_them_too(tmp_path: Path) -> None:
    """The network has come back in evaluation mode as a whole."""
    net: Any = Net()
    net.backbone.eval().requires_grad_(False)
    before, head = statistics(net), net.head[0].weight.clone()
    fit(net, tmp_path / "one")
    assert not net.training
    between = net.head[0].weight.clone()
    fit(net, tmp_path / "two")
    assert all(map(torch.equal, before, statistics(net)))
    assert not torch.equal(head, between)
    assert not torch.equal(between, net.head[0].weight)


def test_training_is_that_of_a_loop_by_hand(tmp_path: Path) -> None:
    """Plain descent on whole batches, the frozen batch norm normalising by the statistics it came with."""
    torch.manual_seed(0)
    net: Any = Net()
    for part in net.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
        if isinstance(part, nn.BatchNorm1d) and part.running_mean is not None:
            part.running_mean.add_(0.3)
    net.backbone.requires_grad_(False)
    by_hand = copy.deepcopy(net)
    x, y = sample_tasks.blobs(64).values()
    net.backbone.eval()
    fit(net, tmp_path / "run", optimizer="sgd", lr=0.1, batch_size=64, epochs=4)
    by_hand.train()
    by_hand.backbone.eval()
    optimizer = torch.optim.SGD(by_hand.head.parameters(), lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        cross_entropy(by_hand(x), y).backward()
        optimizer.step()
    torch.testing.assert_close(net.head[0].weight, by_hand.head[0].weight, rtol=1e-5, atol=1e-6)


def test_a_step_of_ones_own_loop_keeps_them_too() -> None:
    net = Net()
    net.backbone.eval().requires_grad_(False)
    before = statistics(net)
    list(sonde.steps(net, sample_tasks.blobs(64), loss=cross_entropy, total=3, batch_size=16))
    assert all(map(torch.equal, before, statistics(net)))


def test_the_plan_says_what_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = Net()
    net.backbone.eval()
    fit(net, tmp_path / "one", quiet=False)
    assert "backbone stays in evaluation mode" in capsys.readouterr().out
    fit(net, tmp_path / "two", quiet=False)
    said = capsys.readouterr().out
    assert "the network was handed over in evaluation mode, and is trained in training mode" in said
