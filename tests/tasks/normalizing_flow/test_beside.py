"""A mixture beside a flow: its density, its draws, and the share that suits rows."""

import math

import pytest
import torch
from scipy.stats import norm

from sonde.tasks.normalizing_flow.beside import Beside, best_share, mixed


def test_the_share_is_that_of_the_rows() -> None:
    torch.manual_seed(0)
    rows = torch.where(torch.rand(20_000) < 0.3, 3 + torch.randn(20_000), torch.randn(20_000)).double()
    first, second = (torch.from_numpy(norm.logpdf(rows.numpy(), middle)) for middle in (0, 3))
    share = best_share(first, second)
    assert share == pytest.approx(0.3, abs=0.02)
    likeliest = mixed(first, second, share).mean()
    assert all(mixed(first, second, share + off).mean() < likeliest for off in (-0.05, 0.05))
    assert best_share(first[:2], first[:2]) > 0.9  # two rows are no reason to leave the mixture
    assert 0 < best_share(first - 1e4, second) < 1  # never all or nothing


def test_an_average_costs_no_more_than_the_logarithm_of_its_share() -> None:
    first, second = torch.tensor([-1.0, -900.0]), torch.tensor([-900.0, -2.0])
    torch.testing.assert_close(mixed(first, second, 0.25), torch.tensor([-1.0 + math.log(0.75), -2.0 + math.log(0.25)]))


def test_what_is_drawn_is_as_likely_as_the_density_says() -> None:
    torch.manual_seed(1)
    groups = torch.tensor([[3.0, 0.0], [-3.0, 1.0]])
    rows = groups[torch.randint(0, 2, (3000,))] + torch.randn(3000, 2) * torch.tensor([0.5, 1.0])
    made = Beside(8, 2)
    assert not list(made.parameters())
    made.fit(rows)
    drawn = made.draw(torch.randn(20_000, 2), torch.rand(20_000))
    assert float(made(drawn).mean()) == pytest.approx(float(made(rows).mean()), abs=0.03)
    torch.testing.assert_close(drawn.mean(0), rows.mean(0), atol=0.1, rtol=0)
    torch.testing.assert_close(torch.cov(drawn.T), torch.cov(rows.T), atol=0.25, rtol=0)
