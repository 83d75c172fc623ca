"""Conservative Q-learning beside values that are known."""

from typing import Any

import pytest
import torch
from torch import nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.records import StepRecord
from sonde.tasks.cql.config import CQLConfig
from sonde.tasks.cql.task import CQL


class Tabular(nn.Identity):
    """One-hot places are all the features there are."""

    features = 4


def trained(batch: Batch, steps: int = 500, **settings: Any) -> torch.Tensor:
    torch.manual_seed(0)
    target = TargetSpec(kind="logged-action", names=("0", "1"))
    one = CQL(
        Tabular(), target, CQLConfig(target_every=10, **settings), input=InputSpec(kind="environment", shape=(4,))
    )
    optimizer = torch.optim.Adam(one.network.parameters(), lr=0.05)
    for step in range(1, steps + 1):
        optimizer.zero_grad()
        one.loss(batch).value.backward()
        optimizer.step()
        one.after_step(StepRecord(step, 0, len(batch), {}, {}, 0.05))
    return one.predict(Batch({"input": torch.eye(4)}, torch.arange(4)))["values"]


def steps_of(
    place: list[int], action: list[int], reward: list[float], over: list[bool], known: list[bool] | None = None
) -> Batch:
    seen = torch.eye(4)
    fields = {
        "input": seen[place],
        "target": torch.tensor(action),
        "reward": torch.tensor(reward),
        "following": seen[[number + 1 for number in place]],
        "goes_on": 1 - torch.tensor(over).float(),
        "known": torch.ones(len(place)) if known is None else torch.tensor(known).float(),
    }
    return Batch(fields, torch.arange(len(place)))


@pytest.mark.parametrize("settings", [{}, {"dueling": True}, {"double": False}])
def test_without_being_conservative_values_are_those_of_the_corridor(settings: dict[str, Any]) -> None:
    """Action 0 goes on along three places and earns 1 each; action 1 ends it all, and earns nothing."""
    batch = steps_of([0, 1, 2] * 2, [0] * 3 + [1] * 3, [1.0] * 3 + [0.0] * 3, [False, False, True, True, True, True])
    values = trained(batch, conservative=0.0, discount=0.5, **settings)
    torch.testing.assert_close(values[:3], torch.tensor([[1.75, 0.0], [1.5, 0.0], [1.0, 0.0]]), atol=0.05, rtol=0)


def test_one_step_is_where_pulling_down_and_learning_the_reward_are_level() -> None:
    """The gradient of equation 4 for each action a of a share mu of the log: weight (softmax(Q) - mu) + mu (Q - r) = 0."""
    action, reward = [0] * 3 + [1], [0.5] * 3 + [0.2]
    batch = steps_of([0] * 4, action, reward, [True] * 4)
    for weight in (0.5, 2.0):
        values = trained(batch, conservative=weight)[0].double()
        mu, earned = torch.tensor([0.75, 0.25]), torch.tensor([0.5, 0.2])
        torch.testing.assert_close(
            weight * (values.softmax(-1) - mu) + mu * (values - earned), torch.zeros(2).double(), atol=2e-3, rtol=0
        )


class Pixels(nn.Flatten):
    features = 4


@pytest.mark.parametrize("double", [True, False])
def test_what_followed_is_seen_as_pixels_are(double: bool) -> None:
    """A batch holds bytes that are no input as whole numbers: 255 of them is white, as the input's 1."""
    input = InputSpec(kind="environment", shape=(1, 2, 2), mean=(0.0,), std=(1.0,))
    torch.manual_seed(0)
    one = CQL(Pixels(), TargetSpec(kind="logged-action", names=("0", "1")), CQLConfig(double=double), input=input)
    seen = torch.randint(0, 256, (8, 1, 2, 2))
    fields = {name: torch.ones(8) for name in ("reward", "goes_on", "known")} | {"target": torch.zeros(8).long()}
    errors = [
        one.loss(Batch({**fields, "input": seen / 255, "following": each}, torch.arange(8))).parts["error"]
        for each in (seen, seen / 255)
    ]
    torch.testing.assert_close(*errors)


def test_an_action_that_the_log_does_not_take_is_not_believed() -> None:
    batch = steps_of([0] * 4, [0] * 4, [0.3] * 4, [True] * 4)
    sure, greedy = trained(batch, conservative=1.0)[0], trained(batch, conservative=0.0)[0]
    assert sure[1] < sure[0] - 3
    assert greedy[0].item() == pytest.approx(0.3, abs=0.01)


def test_a_step_that_is_followed_by_nobody_knows_what_has_no_value_to_learn() -> None:
    batch = steps_of([0, 0], [0, 1], [1.0, 50.0], [True, False], known=[True, False])
    values = trained(batch, conservative=0.0)[0]
    assert values[0].item() == pytest.approx(1.0, abs=0.01)
    assert values[1].item() < 5
