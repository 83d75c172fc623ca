"""The deviation of a decoder's noise: how quickly it is learned, and that of runs of earlier versions."""

import torch

from sonde.engine.training import load_weights, weights
from sonde.tasks.vae.likelihood import Gaussian


def test_what_is_known_well_is_no_noise_after_a_few_hundred_steps() -> None:
    likelihood = Gaussian()
    optimizer = torch.optim.Adam(likelihood.parameters(), lr=1e-3)
    drawn = torch.Generator().manual_seed(0)
    for _ in range(300):
        optimizer.zero_grad()
        given = torch.randn(64, 5, generator=drawn)
        nats = -likelihood.log_probability(given + 0.05 * torch.randn(64, 5, generator=drawn), given).mean()
        nats.backward()
        optimizer.step()
    assert 0.04 < float(likelihood.deviation.detach()) < 0.06  # at the rate of weights it would be 0.7


def test_weights_of_earlier_versions_are_read() -> None:
    likelihood = Gaussian()
    modules = torch.nn.ModuleDict({"likelihood": likelihood})
    load_weights(modules, {"likelihood.log_deviation": torch.tensor([-1.5])})
    assert torch.equal(likelihood.deviation, torch.tensor([-1.5]).exp())
    saved = weights(modules)
    assert set(saved) == {"likelihood.learned.part"}
    modules.load_state_dict({"likelihood.log_deviation": torch.tensor([-0.5])})
    assert torch.equal(likelihood.deviation, torch.tensor([-0.5]).exp())
