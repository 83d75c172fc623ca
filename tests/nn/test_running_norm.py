"""Running means and deviations."""

import torch

from sonde.nn.running_norm import RunningNorm


def test_statistics_of_parts_are_those_of_the_whole() -> None:
    rows = torch.randn(1000, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 5, 0.1]) + 2
    norm = RunningNorm((3,))
    assert torch.equal(norm(rows[:5]), rows[:5].clamp(-10, 10))
    for part in rows.split([1, 2, 500, 497]):
        norm.observe(part)
    torch.testing.assert_close(norm.mean, rows.mean(0))
    torch.testing.assert_close(norm.variance, rows.var(0, unbiased=False))
    torch.testing.assert_close(norm(rows).std(0, unbiased=False), torch.ones(3), atol=1e-3, rtol=0)
