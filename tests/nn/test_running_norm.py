"""Running means and deviations."""

import torch

from sonde.nn.running_norm import MOST, RunningNorm


def test_statistics_of_parts_are_those_of_the_whole() -> None:
    rows = torch.randn(1000, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 5, 0.1]) + 2
    norm = RunningNorm((3,))
    assert torch.equal(norm(rows[:5]), rows[:5].clamp(-10, 10))
    for part in rows.split([1, 2, 500, 497]):
        norm.observe(part)
    torch.testing.assert_close(norm.mean, rows.mean(0))
    torch.testing.assert_close(norm.variance, rows.var(0, unbiased=False))
    torch.testing.assert_close(norm(rows).std(0, unbiased=False), torch.ones(3), atol=1e-3, rtol=0)


def test_after_very_many_rows_the_variance_does_not_grow_by_itself() -> None:
    norm = RunningNorm((1,))
    norm.observe(torch.tensor([[-1.0], [1.0]]))
    norm.count.fill_(4 * MOST)
    for _ in range(2_000):
        norm.observe(torch.tensor([[-1.0]]))
        norm.observe(torch.tensor([[1.0]]))
    assert norm.count == MOST
    torch.testing.assert_close(norm.variance, torch.ones(1), atol=1e-3, rtol=0)
