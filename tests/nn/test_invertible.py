"""Invertible layers: undone exactly, with the log-determinant of autograd's Jacobian."""

import pytest
import torch
from torch import Tensor, nn

from sonde.nn.invertible import ActivationNorm, AffineCoupling, Chain, ChannelMix

ROWS, IMAGES = (3, 5), (2, 4, 2, 3)


class Wild(nn.Module):
    """Any function of what is kept and the condition."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after

    def forward(self, kept: Tensor, condition: Tensor) -> Tensor:
        mixed = kept.sum(1, keepdim=True).sin() * 2 + condition.sum()
        return torch.cat([mixed * (number + 1) for number in range(self.after)], 1)


def layers(channels: int) -> list[nn.Module]:
    return [
        ActivationNorm(channels),
        ChannelMix(channels),
        AffineCoupling(channels, Wild(2 * (channels - channels // 2))),
    ]


def moved(module: nn.Module) -> nn.Module:
    """In float64, away from where it begins."""
    torch.manual_seed(0)
    module.double()
    for parameter in module.parameters():
        parameter.data += 0.3 * torch.randn_like(parameter)
    return module


@pytest.mark.parametrize("shape", [ROWS, IMAGES])
@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_volumes_are_those_of_the_jacobian_and_inputs_come_back(place: int, shape: tuple[int, ...]) -> None:
    made = layers(shape[1])
    layer = moved(Chain([*made, *layers(shape[1])]) if place == 3 else made[place])
    input, condition = torch.randn(shape, dtype=torch.float64), torch.randn(shape[0], 2, dtype=torch.float64)
    output, volume = layer(input, condition)
    torch.testing.assert_close(layer.inverse(output, condition), input)  # type: ignore[operator]
    for row in range(shape[0]):

        def flat(x: Tensor, row: int = row) -> Tensor:
            return layer(x.view(1, *shape[1:]), condition)[0].flatten()

        # the coupling's condition is summed over rows, so that of all of them is handed over
        jacobian = torch.autograd.functional.jacobian(flat, input[row].flatten())
        expected = torch.linalg.slogdet(jacobian)[1]  # type: ignore[arg-type]
        torch.testing.assert_close(volume[row], expected)


def test_a_mix_begins_as_a_rotation_and_stays_one_of_full_rank() -> None:
    mix = ChannelMix(6)
    torch.testing.assert_close(mix.matrix() @ mix.matrix().T, torch.eye(6), atol=1e-5, rtol=0)
    assert float(mix(torch.randn(2, 6), torch.zeros(2, 1))[1].detach().abs().max()) < 1e-5
    ChannelMix(1)


def test_a_coupling_keeps_outliers_finite() -> None:
    coupling = AffineCoupling(2, Wild(2))
    output, volume = coupling(torch.full((1, 2), 1e6), torch.full((1, 1), 1e6))
    assert output.isfinite().all()
    assert abs(float(volume)) <= 2.0
