"""Soft actor-critic beside what is known of one step."""

import math

import torch

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.records import StepRecord
from sonde.models.policy_mlp import PolicyMLP, PolicyMLPConfig
from sonde.nn.actions import squashed
from sonde.tasks.sac.config import SACConfig
from sonde.tasks.sac.task import SAC

INPUT = InputSpec(kind="environment", shape=(1,))
TARGET = TargetSpec(kind="control", names=("a",), mean=(0.0,), std=(1.0,))
SEEN = torch.ones(256, 1)


def task(**settings: float) -> SAC:
    torch.manual_seed(0)
    torso = PolicyMLP(INPUT, 1, PolicyMLPConfig(hidden=(8,)))
    return SAC(torso, TARGET, SACConfig(**settings), input=INPUT)  # type: ignore[arg-type]


class Parabola(torch.nn.Module):
    """Q = -(a - best)^2 / 2 width^2, for both critics."""

    def __init__(self, best: float, width: float) -> None:
        super().__init__()
        self.best, self.width = best, width

    def lower(self, seen: torch.Tensor, action: torch.Tensor) -> torch.Tensor:
        return -((action[:, 0] - self.best) ** 2) / (2 * self.width**2)


def soft_value(best: float, width: float, temperature: float) -> tuple[float, float, float]:
    """(V, mean and std of actions) under the best policy, exp(Q / temperature) over its integral from -1 to 1, by quadrature."""
    place = torch.linspace(-1, 1, 20_001, dtype=torch.float64)
    energy = -((place - best) ** 2) / (2 * width**2) / temperature
    value = temperature * torch.logsumexp(energy + math.log(2 / 20_001), 0)
    share = energy.softmax(0)
    mean = (share * place).sum()
    return value.item(), mean.item(), (share * (place - mean) ** 2).sum().sqrt().item()


def test_the_policy_becomes_the_boltzmann_distribution_of_the_values() -> None:
    """With Q a parabola it is nearly a Gaussian of standard deviation width sqrt(temperature), and E[Q - t log pi] nearly the
    soft value t log of the integral of exp(Q / t): Haarnoja et al. 2018, equation 2 and 3. Nothing can be above it."""
    one = task()
    best, width, temperature = 0.3, 0.5, 0.05
    one.critics = Parabola(best, width)  # type: ignore[assignment]
    one.log_temperature.data.fill_(math.log(temperature))
    optimizer = torch.optim.Adam(one.actor.parameters(), lr=0.01)
    batch = Batch({"observation": SEEN}, torch.arange(len(SEEN)))
    for _ in range(600):
        optimizer.zero_grad()
        one.actor_loss(batch).value.backward()
        optimizer.step()
    with torch.no_grad():
        mean, log_std = one.actor(SEEN[:1].expand(200_000, 1))
        action, log_prob = squashed(mean, log_std, torch.randn(mean.shape, generator=torch.Generator().manual_seed(1)))
        reached = (one.critics.lower(SEEN, action) - temperature * log_prob).mean().item()
    value, middle, spread = soft_value(best, width, temperature)
    assert abs(action.mean().item() - middle) < 0.01
    assert abs(action.std().item() / spread - 1) < 0.05
    assert value - 0.001 < reached < value + 0.0005


def test_values_are_those_of_the_reward_and_the_soft_value_that_follows() -> None:
    """One action for ever: V = Q - t log pi, and Q of a terminated step its reward."""
    one = task(discount=0.9)
    batch = Batch(
        {
            "observation": SEEN,
            "action": torch.zeros(256, 1),
            "reward": torch.full((256,), 2.0),
            "following": SEEN,
            "discount": torch.where(torch.arange(256) < 128, 0.0, 0.9),
        },
        torch.arange(256),
    )
    one.targets = Parabola(0.0, 1e6)  # type: ignore[assignment]  # of no value, so that entropy alone is left
    one.actor.head.weight.data.zero_()
    one.actor.head.bias.data.zero_()
    mean, log_std = one.actor(SEEN[:1])
    assert (mean.item(), log_std.item()) == (0.0, -1.5)  # the middle of the bounds
    torch.manual_seed(5)
    _, log_prob = squashed(mean.expand(256, 1), log_std.expand(256, 1), torch.randn(256, 1))
    goal = batch["reward"] + batch["discount"] * -log_prob  # the temperature is 1 at first
    torch.manual_seed(5)
    found = one.critics_loss(batch).value
    first, second = one.critics(SEEN, batch["action"])
    torch.testing.assert_close(found, ((first - goal) ** 2 + (second - goal) ** 2).mean())


def test_the_temperature_rises_where_the_entropy_is_too_low_and_falls_where_it_is_too_high() -> None:
    batch = Batch({"observation": SEEN}, torch.arange(len(SEEN)))
    for aim, sign in ((2.0, 1), (-9.0, -1)):
        one = task(target_entropy=aim)
        one.temperature_loss(batch).value.backward()
        gradient = one.log_temperature.grad
        assert gradient is not None
        assert -sign * gradient.item() > 0


def test_it_begins_with_any_action_and_then_draws_its_own() -> None:
    one, seen = task(), torch.zeros(20_000, 1)
    uniform = one.act(seen, torch.Generator().manual_seed(0))["action"]
    assert abs(uniform.std().item() - 1 / math.sqrt(3)) < 0.01
    one.after_step(StepRecord(1, 0, 1, {}, {}, 0.0))
    drawn = one.act(seen, torch.Generator().manual_seed(0))["action"]
    assert abs(drawn.std().item() - uniform.std().item()) > 0.05
