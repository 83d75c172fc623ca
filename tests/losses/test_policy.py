"""Losses of policies and of their values, by hand."""

import pytest
import torch

from sonde.losses.policy import clipped_surrogate, explained_variance, standardised, value_error

BEFORE, TARGET = torch.zeros(2), torch.tensor([1.0, -1.0])


def test_the_surrogate_is_clipped_where_that_is_worse() -> None:
    ratio, advantage = torch.tensor([1.5, 0.5, 1.5, 0.5]), torch.tensor([1.0, 1.0, -1.0, -1.0])
    assert float(clipped_surrogate(ratio, advantage, 0.2)) == pytest.approx(-(1.2 + 0.5 - 1.5 - 0.8) / 4)


def test_values_that_moved_far_are_held_to_the_clip() -> None:
    value = torch.tensor([0.9, 0.9])
    assert float(value_error(value, TARGET, before=BEFORE, clip=None)) == pytest.approx((0.01 + 3.61) / 4)
    assert float(value_error(value, TARGET, before=BEFORE, clip=0.2)) == pytest.approx((0.64 + 3.61) / 4)


def test_advantages_are_standardised() -> None:
    found = standardised(torch.tensor([1.0, 2.0, 3.0]))
    torch.testing.assert_close(found, torch.tensor([-1.0, 0.0, 1.0]) * 1.5**0.5)


def test_explained_variance_is_one_for_perfect_values_and_none_for_a_constant() -> None:
    assert float(explained_variance(TARGET, TARGET)) == 1
    assert float(explained_variance(BEFORE + 3, TARGET)) == 0
