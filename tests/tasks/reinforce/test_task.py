"""REINFORCE beside the exact gradient of the return."""

from typing import Any

import pytest
import torch

from sonde.core.batch import Batch
from sonde.tasks.reinforce.config import REINFORCEConfig
from sonde.tasks.reinforce.task import REINFORCE
from tests.acting.policies import gradient, task

SHARES, EARNED = torch.tensor([0.5, 0.25, 0.25]).double(), torch.tensor([1.0, -2.0, 4.0]).double()


def bandit(**settings: Any) -> Any:
    """Three arms, pulled with the probabilities of `SHARES`."""
    made = task(REINFORCE, REINFORCEConfig(scale_observations=False, **settings))
    head = made.policy.actor.head
    torch.nn.init.zeros_(head.weight)
    head.bias.data = SHARES.log()
    return made


def pulled(*actions: int, length: float = 1.0) -> Batch:
    chosen = torch.tensor(actions)
    rows = len(chosen)
    fields = {
        "observation": torch.ones(rows, 2).double(),
        "action": chosen,
        "return": EARNED[chosen],
        "length": torch.full((rows,), length).double(),
    }
    return Batch(fields, torch.arange(rows))


@pytest.mark.parametrize("baseline", [False, True])
def test_its_gradient_is_minus_that_of_the_expected_return(baseline: bool) -> None:
    """Of softmax over arms dJ/dlogit = pi (r - J); pulls as often as they are likely are the expectation itself."""
    made = bandit(baseline=baseline)
    if baseline:
        made.policy.critic.head.bias.data.fill_(7.0)  # any baseline leaves the expectation as it is
    exact = SHARES * (EARNED - (SHARES * EARNED).sum())
    found = gradient(made, pulled(0, 0, 1, 2))[1]
    torch.testing.assert_close(found, -exact, rtol=0, atol=1e-12)


def test_actions_of_an_episode_are_summed_and_episodes_averaged() -> None:
    """Two episodes of two pulls each count twice as much as four of one."""
    made = bandit(baseline=False)
    one, two = gradient(made, pulled(0, 0, 1, 2)), gradient(made, pulled(0, 0, 1, 2, length=2.0))
    torch.testing.assert_close(two[1], 2 * one[1])


def test_a_better_baseline_makes_gradients_of_single_pulls_smaller() -> None:
    made, spread = bandit(), []
    for value in (0.0, float((SHARES * EARNED).sum())):
        made.policy.critic.head.weight.data.zero_()
        made.policy.critic.head.bias.data.fill_(value)
        single = torch.stack([gradient(made, pulled(arm))[1] for arm in range(3)])
        spread.append(float((SHARES[:, None] * single.square()).sum()))
    assert spread[1] < 0.9 * spread[0]


def test_the_entropy_s_gradient_is_that_of_its_definition() -> None:
    with_it, without = (gradient(bandit(baseline=False, entropy_weight=w), pulled(0, 1))[1] for w in (0.5, 0.0))
    logits = SHARES.log().requires_grad_()
    entropy = -(logits.softmax(0) * logits.log_softmax(0)).sum()
    torch.testing.assert_close(with_it - without, -0.5 * torch.autograd.grad(entropy, logits)[0])
