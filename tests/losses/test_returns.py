"""Returns of several steps beside sums by hand."""

import pytest
import torch

from sonde.core.batch import Batch
from sonde.losses.returns import ahead


def test_rewards_are_discounted_by_how_late_they_come_and_values_by_how_many_there_were() -> None:
    fields = {
        "reward": torch.tensor([[1.0, 2.0, 4.0], [3.0, 5.0, 0.0]]).double(),
        "steps": torch.tensor([3.0, 2.0]).double(),
        "goes_on": torch.tensor([1.0, 0.0]).double(),
    }
    reward, discount = ahead(Batch(fields, torch.arange(2)), 0.5)
    assert reward.tolist() == [1 + 1 + 1, 3 + 2.5]
    assert discount.tolist() == [0.125, 0.0]


def test_of_one_step_there_is_the_reward_and_one_discount() -> None:
    fields = {"reward": torch.tensor([1.0, 2.0]), "goes_on": torch.tensor([1.0, 0.0])}
    reward, discount = ahead(Batch(fields, torch.arange(2)), 0.9)
    assert reward.tolist() == [1.0, 2.0]
    assert discount.tolist() == pytest.approx([0.9, 0.0])
