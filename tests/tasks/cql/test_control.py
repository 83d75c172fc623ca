"""Conservative Q-learning of numbers beside quadrature and closed forms, in double precision."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.records import StepRecord
from sonde.models.policy_mlp import PolicyMLP, PolicyMLPConfig
from sonde.tasks.cql.config import CQLConfig
from sonde.tasks.cql.control import CQLOfNumbers
from sonde.tasks.cql.either import cql
from sonde.tasks.cql.task import CQL

INPUT = InputSpec(kind="environment", shape=(1,))
SEEN = torch.ones(64, 1, dtype=torch.float64)


def task(numbers: int = 1, **settings: Any) -> CQLOfNumbers:
    torch.manual_seed(0)
    torso = PolicyMLP(INPUT, 1, PolicyMLPConfig(hidden=(16,)))
    target = TargetSpec(kind="logged-control", names=tuple("ab"[:numbers]), mean=(0.0,) * numbers, std=(1.0,) * numbers)
    found = CQLOfNumbers(torso, target, CQLConfig(**settings), input=INPUT)
    found.modules.double()
    return found


class Parabolas(nn.Module):
    """Q = -(a - best)^2 / 2 width^2 summed over an action's numbers, of the two critics about `best` and `-best`."""

    def __init__(self, best: float, width: float) -> None:
        super().__init__()
        self.best, self.width = best, width

    def forward(self, seen: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        first, second = (-((action - best) ** 2).sum(-1) / (2 * self.width**2) for best in (self.best, -self.best))
        return first, second

    def lower(self, seen: Tensor, action: Tensor) -> Tensor:
        return torch.minimum(*self(seen, action))


def integral(best: float, width: float) -> float:
    """log of the integral of exp(Q) from -1 to 1, of one number."""
    area = math.sqrt(math.pi / 2) * width
    return math.log(area * (math.erf((1 - best) / width / math.sqrt(2)) + math.erf((1 + best) / width / math.sqrt(2))))


@pytest.mark.parametrize("numbers", [1, 2])
def test_the_soft_maximum_is_the_integral_over_all_actions(numbers: int) -> None:
    """Of Gaussian bumps it is known by erf, and independent numbers add up; both halves of the draws are without bias."""
    one = task(numbers, drawn_actions=20_000)
    one.critics = Parabolas(0.4, 0.3)  # type: ignore[assignment]
    one.actor.head.weight.data.zero_()  # a policy that draws from all over, of standard deviation 1 before tanh
    one.actor.head.bias.data = torch.tensor([0.0] * numbers + [math.atanh(3 / 7)] * numbers, dtype=torch.float64)
    first, second = one.soft_maximum(SEEN[:2])
    known = numbers * integral(0.4, 0.3)
    assert first.shape == (2,)
    torch.testing.assert_close(first, torch.full((2,), known).double(), atol=0.02, rtol=0)
    torch.testing.assert_close(second, first, atol=0.04, rtol=0)  # the other bump is the mirror image


def test_the_loss_is_equation_4_by_hand() -> None:
    """Half the squared errors of both critics, and `conservative` times how far each lies below its soft maximum."""
    one = task(drawn_actions=4, conservative=3.0, discount=0.9)
    generator = torch.Generator().manual_seed(1)
    action = 2 * torch.rand(64, 1, generator=generator, dtype=torch.float64) - 1
    reward = torch.rand(64, generator=generator, dtype=torch.float64)
    goes_on, known = torch.arange(64) % 3 > 0, torch.arange(64) % 5 > 0
    fields = {"input": SEEN, "target": action, "reward": reward, "following": 2 * SEEN, "goes_on": goes_on.double()}
    batch = Batch({**fields, "known": known.double()}, torch.arange(64))
    one.critics, one.targets = Parabolas(0.4, 0.3), Parabolas(0.1, 0.5)  # type: ignore[assignment]
    torch.manual_seed(7)
    found = one.critics_loss(batch).value

    torch.manual_seed(7)  # the same draws, in the same order: what follows, the policy's, any
    mean, log_std = one.actor(2 * SEEN)
    after = (mean + log_std.exp() * torch.randn(64, 1, dtype=torch.float64)).tanh()
    goal = reward + 0.9 * goes_on * torch.minimum(*Parabolas(0.1, 0.5)(SEEN, after))
    mean, log_std = one.actor(SEEN.repeat_interleave(4, 0))
    before = mean + log_std.exp() * torch.randn(256, 1, dtype=torch.float64)
    normal = torch.distributions.Normal(mean, log_std.exp()).log_prob(before)
    density = (normal - torch.log(1 - before.tanh() ** 2))[:, 0].exp().view(64, 4)
    anyhow = (2 * torch.rand(256, 1, dtype=torch.float64) - 1).view(64, 4)
    acted, total = before.tanh().view(64, 4), torch.zeros((), dtype=torch.float64)
    for best in (0.4, -0.4):
        value = lambda a, best=best: -((a - best) ** 2) / (2 * 0.3**2)  # noqa: E731
        weighed = value(anyhow).exp() / 0.5, value(acted).exp() / density
        gap = (torch.cat(weighed, 1).mean(1).log() - value(action[:, 0])).mean()
        error = ((value(action[:, 0]) - goal) ** 2 / 2)[known].mean()
        total = total + error + 3.0 * gap
    torch.testing.assert_close(found, total, atol=0, rtol=1e-7)  # log(1 - tanh^2) is rounded


def test_values_of_actions_that_the_log_does_not_take_are_held_down() -> None:
    """One step that is over: every logged action lies about 0.5 and earns 1."""
    values = {}
    for weight in (0.0, 2.0):
        one = task(conservative=weight)
        action = 0.5 + 0.05 * torch.randn(64, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        ones = torch.ones(64, dtype=torch.float64)
        fields = {
            "input": SEEN,
            "target": action,
            "reward": ones,
            "following": SEEN,
            "goes_on": 0 * ones,
            "known": ones,
        }
        batch = Batch(fields, torch.arange(64))
        optimizer = torch.optim.Adam(one.critics.parameters(), lr=0.02)
        for step in range(1, 301):
            optimizer.zero_grad()
            one.critics_loss(batch).value.backward()
            optimizer.step()
            one.after_step(StepRecord(step, 0, 64, {}, {}, 0.0))
        places = torch.tensor([[-0.5], [0.5]], dtype=torch.float64)
        values[weight] = one.critics.lower(SEEN[:2], places).detach()
    assert values[0.0][1].item() == pytest.approx(1.0, abs=0.05)
    assert values[2.0][0] < values[2.0][1] - 1
    assert abs(values[0.0][0] - values[0.0][1]) < abs(values[2.0][0] - values[2.0][1])


def test_actions_are_stretched_to_the_bounds_and_drawn_where_chance_is_given() -> None:
    torso = PolicyMLP(INPUT, 1, PolicyMLPConfig(hidden=(8,)))
    target = TargetSpec(kind="logged-control", names=("a",), mean=(1.0,), std=(3.0,))
    one = cql(torso, target, CQLConfig(), input=INPUT)
    assert isinstance(one, CQLOfNumbers)
    found = one.predict(Batch({"input": torch.randn(50, 1)}, torch.arange(50)))["action"]
    assert found.shape == (50, 1)
    assert -2 <= found.min() <= found.max() <= 4
    drawn = [one.act(torch.zeros(4, 1), torch.Generator().manual_seed(seed))["action"] for seed in (0, 0, 1)]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


@pytest.mark.parametrize(
    ("kind", "setting", "said"),
    [
        (
            "logged-control",
            {"dueling": True},
            "--dueling is for actions that are one of several, and these are numbers",
        ),
        ("logged-control", {"target_every": 5}, "--target-every is for"),
        (
            "logged-action",
            {"follow_share": 0.1},
            "--follow-share is for actions that are numbers, and these are one of",
        ),
        ("logged-action", {"drawn_actions": 3}, "--drawn-actions is for"),
    ],
)
def test_settings_of_other_actions_are_refused(kind: str, setting: dict[str, Any], said: str) -> None:
    torso = PolicyMLP(INPUT, 1, PolicyMLPConfig(hidden=(8,)))
    target = TargetSpec(kind=kind, names=("0", "1"), mean=(0.0,) * 2, std=(1.0,) * 2)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=said):
        cql(torso, target, CQLConfig(**setting), input=INPUT)


def test_one_of_several_actions_goes_to_the_other_task() -> None:
    torso = PolicyMLP(INPUT, 1, PolicyMLPConfig(hidden=(8,)))
    target = TargetSpec(kind="logged-action", names=("0", "1"))
    assert isinstance(cql(torso, target, CQLConfig(), input=INPUT), CQL)
