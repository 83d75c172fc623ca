"""Layers that can be undone and know how they change volumes: what normalizing flows are made of.

All take (B, C, …) and a condition (B, W), and give an output of the same shape with the log-determinant of their Jacobian (B,);
`inverse` undoes them.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.nn.spline import spline, undone

CLASS_CONDITION = 16  # numbers that tell a flow of which class an input is
MOST = 2.0  # a coupling multiplies by at most exp(2), for whatever it is shown: outliers must not overflow


class ActivationNorm(nn.Module):
    """y = x exp(s) + t by channel. It begins as the identity, since what is fed is standardised already.

    Source: Kingma and Dhariwal 2018, Glow, arXiv:1807.03039, section 3.1
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.log_scale, self.shift = nn.Parameter(torch.zeros(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, input: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, …) -> (the same, (B,))."""
        output = torch.addcmul(_by_channel(self.shift, input), input, _by_channel(self.log_scale.exp(), input))
        return output, (self.log_scale.sum() * _places(input)).expand(len(input))

    def inverse(self, output: Tensor, condition: Tensor) -> Tensor:
        """(B, C, …) -> the same."""
        return (output - _by_channel(self.shift, output)) * _by_channel((-self.log_scale).exp(), output)


class ChannelMix(nn.Module):
    """y = W x over the channels, W = P L (U + diag(s)) with fixed P and signs of s, begun as a random rotation.

    Source: Kingma and Dhariwal 2018, Glow, arXiv:1807.03039, section 3.2 (invertible 1x1 convolution, LU decomposition)
    """

    permutation: Tensor
    signs: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        rotation, _ = torch.linalg.qr(torch.randn(channels, channels))
        permutation, lower, upper = torch.linalg.lu(rotation)
        self.register_buffer("permutation", permutation)
        self.register_buffer("signs", upper.diagonal().sign())
        self.log_scale = nn.Parameter(upper.diagonal().abs().log())
        if channels > 1:  # else nothing stands beside the diagonal
            self.lower, self.upper = nn.Parameter(lower.tril(-1)), nn.Parameter(upper.triu(1))

    def matrix(self) -> Tensor:
        """(C, C)."""
        diagonal = (self.signs * self.log_scale.exp()).diag()
        if len(diagonal) == 1:
            return self.permutation @ diagonal
        lower = self.lower.tril(-1) + torch.eye(len(diagonal)).to(diagonal)
        return self.permutation @ lower @ (self.upper.triu(1) + diagonal)

    def forward(self, input: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, …) -> (the same, (B,))."""
        return _mixed(input, self.matrix()), (self.log_scale.sum() * _places(input)).expand(len(input))

    def inverse(self, output: Tensor, condition: Tensor) -> Tensor:
        """(B, C, …) -> the same."""
        return _mixed(output, torch.linalg.inv(self.matrix().double()).to(output))


class AffineCoupling(nn.Module):
    """The second half of the channels is multiplied and shifted by what a network makes of the first, which stays.

    Source: Dinh, Sohl-Dickstein and Bengio 2016, RealNVP, arXiv:1605.08803, section 3.2
    """

    def __init__(self, channels: int, network: nn.Module) -> None:
        """network: (B, channels // 2, …) and a condition -> (B, 2 (channels - channels // 2), …)"""
        super().__init__()
        self.first = channels // 2
        self.network = network

    def forward(self, input: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, …) -> (the same, (B,))."""
        kept, changed = input[:, : self.first], input[:, self.first :]
        log_scale, shift = self._factors(kept, condition)
        return torch.cat([kept, torch.addcmul(shift, changed, log_scale.exp())], 1), log_scale.flatten(1).sum(1)

    def inverse(self, output: Tensor, condition: Tensor) -> Tensor:
        """(B, C, …) -> the same."""
        kept, changed = output[:, : self.first], output[:, self.first :]
        log_scale, shift = self._factors(kept, condition)
        return torch.cat([kept, (changed - shift) * (-log_scale).exp()], 1)

    def _factors(self, kept: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        raw, shift = self.network(kept, condition).chunk(2, 1)
        return MOST * torch.tanh(raw / MOST), shift


class SplineCoupling(nn.Module):
    """The second half of the channels is bent by splines that a network makes of the first, which stays.

    Source: Durkan, Bekasov, Murray and Papamakarios 2019, arXiv:1906.04032
    """

    def __init__(self, channels: int, network: nn.Module) -> None:
        """network: (B, channels // 2) and a condition -> (B, (channels - channels // 2) (3 bins - 1))"""
        super().__init__()
        self.first = channels // 2
        self.network = network

    def forward(self, input: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C) -> (the same, (B,))."""
        kept, changed = input[:, : self.first], input[:, self.first :]
        bent, log_slope = spline(changed, self._raw(kept, changed, condition))
        return torch.cat([kept, bent], 1), log_slope.sum(1)

    def inverse(self, output: Tensor, condition: Tensor) -> Tensor:
        """(B, C) -> the same."""
        kept, changed = output[:, : self.first], output[:, self.first :]
        return torch.cat([kept, undone(changed, self._raw(kept, changed, condition))], 1)

    def _raw(self, kept: Tensor, changed: Tensor, condition: Tensor) -> Tensor:
        return self.network(kept, condition).view(*changed.shape, -1)


class Chain(nn.Module):
    """Such layers one after another."""

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, input: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, …) -> (the same, (B,))."""
        total = input.new_zeros(len(input))
        for layer in self.layers:
            input, more = layer(input, condition)
            total = total + more
        return input, total

    def inverse(self, output: Tensor, condition: Tensor) -> Tensor:
        """(B, C, …) -> the same."""
        for layer in reversed(self.layers):
            output = layer.inverse(output, condition)  # type: ignore[operator]
        return output


def _by_channel(values: Tensor, like: Tensor) -> Tensor:
    return values.view(-1, *(1,) * (like.ndim - 2))


def _places(input: Tensor) -> int:
    """How many values a channel has."""
    return math.prod(input.shape[2:])


def _mixed(input: Tensor, matrix: Tensor) -> Tensor:
    if input.ndim == 2:
        return input @ matrix.T
    return F.conv2d(input, matrix[:, :, None, None])
