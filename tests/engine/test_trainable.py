"""Changes of what is trained: what they name, how they are made and undone, and the groups that an optimiser gets."""

import pytest
import torch
from sample_tasks import Supervised, mlp
from torch import nn

from sonde.core.batch import Batch
from sonde.engine.execution.settings import StepSettings
from sonde.engine.step import Stepper
from sonde.engine.trainable import Change, apply, change_of, further_groups, undo
from sonde.engine.tree import same
from sonde.engine.update import Update


def network() -> nn.ModuleDict:
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    net[:2].requires_grad_(False)
    net[1].eval()
    return nn.ModuleDict({"model": net})


def flags(modules: nn.Module) -> tuple[list[str], list[str]]:
    """Parameters that are trained, and modules in evaluation mode."""
    return (
        [name for name, p in modules.named_parameters() if p.requires_grad],
        [name for name, module in modules.named_modules() if not module.training],
    )


def test_a_change_names_what_it_turns_and_can_be_undone() -> None:
    modules = network()
    begun = flags(modules)
    net = modules["model"]
    assert isinstance(net, nn.Sequential)
    thaw = change_of(modules, [net[:2]], on=True)
    assert thaw.parameters == ("model.0.weight", "model.0.bias", "model.1.weight", "model.1.bias")
    assert thaw.modules == ("model.1",)
    assert Change.from_dict(thaw.as_dict()) == thaw
    apply(modules, thaw)
    assert flags(modules)[1] == []
    freeze = change_of(modules, [net.get_parameter("2.weight"), net[1]], on=False)
    assert freeze.modules == ("model.1",)
    apply(modules, freeze)
    assert flags(modules) == (["model.0.weight", "model.0.bias", "model.2.bias"], ["model.1"])
    saved = {"changes": [thaw.as_dict(), freeze.as_dict()], "trained_at_first": begun[0]}
    undo(modules, saved)
    assert flags(modules) == begun
    undo(fresh := network(), saved)  # the same of a network that was not changed
    assert flags(fresh) == begun
    undo(fresh, {})
    assert flags(fresh) == begun


def test_what_is_frozen_has_no_gradient_left_to_move_it() -> None:
    modules = network()
    modules["model"](torch.randn(4, 2)).sum().backward()
    apply(modules, change_of(modules, [modules["model"]], on=False))
    assert all(parameter.grad is None for parameter in modules.parameters())


def test_a_group_is_as_the_first_unless_one_says_otherwise() -> None:
    first, more = (nn.Parameter(torch.ones(2)) for _ in range(2))
    optimizer = torch.optim.SGD([{"params": [first], "momentum": 0.5, "name": "first", "lr": 0.3}], lr=0.1)
    (group,) = further_groups(optimizer, [more], peak=0.7, make=None)
    assert (group["lr"], group["momentum"], group["params"]) == (0.7, 0.5, [more])
    assert "name" not in group
    assert further_groups(optimizer, [more], peak=0.7, make=lambda found: [{"params": list(found)}]) == [
        {"params": [more]}
    ]


@pytest.mark.parametrize("make", [torch.optim.AdamW, lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)])
def test_a_stepper_that_loads_a_state_trains_the_same_parameters(make: object) -> None:
    def stepper() -> Stepper:
        torch.manual_seed(0)
        task = Supervised(mlp(2, 4, 3))
        task.modules["model"][0].requires_grad_(False)  # type: ignore[index]
        update = Update(phase=task.phases[0], optimizer=make(task.phases[0].parameters()), multiplier=lambda step: 0.5)  # type: ignore[operator]
        return Stepper(task, [update], StepSettings(device=torch.device("cpu")))

    one = stepper()
    batch = Batch({"input": torch.randn(8, 2), "target": torch.arange(8) % 3}, torch.arange(8))
    one(batch, step=1, epoch=0)
    one.trained.change(change_of(one.task.modules, [one.task.modules["model"][0]], on=True), one.updates)  # type: ignore[index]
    one(batch, step=2, epoch=0)
    other, state = stepper(), one.state_dict()
    other.task.modules.load_state_dict(one.task.modules.state_dict())
    other.load_state_dict(state)
    assert same(other.state_dict(), one.state_dict())
    assert [len(group["params"]) for group in other.updates[0].optimizer.param_groups] == [2, 2]
    other.load_state_dict(other.state_dict())  # as trial steps do: nothing is added twice
    for run in (one, other):
        run(batch, step=3, epoch=0)
    assert same(one.task.modules.state_dict(), other.task.modules.state_dict())
