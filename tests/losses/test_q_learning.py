"""Losses of action values."""

import torch
import torch.nn.functional as F

from sonde.losses.q_learning import huber, quantile_huber


def test_huber_is_that_of_torch() -> None:
    error = torch.linspace(-3, 3, 25)
    torch.testing.assert_close(huber(error), F.huber_loss(error, torch.zeros(25), reduction="none"))


def test_quantiles_that_minimise_the_loss_are_those_of_the_targets() -> None:
    """Far apart, where the loss is nearly that of quantile regression."""
    draws = torch.randn(1, 4001, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 1000
    found = torch.zeros(1, 5, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([found], lr=30)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.99)
    for _ in range(600):
        optimizer.zero_grad()
        quantile_huber(found, draws).sum().backward()
        optimizer.step()
        schedule.step()
    exact = draws[0].quantile(torch.tensor([0.1, 0.3, 0.5, 0.7, 0.9], dtype=torch.float64))
    torch.testing.assert_close(found.detach()[0], exact, atol=30, rtol=0)  # 3 % of the spread
