import math

import pytest
import torch
from torch import Tensor

from sonde.nn.path_denoiser import SPEED, PathDenoiser, ResidualScale

SIZES = {"look_back": 10, "horizon": 6, "variables": 3, "width": 16, "layers": 2}


def made(**more: int) -> PathDenoiser:
    torch.manual_seed(0)
    net = PathDenoiser(**{**SIZES, **more})
    for parameter in net.parameters():  # none of them 0, as some are at first
        torch.nn.init.normal_(parameter, std=0.3)
    return net


def window(rows: int = 2, variables: int = 3) -> tuple[Tensor, Tensor, Tensor]:
    return torch.randn(rows, 10, variables), torch.randn(rows, 6, variables), torch.rand(rows, 1, variables) + 0.5


def test_it_begins_by_answering_nothing_and_every_parameter_learns() -> None:
    net = PathDenoiser(**SIZES, known=2)
    code = net.code(*window(), torch.randn(2, 6, 2))
    assert not net(torch.randn(2, 5, 6, 3), torch.rand(2, 5), code).any()
    net = made(known=2)
    code = net.code(*window(), torch.randn(2, 6, 2))
    net(torch.randn(2, 5, 6, 3), torch.rand(2, 5), code).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in net.parameters())


def test_paths_know_nothing_of_one_another_and_variables_do() -> None:
    net, noisy, time = made(), torch.randn(2, 5, 6, 3), torch.rand(2, 1)
    code = net.code(*window())
    found = net(noisy, time, code)
    torch.testing.assert_close(net(noisy[:, 2:3], time, code), found[:, 2:3])
    torch.testing.assert_close(net(noisy, time.expand(2, 5), code), found)
    other = noisy.clone()
    other[0, 0, :, 1] += 1
    changed = (net(other, time, code) - found).abs().amax(2) > 1e-6  # (B, M, V)
    assert changed[0, 0].all()
    assert not changed[0, 1:].any()
    assert not changed[1].any()


@pytest.mark.parametrize("scale", [3.0, 0.2])
def test_the_likelihood_is_least_at_the_root_of_the_mean_square(scale: float) -> None:
    drawn = scale * torch.randn(4000, 2, 1, generator=torch.Generator().manual_seed(0))
    root, module = drawn.square().mean(0).sqrt(), ResidualScale(2, 1)
    for factor in (0.9, 1.0, 1.1):
        module.logarithm.data = (factor * root).log() / SPEED
        (slope,) = torch.autograd.grad(module.likelihood(drawn).mean(), module.logarithm)
        assert (slope.sign() == math.copysign(1, factor - 1)).all() or (factor == 1 and slope.abs().max() < 1e-4)
    torch.testing.assert_close(module(), 1.1 * root)
    value = module.likelihood(drawn).mean().item() + math.log(2 * math.pi) / 2
    assert value == pytest.approx(-torch.distributions.Normal(0.0, module()).log_prob(drawn).mean().item(), rel=1e-5)
