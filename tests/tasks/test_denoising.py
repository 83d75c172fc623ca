"""Guidance by a weaker network beside closed forms: of Gaussian data every estimate is linear, and so is what is mixed of two."""

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from torch import Tensor, nn

from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.generation import SampleRequest
from sonde.tasks.denoising import guided_by
from sonde.tasks.diffusion.config import DiffusionConfig
from sonde.tasks.diffusion.task import Diffusion
from sonde.tasks.flow_matching.config import FlowMatchingConfig
from sonde.tasks.flow_matching.task import FlowMatching

SPEC = InputSpec(kind="array", shape=(1,))
NONE = TargetSpec(kind="none", names=("row",))


class Nothing(nn.Module):
    condition = 8

    def forward(self, input: Tensor, condition: Tensor) -> Tensor:
        return torch.zeros_like(input)


def velocity(mean: float, spread: float, at: Tensor, time: float) -> Tensor:
    """E[data - noise | (1 - t) noise + t data] of data ~ N(mean, spread²)."""
    variance = (1 - time) ** 2 + (time * spread) ** 2
    return mean + (time * spread**2 - (1 - time)) * (at - time * mean) / variance


def denoised(mean: float, spread: float, at: Tensor, sigma: float) -> Tensor:
    """E[data | data + σ ε]."""
    return mean + spread**2 / (spread**2 + sigma**2) * (at - mean)


def test_a_mean_of_the_data_is_as_computed_by_hand() -> None:
    """At x = 1 and σ = 1, N(0, 1) gives 1/2 and N(0, 4) gives 4/5; of weight 2 that is 4/5 + 2 (1/2 - 4/5) = 1/5."""
    at = torch.tensor([[1.0]])
    request = SampleRequest(start=at, guidance=2.0, weaker=lambda at, level: denoised(0, 2, at, level))
    found = guided_by(lambda at, level, label, guidance: denoised(0, 1, at, level), at, 1.0, request)
    torch.testing.assert_close(found, torch.tensor([[0.2]]))


def test_the_mixed_score_is_that_of_the_mixed_densities() -> None:
    """w log p + (1 - w) log q of two Gaussians is a Gaussian's again: its precision and its mean are the mixed ones."""
    at, sigma, weight = torch.linspace(-2, 2, 9)[:, None], 0.7, 1.8
    request = SampleRequest(start=at, guidance=weight, weaker=lambda at, level: denoised(-0.2, 0.9, at, level))
    found = guided_by(lambda at, level, label, guidance: denoised(0.4, 0.5, at, level), at, sigma, request)
    strong, weak = 1 / (0.5**2 + sigma**2), 1 / (0.9**2 + sigma**2)
    precision = weight * strong + (1 - weight) * weak
    mean = (weight * strong * 0.4 + (1 - weight) * weak * -0.2) / precision
    torch.testing.assert_close((found - at) / sigma**2, -precision * (at - mean))


@pytest.mark.parametrize("weight", [1.5, 3.0])
def test_samples_of_a_flow_follow_the_mixed_velocity(weight: float) -> None:
    made = FlowMatching(Nothing(), NONE, FlowMatchingConfig(), input=SPEC)
    made.velocity = lambda at, time, label, guidance=1.0: velocity(0.7, 0.4, at, time)  # type: ignore[method-assign]
    start = torch.linspace(-2, 2, 5, dtype=torch.float64)[:, None]
    request = SampleRequest(
        start=start, steps=200, guidance=weight, weaker=lambda at, time: velocity(0.2, 0.8, at, time)
    )

    def mixed(time: float, at: np.ndarray) -> np.ndarray:
        one, other = (velocity(*each, torch.from_numpy(at), time).numpy() for each in ((0.7, 0.4), (0.2, 0.8)))
        return other + weight * (one - other)

    wanted = solve_ivp(mixed, (0, 1), start[:, 0].numpy(), rtol=1e-9, atol=1e-9).y[:, -1]
    torch.testing.assert_close(made.draw(request)[:, 0], torch.from_numpy(wanted), atol=1e-3, rtol=0)


def test_samples_of_diffusion_follow_the_mixed_mean() -> None:
    """With D = μ + s² (x - μ) / (s² + σ²) of both, DDIM's path is a product of factors, step by step."""
    made = Diffusion(Nothing(), NONE, DiffusionConfig(), input=SPEC)
    made.denoised = lambda noisy, sigma, label, guidance=1.0: denoised(0, 0.5, noisy, sigma)  # type: ignore[method-assign]
    start = torch.linspace(-2, 2, 5, dtype=torch.float64)[:, None]
    seen: list[float] = []

    def weaker(at: Tensor, sigma: float) -> Tensor:
        seen.append(sigma)
        return denoised(0, 0.9, at, sigma)

    found = made.draw(SampleRequest(start=start, steps=30, sampler="ddim", guidance=2.0, weaker=weaker))
    at = start * (seen[0] ** 2 + 1) ** 0.5
    for now, then in zip(seen, [*seen[1:], 0.0], strict=True):
        kept = 2 * 0.25 / (0.25 + now**2) - 0.81 / (0.81 + now**2)
        at = at * (kept + then / now * (1 - kept))
    torch.testing.assert_close(found, at)


def test_at_weight_1_and_without_a_weaker_one_nothing_is_mixed() -> None:
    at, asked = torch.ones(2, 1), []

    def estimate(at: Tensor, level: float, label: Tensor | None, guidance: float) -> Tensor:
        asked.append(guidance)
        return at

    guided_by(estimate, at, 0.5, SampleRequest(start=at, guidance=3.0))
    guided_by(estimate, at, 0.5, SampleRequest(start=at, guidance=3.0, weaker=lambda at, level: at))
    assert asked == [3.0, 1.0]  # classifier-free guidance gives way to the weaker network
