"""Deep Q-learning beside values that are known."""

from typing import Any

import pytest
import torch
from torch import nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.records import StepRecord
from sonde.tasks.dqn.config import DQNConfig
from sonde.tasks.dqn.task import DQN

PLACES, DISCOUNT = 3, 0.5
RANGE: dict[str, Any] = {"atoms": 41, "value_range": (-2.0, 2.0)}


class Tabular(nn.Identity):
    """As many features as places: a value for each is all there is to learn."""

    features = PLACES + 1


def task(**settings: Any) -> DQN:
    torch.manual_seed(0)
    target = TargetSpec(kind="action", names=("0", "1"))
    config = DQNConfig(discount=DISCOUNT, target_every=10, **settings)
    return DQN(Tabular(), target, config, input=InputSpec(kind="environment", shape=(PLACES + 1,)))


def corridor() -> Batch:
    """Action 0 goes on along three places and earns 1 each; action 1 ends it all, and earns nothing."""
    place, action = torch.arange(PLACES).repeat(2), torch.tensor([0, 1]).repeat_interleave(PLACES)
    over = (action == 1) | (place == PLACES - 1)
    seen = torch.eye(PLACES + 1)
    fields = {
        "observation": seen[place],
        "action": action,
        "reward": (action == 0).float(),
        "following": seen[place + 1],
        "discount": DISCOUNT * (~over).float(),
        "weight": torch.ones(2 * PLACES),
    }
    return Batch(fields, torch.arange(2 * PLACES))


def record(step: int) -> StepRecord:
    return StepRecord(step, 0, 6, {}, {}, 0.05)


KINDS: list[dict[str, Any]] = [
    {},
    {"dueling": True},
    {"quantiles": 4},
    RANGE,
    {"double": False, "dueling": True, **RANGE},
    {"priority": 0.6},
]


@pytest.mark.parametrize("settings", KINDS)
def test_values_become_those_of_the_corridor(settings: dict[str, Any]) -> None:
    one, batch = task(**settings), corridor()
    optimizer = torch.optim.Adam(one.network.parameters(), lr=0.05)
    for step in range(1, 401):
        optimizer.zero_grad()
        one.loss(batch).value.backward()
        optimizer.step()
        one.after_step(record(step))
    values = one.predict(Batch({"input": torch.eye(PLACES + 1)[:PLACES]}, torch.arange(PLACES)))["values"]
    exact = torch.tensor([[1.75, 0.0], [1.5, 0.0], [1.0, 0.0]])
    torch.testing.assert_close(values, exact, atol=0.05, rtol=0)


def test_errors_of_an_update_are_handed_over_once() -> None:
    one, batch = task(priority=0.6), corridor()
    one.loss(batch)
    assert one.errors() is None  # looked at, and not learned from
    for part in (slice(0, 2), slice(2, 6)):  # in two pieces, as with --accumulate
        one.loss(Batch({name: value[part] for name, value in batch.fields.items()}, batch.index[part]))
    one.after_step(record(1))
    found = one.errors()
    assert found is not None
    values = one.network.values(batch["observation"])[torch.arange(6), batch["action"]]
    following = one.target.values(batch["following"])[
        torch.arange(6), one.network.values(batch["following"]).argmax(-1)
    ]
    expected = (values - batch["reward"] - batch["discount"] * following).abs()
    assert found[0].tolist() == list(range(6))
    torch.testing.assert_close(found[1], expected.detach())
    assert one.errors() is None


def test_weights_scale_what_is_learned_from_each_transition() -> None:
    one, batch = task(priority=0.6), corridor()
    alone = [
        one.loss(
            Batch({name: value[k : k + 1] for name, value in batch.fields.items()}, batch.index[k : k + 1])
        ).value.item()
        for k in range(6)
    ]
    weight = torch.tensor([1.0, 0, 0, 0.5, 0, 0])
    weighted = one.loss(Batch({**batch.fields, "weight": weight}, batch.index)).value
    assert weighted.item() == pytest.approx((alone[0] + alone[3] / 2) / 6)
