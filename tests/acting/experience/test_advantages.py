"""Generalised advantage estimation."""

import pytest
import torch

from sonde.acting.experience.advantages import advantages

GAMMA, LAMBDA = 0.9, 0.8


def column(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)[:, None]


def flags(*values: int) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.bool)[:, None]


def found(reward: torch.Tensor, value: torch.Tensor, following: torch.Tensor, **more: torch.Tensor) -> list[float]:
    return advantages(reward, value, following, discount=GAMMA, gae_lambda=LAMBDA, **more)[:, 0].tolist()


def test_a_sum_of_discounted_deltas_as_in_the_paper() -> None:
    reward, value, following = column(1, 2, 3), column(0.5, 0.25, 2), column(0.25, 2, 4)
    none = flags(0, 0, 0)
    deltas = (reward + GAMMA * following - value)[:, 0].tolist()
    by_hand = [sum((GAMMA * LAMBDA) ** (late - step) * deltas[late] for late in range(step, 3)) for step in range(3)]
    assert found(reward, value, following, terminated=none, ended=none) == pytest.approx(by_hand)


def test_what_follows_a_termination_is_worth_nothing_and_what_follows_a_truncation_its_value() -> None:
    reward, value, following = column(1, 1), column(0, 0), column(10, 10)
    cut = found(reward, value, following, terminated=flags(0, 0), ended=flags(1, 1))
    over = found(reward, value, following, terminated=flags(1, 1), ended=flags(1, 1))
    assert cut == pytest.approx([10, 10])
    assert over == pytest.approx([1, 1])


def test_with_lambda_1_advantage_and_value_are_the_return() -> None:
    reward, value = column(1, 1, 1), column(0.3, 0.2, 0.1)
    following = torch.cat([value[1:], column(7.0)])
    ends = flags(0, 0, 1)
    all_in = advantages(reward, value, following, terminated=ends, ended=ends, discount=GAMMA, gae_lambda=1.0)
    assert (all_in + value)[:, 0].tolist() == pytest.approx([1 + 0.9 + 0.81, 1 + 0.9, 1])
