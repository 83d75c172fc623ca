"""TD3 beside values that are known."""

import numpy as np
import torch
from torch import nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.records import StepRecord
from sonde.models.policy_mlp import PolicyMLP, PolicyMLPConfig
from sonde.nn.twin_critics import TwinCritics
from sonde.tasks.td3.config import TD3Config
from sonde.tasks.td3.task import TD3

INPUT = InputSpec(kind="environment", shape=(2,))
TARGET = TargetSpec(kind="control", names=("a", "b"), mean=(1.0, 0.0), std=(2.0, 0.5))


def task(**settings: float) -> TD3:
    torch.manual_seed(0)
    torso = PolicyMLP(INPUT, 1, PolicyMLPConfig(hidden=(16,), activation="relu"))
    return TD3(torso, TARGET, TD3Config(**settings), input=INPUT)  # type: ignore[arg-type]


def batch_of(rows: int) -> Batch:
    draw = torch.Generator().manual_seed(1)
    fields = {
        "observation": torch.randn(rows, 2, generator=draw),
        "action": torch.rand(rows, 2, generator=draw) * 2 - 1,
        "reward": torch.randn(rows, generator=draw),
        "following": torch.randn(rows, 2, generator=draw),
        "discount": torch.full((rows,), 0.9),
    }
    fields["discount"][0] = 0.0
    return Batch(fields, torch.arange(rows))


class Plain(nn.Module):
    """Action values that are known: `scale` times the sum of the action."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, seen: torch.Tensor, action: torch.Tensor) -> torch.Tensor:
        return self.scale * action.sum(-1, keepdim=True)


def test_targets_are_the_lower_value_of_a_smoothed_action() -> None:
    one = task(smooth_noise=0.2, smooth_limit=0.5)
    critics = TwinCritics(Plain(3.0), Plain(-2.0), 1)
    for head in critics.heads:
        head.weight.data.fill_(1.0)  # type: ignore[union-attr, operator]
        head.bias.data.zero_()  # type: ignore[union-attr, operator]
    one.target_critics = critics

    class Fixed(nn.Module):
        def forward(self, seen: torch.Tensor) -> torch.Tensor:
            return torch.tensor([[0.9, -0.2]]).expand(len(seen), 2)

    one.target_actor = Fixed()
    batch = batch_of(3)
    noise = torch.tensor([[0.0, 0.0], [1.0, 9.0], [-9.0, 0.5]])
    # noise of 0.2 n, at most 0.5, and actions within -1 and 1
    actions = np.array([[0.9, -0.2], [1.0, 0.3], [0.4, -0.1]]).sum(1)
    lower = np.minimum(3 * actions, -2 * actions)
    exact = batch["reward"].numpy() + np.array([0, 0.9, 0.9]) * lower
    np.testing.assert_allclose(one.goal(batch, noise).numpy(), exact, rtol=1e-5)


class Apart(nn.Module):
    """Two critics: what is lost by lying apart from the observation, and one that is not to be climbed."""

    def forward(self, seen: torch.Tensor, action: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return -(action - seen).square().sum(-1), -action.sum(-1)


def test_the_policy_climbs_to_the_best_action() -> None:
    one, draw = task(), torch.Generator().manual_seed(2)
    one.critics = Apart()  # type: ignore[assignment]
    optimizer = torch.optim.Adam(one.actor.parameters(), lr=0.01)
    for _ in range(200):
        seen = torch.rand(64, 2, generator=draw) * 1.6 - 0.8
        optimizer.zero_grad()
        one.actor_loss(Batch({"observation": seen}, torch.arange(64))).value.backward()
        optimizer.step()
    seen = torch.tensor([[0.5, -0.5], [-0.3, 0.0], [0.6, 0.6]])
    torch.testing.assert_close(one.act(seen, None)["action"], seen, atol=0.1, rtol=0)
    sent = one.predict(Batch({"input": seen}, torch.arange(3)))["action"]
    torch.testing.assert_close(sent, torch.tensor([1.0, 0.0]) + seen * torch.tensor([2.0, 0.5]), atol=0.2, rtol=0)


def test_the_policy_and_all_targets_wait_for_their_turn() -> None:
    one = task(policy_every=3)
    assert [phase.every for phase in one.phases] == [1, 3]
    with torch.no_grad():
        for parameter in (*one.actor.parameters(), *one.critics.parameters()):
            parameter += 1.0
    parts = (one.target_actor, one.target_critics)
    before = [[p.clone() for p in part.parameters()] for part in parts]
    for step in (1, 2):
        one.after_step(StepRecord(step, 0, 1, {}, {}, 0.0))
    assert all(
        torch.equal(a, b)
        for part, old in zip(parts, before, strict=True)
        for a, b in zip(part.parameters(), old, strict=True)
    )
    one.after_step(StepRecord(3, 0, 1, {}, {}, 0.0))
    for part, old in zip(parts, before, strict=True):
        for now, then in zip(part.parameters(), old, strict=True):
            torch.testing.assert_close(now, then + 0.005)


def test_noise_is_added_while_training_alone() -> None:
    one, seen = task(explore_noise=0.3), torch.zeros(4000, 2)
    own = one.act(seen, None)["action"]
    first = one.act(seen, torch.Generator().manual_seed(0))["action"]
    assert (first.min().item(), first.max().item()) == (
        -1.0,
        1.0,
    ) or first.abs().max().item() > 0.99  # any action at first
    one.after_step(StepRecord(1, 0, 1, {}, {}, 0.0))
    noisy = one.act(seen, torch.Generator().manual_seed(0))["action"]
    assert abs((noisy - own).std().item() - 0.3) < 0.02
    assert noisy.abs().max().item() <= 1.0
