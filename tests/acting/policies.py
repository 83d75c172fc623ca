"""Small tasks that learn policies, in float64, for the tests of what they compute."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.tasks.on_policy import Policy

CHOICE = TargetSpec(kind="action", names=("0", "1", "2"))


class Numbers(nn.Identity):
    """Features that are the observation."""

    features = 2


def task(kind: Any, config: Any, target: TargetSpec = CHOICE, model: nn.Module | None = None) -> Any:
    """A task over observations of two numbers."""
    torch.manual_seed(0)
    made = kind(model or Numbers(), target, config, input=InputSpec(kind="environment", shape=(2,)))
    made.modules.double()
    return made


def same_weights(one: Policy, other: Policy) -> None:
    """Give the other policy the one's."""
    other.modules.load_state_dict(copy.deepcopy(one.modules.state_dict()))


def rollout(policy: Policy, rows: int = 12) -> Batch:
    """Transitions that the policy took, with advantages and returns out of the air."""
    random = torch.Generator().manual_seed(1)
    seen = torch.randn(rows, 2, generator=random, dtype=torch.float64)
    with torch.no_grad():
        action = policy.act(seen, random)["action"]
        judged = policy.abilities(discount=1.0, sampled=False).acting.judged(seen, action)  # type: ignore[union-attr, misc]
    advantage = torch.randn(rows, generator=random, dtype=torch.float64)
    fields = {
        "observation": seen,
        "action": action,
        **judged,
        "advantage": advantage,
        "return": advantage + judged["value"],
    }
    return Batch(fields, torch.arange(rows))


def gradient(task: Any, batch: Batch) -> list[Tensor]:
    """Of the task's loss, for each weight."""
    weights = [weight for module in task.policy.trained for weight in module.parameters()]
    return list(torch.autograd.grad(task.loss(batch).value, weights))
