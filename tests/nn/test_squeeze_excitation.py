import pytest
import torch
from torch import nn

from sonde.nn.squeeze_excitation import SqueezeExcitation


@pytest.mark.parametrize(("gate", "hard"), [(nn.Sigmoid, False), (nn.Hardsigmoid, True)])
def test_channels_are_scaled_as_equation_3_says(gate: type[nn.Module], hard: bool):
    torch.manual_seed(0)
    layer = SqueezeExcitation(6, 2, gate=gate).double()
    input = torch.randn(3, 6, 4, 5, dtype=torch.float64)
    w1, b1, w2, b2 = (p.detach().flatten(1) if p.ndim > 1 else p.detach() for p in layer.parameters())
    for row, output in zip(input, layer(input), strict=True):
        z = torch.stack([channel.mean() for channel in row])
        s = w2 @ (w1 @ z + b1).clamp(min=0) + b2
        s = ((s + 3) / 6).clamp(0, 1) if hard else 1 / (1 + (-s).exp())
        assert torch.allclose(output, torch.stack([s[c] * row[c] for c in range(6)]), atol=1e-14)


def test_names_are_torchvisions():
    assert list(SqueezeExcitation(8, 2).state_dict()) == ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]


def test_gradient_agrees_with_finite_differences():
    torch.manual_seed(1)
    layer = SqueezeExcitation(3, 2, activation=nn.SiLU).double()
    input = torch.randn(2, 3, 3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (input,))
