"""Squeeze and excitation: each channel is scaled by a gate computed from all channels' means."""

from torch import Tensor, nn


class SqueezeExcitation(nn.Module):
    """The mean over places, two dense layers and a gate for each channel: (B, C, H, W) -> the same shape.

    squeezed:   units of the first dense layer
    activation: after the first; gate: after the second, from 0 to 1
    Source: Hu et al. 2017, arXiv:1709.01507, equation 3
    """

    def __init__(
        self, channels: int, squeezed: int, *, activation: type[nn.Module] = nn.ReLU, gate: type[nn.Module] = nn.Sigmoid
    ) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)
        self.activation = activation(inplace=True)
        self.gate = gate()

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        mean = input.mean((2, 3), keepdim=True)
        return input * self.gate(self.fc2(self.activation(self.fc1(mean))))
