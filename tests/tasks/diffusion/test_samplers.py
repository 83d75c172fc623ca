"""Samplers beside closed forms: of Gaussian data the denoiser is known, and so is where the probability-flow ODE ends."""

import math

import pytest
import torch
from torch import Tensor

from sonde.tasks.diffusion.samplers import SAMPLERS, begin, ddim, ddpm, heun
from sonde.tasks.diffusion.schedules import steps

MEAN, SPREAD = 0.7, 0.4
START = torch.randn(1, 2000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def known(at: Tensor, sigma: float) -> Tensor:
    """E[x | x + σ ε] of x ~ N(MEAN, SPREAD²)."""
    return (SPREAD**2 * at + sigma**2 * MEAN) / (SPREAD**2 + sigma**2)


def end(begun: Tensor, sigma: float) -> Tensor:
    """Where the ODE dx/dσ = (x - D(x, σ)) / σ ends at σ = 0: x - MEAN shrinks as √(SPREAD² + σ²)."""
    return MEAN + (begun - MEAN) * SPREAD / math.sqrt(SPREAD**2 + sigma**2)


def unchanged(at: Tensor, sigma: float) -> Tensor:
    return at


def noise(shape: tuple[int, ...]) -> Tensor:
    return torch.randn(shape, dtype=torch.float64)


def off(sampler: str, number: int) -> float:
    """How far a sampler in so many steps ends from the ODE, on average."""
    sigmas = steps("edm", number)
    begun = begin(START, sigmas[0])
    made = SAMPLERS[sampler](known, begun, sigmas, noise, unchanged)
    return float((made - end(begun, sigmas[0])).abs().mean())


@pytest.mark.parametrize(("sampler", "order"), [("ddim", 1), ("heun", 2)])
def test_the_error_falls_with_the_order_of_the_method(sampler: str, order: int) -> None:
    coarse, fine = off(sampler, 200), off(sampler, 400)
    assert math.log2(coarse / fine) > order - 0.15
    assert fine < {1: 4e-3, 2: 1e-4}[order]


def test_ddim_is_the_probability_flow_ode_in_its_limit() -> None:
    assert off("ddim", 20_000) < 1e-4


def test_ancestral_sampling_gives_the_distribution_of_the_data() -> None:
    torch.manual_seed(0)
    sigmas = steps("cosine", 400)
    begun = begin(torch.randn(1, 40_000, dtype=torch.float64), sigmas[0])
    made = ddpm(known, begun, sigmas, noise, unchanged)
    assert float(made.mean()) == pytest.approx(MEAN, abs=0.01)
    assert float(made.std()) == pytest.approx(SPREAD, abs=0.01)


def test_one_step_of_ddpm_is_the_posterior() -> None:
    """Equation 7 of Ho et al. 2020, written for x + σ ε: mean x0 + (σ'²/σ²) (x - x0), variance σ'² (σ² - σ'²) / σ²."""
    seen = torch.full((1, 50_000), 3.0, dtype=torch.float64)
    torch.manual_seed(0)
    drawn = ddpm(lambda at, sigma: torch.zeros_like(at), seen, [2.0, 1.0], noise, unchanged)
    assert float(drawn.mean()) == pytest.approx(3.0 / 4, abs=0.02)
    assert float(drawn.var()) == pytest.approx(1.0 * (4 - 1) / 4, rel=0.03)


@pytest.mark.parametrize("sampler", [ddim, heun, ddpm])
def test_the_last_step_leaves_what_the_network_takes_for_data(sampler) -> None:  # noqa: ANN001
    clean = torch.full((2, 3), 0.25, dtype=torch.float64)
    made = sampler(lambda at, sigma: clean, torch.randn(2, 3).double(), [1.5, 0.0], noise, unchanged)
    torch.testing.assert_close(made, clean)


def test_what_is_known_stays() -> None:
    given, keep = torch.full((1, 4), 5.0), torch.tensor([[1.0, 0.0, 0.0, 1.0]])

    def kept(at: Tensor, sigma: float) -> Tensor:
        return torch.where(keep > 0, given, at)

    made = heun(lambda at, sigma: torch.zeros_like(at), torch.randn(1, 4), [2.0, 1.0, 0.0], noise, kept)
    assert made.tolist() == [[5.0, 0.0, 0.0, 5.0]]
