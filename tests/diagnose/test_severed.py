"""Weights that a loss is computed from without a gradient are named within three steps; what is only unused now is not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sample_tasks
import torch
from other_findings import other_findings
from torch import Tensor, nn
from torch.nn import functional as F

import sonde
from sonde.diagnose.severed import severed
from sonde.diagnose.trials import loss_of
from sonde.tasks.custom.task import ModuleTask


class Cut(nn.Module):
    """A body with a batch norm and a dropout, before a head that no gradient passes."""

    def __init__(self, cut: Callable[[Tensor], Tensor] = Tensor.detach) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.3))
        self.head, self.cut, self.calls = nn.Sequential(nn.BatchNorm1d(8), nn.Linear(8, 3)), cut, 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return self.head(self.cut(self.body(x)))


class NoGrad(Cut):
    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            inside = self.body(x)
        return self.head(inside)


class ByTurns(Cut):
    """The body is trained in every other step."""

    def forward(self, x: Tensor) -> Tensor:
        self.calls += self.training
        inside = self.body(x)
        return self.head(inside if self.calls % 2 else inside.detach())


class Experts(nn.Module):
    """Each row goes to one of two; to the third it goes from the fifth step on."""

    def __init__(self) -> None:
        super().__init__()
        self.experts, self.calls = nn.ModuleList(nn.Linear(2, 3) for _ in range(3)), 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += self.training
        which = (x[:, 0] > 0).long() + (self.calls >= 5)
        return sum((which == place).float()[:, None] * each(x) for place, each in enumerate(self.experts)  # type: ignore[return-value]
                   if bool((which == place).any()))  # fmt: skip


class TwoHeads(nn.Module):
    """The answer of the second is part of the loss from the fifth step on."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.calls = nn.Linear(2, 3), nn.Linear(2, 3), 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += self.training
        first, second = self.first(x), self.second(x)
        return first + second if self.calls >= 5 else first


def said(net: nn.Module, out: Path, **more: Any) -> list[tuple[str, int]]:
    settings: dict[str, Any] = {"steps": 24, "batch_size": 16, "threads": 1, "quiet": True, "seed": 0, **more}
    torch.manual_seed(0)
    run = sonde.fit(net, sample_tasks.blobs(512), loss=F.cross_entropy, out=out / "run", **settings)
    lines = [line for line in other_findings(run.folder) if line["name"] == "parameters-without-a-gradient"]
    return [(line["evidence"], line["step"]) for line in lines]


@pytest.mark.parametrize("net", [Cut, NoGrad, lambda: Cut(lambda x: x.data)])
def test_a_body_without_a_gradient_is_named_after_three_steps(net: Callable[[], nn.Module], tmp_path: Path) -> None:
    ((evidence, step),) = said(net(), tmp_path)
    assert step == 3
    assert evidence.startswith(
        "body.0.weight, body.0.bias, body.1.weight, body.1.bias: the loss is computed from them (with one"
    )
    assert evidence.endswith("and no gradient reaches them in the first 3 steps, so they stay as initialised")


@pytest.mark.parametrize("net", [ByTurns, Experts, TwoHeads, lambda: Cut(nn.Identity())])
def test_what_is_not_used_in_the_first_steps_is_not(net: Callable[[], nn.Module], tmp_path: Path) -> None:
    assert said(net(), tmp_path) == []


def test_what_is_never_used_is_told_from_it(tmp_path: Path) -> None:
    net = Cut()
    net.spare = nn.Linear(2, 2)
    (cut, first), (unused, last) = said(net, tmp_path)
    assert (first, last) == (3, 20)
    assert "spare" not in cut
    assert unused.startswith("spare.weight, spare.bias: unused parameters")


def test_a_step_in_the_midst_of_which_is_looked_is_as_without() -> None:
    """Bit by bit: the gradient, the running statistics, what the network keeps, and what is drawn next."""
    x, y = torch.randn(32, 2), torch.randint(3, (32,))
    found = []
    for look in (False, True):
        torch.manual_seed(3)
        net = Cut()
        task = ModuleTask(net, F.cross_entropy)
        steps = sample_tasks.stepper(task)
        steps.training_mode()
        batch = sample_tasks.batch(input=x, target=y)
        value = loss_of(steps, batch)
        if look:
            told = severed(task, steps, batch, list(net.body.parameters()))
            assert told is not None
            norm = net.body[1]
            used = [net.body[0].weight, norm.weight, norm.bias]  # a bias before a norm moves nothing
            assert [id(each) for each in told.weights] == [id(each) for each in used]
        value.backward()
        found.append([net.calls, torch.rand(()), *(p.grad for p in net.head.parameters()), *net.state_dict().values()])
    assert all(torch.equal(torch.as_tensor(a), torch.as_tensor(b)) for a, b in zip(*found, strict=True))
