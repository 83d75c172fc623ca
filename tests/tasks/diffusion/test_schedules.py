import math

import pytest
import torch

from sonde.tasks.diffusion.schedules import LEAST, MOST, SCHEDULES, drawn, linear, quantiles, steps


@pytest.mark.parametrize("name", SCHEDULES)
def test_noise_grows_with_time_between_its_bounds(name: str) -> None:
    sigma = SCHEDULES[name](torch.linspace(0, 1, 101, dtype=torch.float64))
    assert (sigma.diff() >= 0).all()
    assert float(sigma.min()) >= LEAST * (1 - 1e-9)
    assert float(sigma.max()) <= MOST * (1 + 1e-9)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_sampler_goes_from_the_most_noise_to_none(name: str) -> None:
    found = steps(name, 7)
    assert len(found) == 8
    assert found == sorted(found, reverse=True)
    assert found[-1] == 0.0
    assert found[0] == pytest.approx(float(SCHEDULES[name](torch.ones((), dtype=torch.float64))))


def test_the_linear_schedule_is_that_of_ddpm() -> None:
    """Its product of 1 - β over 1000 steps from 1e-4 to 0.02, of which √ is the share of the data (arXiv:2006.11239)."""
    betas = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
    kept = torch.cumprod(1 - betas, 0)
    for step in (100, 400, 700):
        sigma = linear(torch.tensor((step + 1) / 1000, dtype=torch.float64))
        assert float(1 / (1 + sigma**2)) == pytest.approx(float(kept[step]), rel=0.03)


def test_edm_draws_log_normal_noise() -> None:
    torch.manual_seed(0)
    logs = drawn("edm", 100_000, torch.device("cpu")).log()
    assert float(logs.mean()) == pytest.approx(math.log(2) - 1.2, abs=0.02)
    assert float(logs.std()) == pytest.approx(1.2, abs=0.02)
    assert float(quantiles("edm", torch.tensor([0.5]))) == pytest.approx(2 * math.exp(-1.2), rel=1e-4)


@pytest.mark.parametrize("name", SCHEDULES)
def test_quantiles_are_those_of_what_is_drawn(name: str) -> None:
    torch.manual_seed(0)
    sigma = drawn(name, 100_000, torch.device("cpu"))
    for place in (0.1, 0.5, 0.9):
        found = float(quantiles(name, torch.tensor([place])))
        assert float((sigma <= found).double().mean()) == pytest.approx(place, abs=0.01)
