"""Densely connected networks: each layer takes the outputs of all layers before it in its block. torchvision's names."""

from collections import OrderedDict
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.models.ranges import check_shares
from sonde.models.stem import Stem, check_size, first_convolution, is_small
from sonde.nn.dropout import Dropout
from sonde.nn.initialise import initialise_convolutions

SMALLEST: dict[Stem, int] = {"imagenet": 29, "small": 8}  # pixels: three halvings that round down must leave one
BOTTLENECK = 4  # a layer's 1x1 convolution puts out this many times its growth


@dataclass(frozen=True, kw_only=True)
class DenseNetConfig:
    """Settings of the densely connected networks."""

    stem: Stem = "auto"
    """First layers: imagenet (7x7 by stride 2, max-pool), small (3x3), or auto: small up to 64 pixels."""
    layer_dropout: float = 0.0
    """Dropout after each dense layer; the paper uses 0.2 on data without augmentation."""

    def __post_init__(self) -> None:
        check_shares(self, "layer_dropout")


class DenseLayer(nn.Module):
    """Norm, ReLU, 1x1 to four times the growth, norm, ReLU, 3x3: (B, in, H, W) -> (B, growth, H, W), the new maps alone.

    Source: Huang et al. 2016, arXiv:1608.06993, section 3, "DenseNet-B"
    """

    def __init__(self, in_channels: int, growth: int, *, dropout: float) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, BOTTLENECK * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(BOTTLENECK * growth)
        self.conv2 = nn.Conv2d(BOTTLENECK * growth, growth, 3, padding=1, bias=False)
        self.dropout = Dropout(dropout)

    def forward(self, input: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, growth, H, W)."""
        maps = self.conv1(F.relu(self.norm1(input), inplace=True))
        return self.dropout(self.conv2(F.relu(self.norm2(maps), inplace=True)))


class DenseBlock(nn.Module):
    """Layers whose input is the block's and all new maps before them: (B, in, H, W) -> (B, in + depth growth, H, W)."""

    def __init__(self, in_channels: int, growth: int, depth: int, *, dropout: float) -> None:
        super().__init__()
        for index in range(depth):
            layer = DenseLayer(in_channels + index * growth, growth, dropout=dropout)
            self.add_module(f"denselayer{index + 1}", layer)

    def forward(self, input: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, in + depth growth, H, W)."""
        maps = [input]
        for layer in self.children():
            maps.append(layer(torch.cat(maps, 1)))
        return torch.cat(maps, 1)


class DenseNet(nn.Module):
    """A stem, four dense blocks, between them transitions to half the channels and sides, and a linear head.

    (B, C, H, W) -> (B, out_dim). The small-image stem is a 3x3 convolution without pooling, as the paper has it for CIFAR.
    Source: Huang et al. 2016, arXiv:1608.06993, table 1 ("DenseNet-BC")
    """

    def __init__(
        self,
        input: InputSpec,
        out_dim: int,
        config: DenseNetConfig,
        *,
        depths: tuple[int, int, int, int],
        growth: int = 32,
    ) -> None:
        """Raises: ConfigError for images smaller than `SMALLEST`"""
        super().__init__()
        small, dropout = is_small(config.stem, input.shape), config.layer_dropout
        check_size("DenseNet", input.shape, small=small, least=SMALLEST)
        width = 2 * growth
        first = first_convolution(input.shape[0], width, small=small)
        self.features = nn.Sequential(
            OrderedDict[str, nn.Module](conv0=first, norm0=nn.BatchNorm2d(width), relu0=nn.ReLU(inplace=True))
        )
        if not small:
            self.features.add_module("pool0", nn.MaxPool2d(3, stride=2, padding=1))
        for stage, depth in enumerate(depths, 1):
            if stage > 1:
                self.features.add_module(f"transition{stage - 1}", _transition(width))
                width //= 2
            self.features.add_module(f"denseblock{stage}", DenseBlock(width, growth, depth, dropout=dropout))
            width += depth * growth
        self.features.add_module("norm5", nn.BatchNorm2d(width))
        self.classifier = nn.Linear(width, out_dim)
        initialise_convolutions(self, mode="fan_in")
        nn.init.zeros_(self.classifier.bias)

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, out_dim)."""
        return self.classifier(F.relu(self.features(input), inplace=True).mean((2, 3)))


def _transition(width: int) -> nn.Sequential:
    """(B, width, H, W) -> (B, width/2, H/2, W/2)."""
    norm, conv = nn.BatchNorm2d(width), nn.Conv2d(width, width // 2, 1, bias=False)
    return nn.Sequential(OrderedDict(norm=norm, relu=nn.ReLU(inplace=True), conv=conv, pool=nn.AvgPool2d(2)))


densenet121 = partial(DenseNet, depths=(6, 12, 24, 16))
"""121 layers: blocks of 6, 12, 24, 16 layers that add 32 maps each."""
densenet169 = partial(DenseNet, depths=(6, 12, 32, 32))
"""169 layers: blocks of 6, 12, 32, 32 layers that add 32 maps each."""
densenet201 = partial(DenseNet, depths=(6, 12, 48, 32))
"""201 layers: blocks of 6, 12, 48, 32 layers that add 32 maps each."""
densenet161 = partial(DenseNet, depths=(6, 12, 36, 24), growth=48)
"""161 layers: blocks of 6, 12, 36, 24 layers that add 48 maps each."""
