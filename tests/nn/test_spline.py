"""Splines: undone, with autograd's slope, flat where nothing is asked and beyond their bounds."""

import torch

from sonde.nn.spline import BOUND, spline, undone


def test_slopes_are_autograds_and_values_come_back() -> None:
    torch.manual_seed(0)
    input = (torch.rand(500, 3, dtype=torch.float64) * 10 - 5).requires_grad_()
    raw = 2 * torch.randn(500, 3, 23, dtype=torch.float64)
    bent, log_slope = spline(input, raw)
    (gradient,) = torch.autograd.grad(bent.sum(), input)
    torch.testing.assert_close(gradient.log(), log_slope)
    torch.testing.assert_close(undone(bent, raw), input)
    outside = input.abs() >= BOUND
    assert outside.any()
    assert torch.equal(bent[outside], input[outside])


def test_it_increases_and_is_continuous() -> None:
    torch.manual_seed(1)
    grid = torch.linspace(-5, 5, 20_001, dtype=torch.float64)
    bent, _ = spline(grid, (2 * torch.randn(23, dtype=torch.float64)).expand(len(grid), -1))
    assert (bent.diff() > 0).all()
    assert float(bent.diff().max()) < 0.1


def test_zeros_bend_nothing() -> None:
    input = torch.linspace(-5, 5, 101, dtype=torch.float64)
    bent, log_slope = spline(input, torch.zeros(101, 23, dtype=torch.float64))
    torch.testing.assert_close(bent, input)
    torch.testing.assert_close(log_slope, torch.zeros_like(input), atol=1e-12, rtol=0)
