"""Causal convolutions over time with weight normalisation: the length of filters is learned apart from their direction."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.nn.dropout import Dropout

# B rows, C channels, T steps


class CausalConvolution(nn.Module):
    """(B, C, T) -> (B, out, T): step t from steps t, t - d, t - 2 d, …, zeros before the first.

    The weights are g v / |v| for each filter, as weight norm has it (Salimans and Kingma 2016, arXiv:1602.07868).
    dilation: d, steps between those that are seen
    """

    def __init__(self, channels: int, out: int, width: int, *, dilation: int = 1) -> None:
        super().__init__()
        self.reach, self.dilation = (width - 1) * dilation, dilation
        self.direction = nn.Parameter(torch.empty(out, channels, width))
        nn.init.kaiming_normal_(self.direction, nonlinearity="relu")
        self.length = nn.Parameter(self.direction.detach().flatten(1).norm(dim=1).reshape(-1, 1, 1))
        self.bias = nn.Parameter(torch.zeros(out))

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, T) -> (B, out, T)."""
        norms = self.direction.flatten(1).norm(dim=1)[:, None, None]
        weight = self.direction * (self.length / norms)
        return F.conv1d(F.pad(input, (self.reach, 0)), weight, self.bias, dilation=self.dilation)


class TemporalBlock(nn.Module):
    """Two causal convolutions with ReLU and dropout, added to what they were given: (B, C, T) -> (B, out, T).

    Source: Bai et al. 2018, arXiv:1803.01271, figure 1 (b)
    """

    def __init__(self, channels: int, out: int, width: int, *, dilation: int, dropout: float) -> None:
        super().__init__()
        self.first = CausalConvolution(channels, out, width, dilation=dilation)
        self.second = CausalConvolution(out, out, width, dilation=dilation)
        self.shortcut = nn.Conv1d(channels, out, 1) if channels != out else nn.Identity()
        self.dropout = Dropout(dropout)

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, T) -> (B, out, T)."""
        inner = self.dropout(F.relu(self.first(input)))
        inner = self.dropout(F.relu(self.second(inner)))
        return F.relu(inner + self.shortcut(input))
