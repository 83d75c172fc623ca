"""How well logged actions are followed."""

import pytest
import torch

from sonde.metrics.followed import FollowedMeter


def test_means_are_over_rows_however_they_are_batched() -> None:
    one, first, second = FollowedMeter(), FollowedMeter(), FollowedMeter()
    values = torch.tensor([0.5, -1.0, 2.5, 7.0])
    one.update({"log_likelihood": values}, torch.arange(4))
    first.update({"log_likelihood": values[:1]}, torch.arange(1))
    second.update({"log_likelihood": values[1:]}, torch.arange(1, 4))
    first.merge(second)
    assert one.compute() == first.compute() == {"log_likelihood": pytest.approx(2.25)}


def test_episodes_are_told_by_their_returns() -> None:
    one = FollowedMeter()
    one.update({"return": torch.tensor([1.0, 3.0]), "length": torch.tensor([2.0, 2.0])}, torch.arange(2))
    assert one.compute()["return"] == 2.0
    assert one.details()["episodes"]["return"] == [1.0, 3.0]
