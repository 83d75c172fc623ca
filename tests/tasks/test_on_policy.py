"""What tasks that learn from their policy as it stands share."""

import pytest
import torch

from sonde.acting.experience.deciding import Deciding
from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.models.policy_gru import PolicyGRU, PolicyGRUConfig
from sonde.tasks.on_policy import Policy
from tests.acting.policies import CHOICE, Numbers

SEEN = InputSpec(kind="environment", shape=(2,))
ROWS = 7


def remembering() -> Policy:
    torch.manual_seed(0)
    policy = Policy(PolicyGRU(SEEN, 3, PolicyGRUConfig(hidden=(4,), width=5)), CHOICE, SEEN, scale_observations=True)
    torch.nn.init.normal_(policy.actor.head.weight)  # so that what is likeliest changes
    return policy


def batch(seen: torch.Tensor, first: int) -> Batch:
    return Batch({"input": seen}, torch.arange(first, first + len(seen)))


def test_rows_that_are_predicted_are_one_episode_in_whatever_batches() -> None:
    policy, seen = remembering(), torch.randn(ROWS, 2, generator=torch.Generator().manual_seed(1))
    acting = policy.abilities(discount=0.9, sampled=False).acting
    assert acting is not None
    decide = Deciding(acting, 1, torch.device("cpu"))
    acted = [int(decide(row[None], None)["action"]) for row in seen]
    values = policy.predict(batch(seen, 0))["value"]
    for cut in (1, 3, 7):
        parts = [policy.predict(batch(seen[at : at + cut], at)) for at in range(0, ROWS, cut)]
        assert torch.cat([part["action"] for part in parts]).tolist() == acted
        torch.testing.assert_close(torch.cat([part["value"] for part in parts]), values)
    assert len({*acted}) > 1


def test_values_are_in_the_environment_s_rewards() -> None:
    policy, seen = Policy(Numbers(), CHOICE, SEEN, scale_observations=False), torch.randn(3, 2)
    acting = policy.abilities(discount=0.9, sampled=False).acting
    assert acting is not None
    assert acting.rescaled is not None
    assert acting.unit is not None
    before = policy.predict(batch(seen, 0))["value"]
    acting.rescaled(4.0)
    assert acting.unit() == 4
    torch.testing.assert_close(policy.predict(batch(seen, 0))["value"], 4 * before)


@pytest.mark.parametrize(
    ("target", "action", "sent"),
    [
        (TargetSpec(kind="action", names=("5", "6")), [0, 1], [5, 6]),
        (TargetSpec(kind="actions", names=("a", "b"), shape=(2, 3), mean=(0, -1)), [[0, 2], [1, 0]], [[0, 1], [1, -1]]),
        (TargetSpec(kind="actions", names=("a",), shape=(2,), mean=(0,)), [0, 1], [[0], [1]]),
        (TargetSpec(kind="control", names=("a",), mean=(1,), std=(2,)), [[0.5], [3.0]], [[2.0], [3.0]]),
    ],
)
def test_actions_are_sent_as_environments_take_them(target: TargetSpec, action: list, sent: list) -> None:
    policy = Policy(Numbers(), target, SEEN, scale_observations=False)
    assert policy.sent(torch.tensor(action)).tolist() == sent


def test_without_a_critic_there_is_no_value() -> None:
    policy = Policy(Numbers(), CHOICE, SEEN, scale_observations=False, critic=False)
    assert set(policy.predict(batch(torch.randn(3, 2), 0))) == {"action"}
    acting = policy.abilities(discount=0.9, sampled=False).acting
    assert acting is not None
    assert acting.value is None
