"""Spectral norm beside torch.linalg."""

import pytest
import torch
from torch import nn

from sonde.nn.spectral_norm import SpectralNorm, spectrally_normalised
from sonde.optim.ema import EMA


@pytest.mark.parametrize("layer", [nn.Linear(6, 4), nn.Conv2d(3, 5, 3), nn.Embedding(7, 4)])
def test_the_largest_singular_value_is_one(layer: nn.Module) -> None:
    torch.manual_seed(0)
    nn.init.normal_(layer.weight, std=3.0)  # type: ignore[arg-type]
    exact = layer.weight.detach().flatten(1) / torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2)  # type: ignore[operator]
    spectrally_normalised(layer)
    found = torch.stack([layer.weight.detach() for _ in range(60)])[-1]  # type: ignore[operator]  # each use is an iteration
    torch.testing.assert_close(found.flatten(1), exact, rtol=1e-4, atol=1e-5)
    assert float(torch.linalg.matrix_norm(found.flatten(1), 2)) == pytest.approx(1.0, abs=1e-4)


def test_the_gradient_is_that_of_the_quotient() -> None:
    torch.manual_seed(0)
    weight = torch.randn(4, 6, dtype=torch.float64, requires_grad=True)
    norm = SpectralNorm(weight)
    for _ in range(200):
        norm(weight)
    other = torch.randn(4, 6, dtype=torch.float64)
    (found,) = torch.autograd.grad((norm(weight) * other).sum(), weight)
    (exact,) = torch.autograd.grad((weight / torch.linalg.svdvals(weight)[0] * other).sum(), weight)
    torch.testing.assert_close(found, exact)


def test_evaluation_changes_nothing() -> None:
    layer = spectrally_normalised(nn.Linear(6, 4)).eval()
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    first = layer(torch.ones(1, 6))
    assert torch.equal(first, layer(torch.ones(1, 6)))
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())


def test_no_random_stream_is_touched() -> None:
    layer, before = nn.Linear(6, 4), torch.get_rng_state()
    spectrally_normalised(layer)
    assert torch.equal(before, torch.get_rng_state())


def test_averaged_weights_are_normalised_too() -> None:
    """The average of unit vectors is shorter than one, which must not make the norm larger."""
    torch.manual_seed(0)
    layer = spectrally_normalised(nn.Linear(6, 4))
    average = EMA(layer, 0.9)
    for _ in range(30):
        with torch.no_grad():
            layer.parametrizations.weight.original.copy_(torch.randn(4, 6))  # type: ignore[union-attr]
        layer(torch.ones(2, 6))
        average.update()
    with average.applied():
        size = float(torch.linalg.matrix_norm(layer.eval().weight.detach(), 2))  # type: ignore[operator]
    assert 1.0 <= size + 1e-5 < 1.3
