"""Features of pixels that are acted on: the residual network of IMPALA, for pictures of any size."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.bounds import at_least
from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.policy_cnn import refuse_rows
from sonde.nn.pixels import as_shares


@dataclass(frozen=True, kw_only=True)
class PolicyImpalaConfig:
    """Settings of the residual network below a policy or a value."""

    widths: tuple[int, ...] = (16, 32, 32)
    """Channels of each section, which halves height and width; 32 64 64 is usual for larger ones (Cobbe et al. 2020)."""
    features: int = 256
    """Units of the layer behind the convolutions."""

    def __post_init__(self) -> None:
        at_least(self, 1, "features")
        if not self.widths or min(self.widths) < 1:
            raise ConfigError(f"--widths takes at least one section of at least 1 channel, got {self.widths}")


class Residual(nn.Module):
    """x + conv(relu(conv(relu(x))))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, hidden: Tensor) -> Tensor:
        """(B, C, H, W) -> the same."""
        return hidden + self.second(F.relu(self.first(F.relu(hidden))))


class Section(nn.Module):
    """A convolution, half the height and width, two residual blocks."""

    def __init__(self, into: int, channels: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(into, channels, 3, padding=1)
        self.blocks = nn.ModuleList(Residual(channels) for _ in range(2))

    def forward(self, hidden: Tensor) -> Tensor:
        """(B, into, H, W) -> (B, channels, H / 2, W / 2), rounded up."""
        hidden = F.max_pool2d(self.convolution(hidden), 3, 2, padding=1)
        for block in self.blocks:
            hidden = block(hidden)
        return hidden


class PolicyImpala(nn.Module):
    """Pixels to features: 15 convolutions and a layer.

    Source: Espeholt et al. 2018, arXiv:1802.01561, figure 3, right, without the LSTM and what reads instructions

    features: how many;  beside: how many numbers are read beside an observation, such as those of an action
    """

    def __init__(self, input: InputSpec, out_dim: int, config: PolicyImpalaConfig, *, beside: int = 0) -> None:
        """out_dim: not used, as heads belong to the task. Raises: ConfigError for what is not pixels"""
        super().__init__()
        refuse_rows(input, "policy-impala")
        self._made_of = input, out_dim, config
        channels = (input.shape[0], *config.widths)
        self.sections = nn.ModuleList(Section(a, b) for a, b in zip(channels, channels[1:], strict=False))
        height, width = input.shape[1:]
        for _ in config.widths:
            height, width = (height + 1) // 2, (width + 1) // 2
        self.layer = nn.Linear(channels[-1] * height * width + beside, config.features)
        self.features = config.features

    def reading(self, beside: int) -> "PolicyImpala":
        """Another, with weights of its own, that reads so many numbers beside an observation."""
        input, out_dim, config = self._made_of
        return PolicyImpala(input, out_dim, config, beside=beside)

    def forward(self, input: Tensor, beside: Tensor | None = None) -> Tensor:
        """(B, C, H, W) bytes or from 0 to 1, (B, beside) -> (B, features)."""
        hidden = as_shares(input)
        for section in self.sections:
            hidden = section(hidden)
        hidden = F.relu(hidden).flatten(1)
        if beside is not None:
            hidden = torch.cat([hidden, beside], 1)
        return F.relu(self.layer(hidden))
