import math

import pytest
import torch

from sonde.metrics.mean import Mean


def test_weighted_means_of_columns_in_pieces() -> None:
    values, weights = torch.arange(12.0).view(6, 2), torch.tensor([[1.0, 0.0]] * 3 + [[2.0, 1.0]] * 3)
    one, other = Mean(), Mean()
    one.update(values[:2], weights[:2])
    other.update(values[2:], weights[2:])
    one.merge(other)
    one.merge(Mean())
    assert one.value().tolist() == pytest.approx(((values * weights).sum(0) / weights.sum(0)).tolist())


def test_sums_are_wide() -> None:
    mean = Mean()
    for _ in range(1000):
        mean.update(torch.full((1000,), 0.1))
    assert mean.value().item() == pytest.approx(float(torch.tensor(0.1)), abs=1e-12)  # float32 sums would drift by 1e-5


def test_nothing_counted_is_nan() -> None:
    mean = Mean()
    mean.update(torch.ones(3), torch.zeros(3))
    assert math.isnan(mean.value().item())
