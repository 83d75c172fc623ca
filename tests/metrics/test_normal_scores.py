import numpy as np
import torch
from scipy import stats

from sonde.metrics.normal_scores import normal_scores


def test_numbers_become_normal_scores_of_their_ranks_and_ones_and_zeros_stay() -> None:
    drawn = np.random.default_rng(0)
    numbers, hot = drawn.exponential(size=200).round(1), drawn.integers(0, 2, 200) * 0.5**0.5
    rows = torch.tensor(np.stack([numbers, hot], 1))
    found = normal_scores(rows, rows)
    wanted = stats.norm.ppf((stats.rankdata(numbers) - 0.5) / 200)
    np.testing.assert_allclose(found[:, 0], wanted, atol=1e-9)
    assert torch.equal(found[:, 1], rows[:, 1])
    beyond = normal_scores(torch.tensor([[1e9, 7.0], [-1e9, 7.0]]), rows)
    np.testing.assert_allclose(beyond, [[stats.norm.ppf(1 - 0.5 / 200), 7.0], [stats.norm.ppf(0.5 / 200), 7.0]])
