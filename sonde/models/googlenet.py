"""GoogLeNet, the first Inception network: blocks that look at four scales at once. Parameter names are torchvision's."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.models.ranges import check_shares
from sonde.models.stem import Stem, check_size, is_small
from sonde.nn.auxiliary import WithAuxiliary
from sonde.nn.conv_norm import ConvNorm

SMALLEST: dict[Stem, int] = {"imagenet": 32, "small": 8}  # pixels that leave the last blocks one place
AUXILIARY_SHARE = 0.3  # of each auxiliary head's loss in the training loss: section 5 of the paper


@dataclass(frozen=True, kw_only=True)
class GoogLeNetConfig:
    """Settings of GoogLeNet."""

    stem: Stem = "auto"
    """First layers: imagenet (7x7 by stride 2, max-pool), small (3x3), or auto: small up to 64 pixels."""
    auxiliary: bool = True
    """Add two auxiliary classifiers to the training loss."""
    dropout: float = 0.2
    """Dropout before the last layer."""
    auxiliary_dropout: float = 0.7
    """Dropout inside each auxiliary classifier."""

    def __post_init__(self) -> None:
        check_shares(self, "dropout", "auxiliary_dropout")


class Inception(nn.Module):
    """Four parallel branches: (B, in, H, W) -> (B, sum of the branches' widths, H, W).

    The third way is the paper's 5x5 convolution; torchvision's weights have a 3x3 one in its place, and so it is here.
    Source: Szegedy et al. 2014, arXiv:1409.4842, figure 2b

    widths: 1x1; 3x3 and what it is reduced to before; "5x5" and what it is reduced to before; 1x1 after pooling
    """

    def __init__(self, in_channels: int, one: int, three: tuple[int, int], five: tuple[int, int], pooled: int) -> None:
        super().__init__()
        self.branch1 = ConvNorm(in_channels, one, 1)
        self.branch2 = nn.Sequential(ConvNorm(in_channels, three[0], 1), ConvNorm(*three, 3))
        self.branch3 = nn.Sequential(ConvNorm(in_channels, five[0], 1), ConvNorm(*five, 3))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), ConvNorm(in_channels, pooled, 1))

    def forward(self, input: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, out, H, W)."""
        return torch.cat([self.branch1(input), self.branch2(input), self.branch3(input), self.branch4(input)], 1)


class AuxiliaryHead(nn.Module):
    """Logits from the middle of the network: (B, in, H, W) -> (B, out_dim).

    Maps are averaged to 4x4, as those of a 224-pixel image are in the paper.
    Source: Szegedy et al. 2014, arXiv:1409.4842, section 5
    """

    def __init__(self, in_channels: int, out_dim: int, dropout: float) -> None:
        super().__init__()
        self.conv = ConvNorm(in_channels, 128, 1)
        self.fc1 = nn.Linear(128 * 4 * 4, 1024)
        self.fc2 = nn.Linear(1024, out_dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, out_dim)."""
        features = self.conv(F.adaptive_avg_pool2d(maps, 4)).flatten(1)
        return self.fc2(self.dropout(F.relu(self.fc1(features), inplace=True)))


class GoogLeNet(nn.Module):
    """A stem, nine Inception blocks in three groups, average pooling and a linear head: (B, C, H, W) -> (B, out_dim).

    In training mode with auxiliary heads: `WithAuxiliary` of the logits and those of the heads after blocks 4a and 4d.
    The small-image stem has a 3x3 convolution without stride in place of the first 7x7 and no pooling after it.
    Source: Szegedy et al. 2014, arXiv:1409.4842, table 1
    """

    def __init__(self, input: InputSpec, out_dim: int, config: GoogLeNetConfig) -> None:
        """Raises: ConfigError for images smaller than `SMALLEST`"""
        super().__init__()
        channels = input.shape[0]
        small = is_small(config.stem, input.shape)
        check_size("googlenet", input.shape, small=small, least=SMALLEST)
        self.conv1 = ConvNorm(channels, 64, 3) if small else ConvNorm(channels, 64, 7, stride=2)
        self.maxpool1 = nn.Identity() if small else nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.conv2 = ConvNorm(64, 64, 1)
        self.conv3 = ConvNorm(64, 192, 3)
        self.maxpool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception3a = Inception(192, 64, (96, 128), (16, 32), 32)
        self.inception3b = Inception(256, 128, (128, 192), (32, 96), 64)
        self.maxpool3 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception4a = Inception(480, 192, (96, 208), (16, 48), 64)
        self.inception4b = Inception(512, 160, (112, 224), (24, 64), 64)
        self.inception4c = Inception(512, 128, (128, 256), (24, 64), 64)
        self.inception4d = Inception(512, 112, (144, 288), (32, 64), 64)
        self.inception4e = Inception(528, 256, (160, 320), (32, 128), 128)
        self.maxpool4 = nn.MaxPool2d(2, stride=2, ceil_mode=True)
        self.inception5a = Inception(832, 256, (160, 320), (32, 128), 128)
        self.inception5b = Inception(832, 384, (192, 384), (48, 128), 128)
        self.aux1 = AuxiliaryHead(512, out_dim, config.auxiliary_dropout) if config.auxiliary else None
        self.aux2 = AuxiliaryHead(528, out_dim, config.auxiliary_dropout) if config.auxiliary else None
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(config.dropout)
        self.fc = nn.Linear(1024, out_dim)
        for module in self.modules():  # as in torchvision; biases start as PyTorch draws them
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.trunc_normal_(module.weight, std=0.01)

    def forward(self, input: Tensor) -> Tensor | WithAuxiliary:
        """(B, C, H, W) -> (B, out_dim)."""
        maps = self.maxpool1(self.conv1(input))
        maps = self.maxpool2(self.conv3(self.conv2(maps)))
        maps = self.maxpool3(self.inception3b(self.inception3a(maps)))
        first = self.inception4a(maps)
        second = self.inception4d(self.inception4c(self.inception4b(first)))
        maps = self.maxpool4(self.inception4e(second))
        maps = self.inception5b(self.inception5a(maps))
        heads = ()
        if self.training and self.aux1 is not None and self.aux2 is not None:
            heads = (self.aux1(first), self.aux2(second))
        logits = self.fc(self.dropout(self.avgpool(maps).flatten(1)))
        return WithAuxiliary(logits, heads, AUXILIARY_SHARE) if heads else logits
