"""Networks below the heads of a task that acts: what somebody's own give is found by running them once."""

import pytest
import torch
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.policy_mlp import PolicyMLP, PolicyMLPConfig
from sonde.nn.body import Beside, features_of, is_own, reading

ROW = InputSpec(kind="environment", shape=(2,))
PICTURE = InputSpec(kind="environment", shape=(1, 6, 6), mean=(0.0,), std=(1.0,))


class ActorCritic(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.actor, self.critic = nn.Linear(2, 3), nn.Linear(2, 1)

    def forward(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        return self.actor(seen), self.critic(seen)


class Says(nn.Linear):
    features = 4


class Part(nn.Module):
    """Has layers by the name that Sonde's own have for their number."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Linear(2, 7)

    def forward(self, seen: Tensor) -> Tensor:
        return self.features(seen)


def test_features_are_what_it_gives() -> None:
    assert features_of(nn.Sequential(nn.Linear(2, 5), nn.Tanh()), ROW) == 5
    assert features_of(nn.Sequential(nn.Conv2d(1, 3, 3), nn.Flatten()), PICTURE) == 48
    assert features_of(Part(), ROW) == 7
    assert features_of(Says(2, 4), ROW) == 4
    ours = PolicyMLP(ROW, 1, PolicyMLPConfig(hidden=(8,)))
    assert (features_of(ours, ROW), is_own(ours), is_own(nn.Linear(2, 2))) == (8, False, True)


def test_it_is_as_it_was_after_that() -> None:
    body, before = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout(), nn.Linear(2, 5)), torch.get_rng_state()
    body[1].eval()
    features_of(body, ROW)
    assert torch.equal(torch.get_rng_state(), before)
    assert [module.training for module in body] == [True, False, True]
    assert not body[0].running_mean.any()  # type: ignore[operator, union-attr]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            ActorCritic(),
            r"ActorCritic gave a tuple of tensors \(2, 3\), \(2, 1\) .* one tensor \(n, features\), on which",
        ),
        (nn.Unflatten(1, (1, 2)), r"Unflatten gave a tensor \(2, 1, 2\) for observations of shape \(2, 2\)"),
        (nn.Linear(3, 4), r"Linear failed on observations of shape \(2, 2\): RuntimeError: .*\(n, features\)$"),
        (Says(2, 5), "Says says features = 4, and gives 5"),
    ],
)
def test_one_that_gives_no_features_is_refused_with_what_is_expected(body: nn.Module, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        features_of(body, ROW)


def test_an_action_is_read_beside_the_features_of_a_copy() -> None:
    body = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Flatten())
    one, other = reading(body, 2, PICTURE), reading(body, 2, PICTURE)
    assert isinstance(one, Beside)
    pictures, actions = torch.full((4, 1, 6, 6), 255, dtype=torch.uint8), torch.randn(4, 2)
    assert one(pictures, actions).shape == (4, 48)
    torch.testing.assert_close(one(pictures, actions), one(torch.ones(4, 1, 6, 6), actions))
    assert not torch.equal(one(pictures, actions), one(pictures, -actions))
    assert not torch.equal(one(pictures, actions), other(pictures, actions))
    assert not {id(each) for each in body.parameters()} & {id(each) for each in one.parameters()}
    ours = PolicyMLP(ROW, 1, PolicyMLPConfig(hidden=(8,)))
    assert isinstance(reading(ours, 2, ROW), PolicyMLP)
