"""Inception v3: factorised convolutions in eleven blocks of five kinds. Parameter names are torchvision's."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.models.ranges import check_shares
from sonde.models.stem import Stem, check_size
from sonde.nn.auxiliary import WithAuxiliary
from sonde.nn.conv_norm import ConvNorm

SMALLEST: dict[Stem, int] = {"imagenet": 75, "small": 15}  # pixels that leave the last blocks one place
AUXILIARY_PLACES = 17  # side of the map that the auxiliary head sees in a 299-pixel image
# of the auxiliary head's loss in the training loss: the paper does not say; this is the weight in the authors' program
# (tensorflow/models, research/inception) and in most programs since
AUXILIARY_SHARE = 0.4


@dataclass(frozen=True, kw_only=True)
class InceptionConfig:
    """Settings of Inception v3."""

    stem: Stem = "auto"
    """First layers: imagenet (1/8 resolution), small (1/2, and edges padded), or auto: small below 75 pixels."""
    auxiliary: bool = True
    """Add an auxiliary classifier to the training loss."""
    dropout: float = 0.5
    """Dropout before the last layer."""

    def __post_init__(self) -> None:
        check_shares(self, "dropout")


class BlockA(nn.Module):
    """1x1, 5x5, two 3x3, and averaging, side by side: (B, in, H, W) -> (B, 224 + pooled, H, W).

    Source: Szegedy et al. 2015, arXiv:1512.00567, figure 5, with the 5x5 of the authors' program where that has a 3x3
    """

    def __init__(self, in_channels: int, pooled: int) -> None:
        super().__init__()
        self.branch1x1 = ConvNorm(in_channels, 64, 1)
        self.branch5x5_1 = ConvNorm(in_channels, 48, 1)
        self.branch5x5_2 = ConvNorm(48, 64, 5)
        self.branch3x3dbl_1 = ConvNorm(in_channels, 64, 1)
        self.branch3x3dbl_2 = ConvNorm(64, 96, 3)
        self.branch3x3dbl_3 = ConvNorm(96, 96, 3)
        self.branch_pool = ConvNorm(in_channels, pooled, 1)

    def forward(self, input: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, out, H, W)."""
        five = self.branch5x5_2(self.branch5x5_1(input))
        twice = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(input)))
        return torch.cat([self.branch1x1(input), five, twice, self.branch_pool(_averaged(input))], 1)


class BlockB(nn.Module):
    """Halves by a 3x3, two 3x3, and maxima, side by side: (B, in, H, W) -> (B, 480 + in, (H-1)/2, (W-1)/2).

    Source: Szegedy et al. 2015, arXiv:1512.00567, figure 10
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.branch3x3 = ConvNorm(in_channels, 384, 3, stride=2, padded=False)
        self.branch3x3dbl_1 = ConvNorm(in_channels, 64, 1)
        self.branch3x3dbl_2 = ConvNorm(64, 96, 3)
        self.branch3x3dbl_3 = ConvNorm(96, 96, 3, stride=2, padded=False)

    def forward(self, input: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, out, (H-1)/2, (W-1)/2)."""
        twice = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(input)))
        return torch.cat([self.branch3x3(input), twice, F.max_pool2d(input, 3, 2)], 1)


class BlockC(nn.Module):
    """1x1, a 7x7, two 7x7, each 7x7 as 1x7 and 7x1, and averaging, side by side: (B, in, H, W) -> (B, 768, H, W).

    Source: Szegedy et al. 2015, arXiv:1512.00567, figure 6
    """

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.branch1x1 = ConvNorm(in_channels, 192, 1)
        self.branch7x7_1 = ConvNorm(in_channels, width, 1)
        self.branch7x7_2 = ConvNorm(width, width, (1, 7))
        self.branch7x7_3 = ConvNorm(width, 192, (7, 1))
        self.branch7x7dbl_1 = ConvNorm(in_channels, width, 1)
        self.branch7x7dbl_2 = ConvNorm(width, width, (7, 1))
        self.branch7x7dbl_3 = ConvNorm(width, width, (1, 7))
        self.branch7x7dbl_4 = ConvNorm(width, width, (7, 1))
        self.branch7x7dbl_5 = ConvNorm(width, 192, (1, 7))
        self.branch_pool = ConvNorm(in_channels, 192, 1)

    def forward(self, input: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, 768, H, W)."""
        seven = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(input)))
        twice = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(input)))
        twice = self.branch7x7dbl_5(self.branch7x7dbl_4(twice))
        return torch.cat([self.branch1x1(input), seven, twice, self.branch_pool(_averaged(input))], 1)


class BlockD(nn.Module):
    """Halves by a 3x3, a 7x7 and a 3x3, and maxima, side by side: (B, in, H, W) -> (B, 512 + in, (H-1)/2, (W-1)/2).

    Source: the authors' program; the paper says only that the grid is halved as in figure 10
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.branch3x3_1 = ConvNorm(in_channels, 192, 1)
        self.branch3x3_2 = ConvNorm(192, 320, 3, stride=2, padded=False)
        self.branch7x7x3_1 = ConvNorm(in_channels, 192, 1)
        self.branch7x7x3_2 = ConvNorm(192, 192, (1, 7))
        self.branch7x7x3_3 = ConvNorm(192, 192, (7, 1))
        self.branch7x7x3_4 = ConvNorm(192, 192, 3, stride=2, padded=False)

    def forward(self, input: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, out, (H-1)/2, (W-1)/2)."""
        three = self.branch3x3_2(self.branch3x3_1(input))
        seven = self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(input)))
        return torch.cat([three, self.branch7x7x3_4(seven), F.max_pool2d(input, 3, 2)], 1)


class BlockE(nn.Module):
    """1x1, and two branches that end in a 1x3 beside a 3x1, and averaging, side by side: (B, in, H, W) -> (B, 2048, H, W).

    Source: Szegedy et al. 2015, arXiv:1512.00567, figure 7
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.branch1x1 = ConvNorm(in_channels, 320, 1)
        self.branch3x3_1 = ConvNorm(in_channels, 384, 1)
        self.branch3x3_2a = ConvNorm(384, 384, (1, 3))
        self.branch3x3_2b = ConvNorm(384, 384, (3, 1))
        self.branch3x3dbl_1 = ConvNorm(in_channels, 448, 1)
        self.branch3x3dbl_2 = ConvNorm(448, 384, 3)
        self.branch3x3dbl_3a = ConvNorm(384, 384, (1, 3))
        self.branch3x3dbl_3b = ConvNorm(384, 384, (3, 1))
        self.branch_pool = ConvNorm(in_channels, 192, 1)

    def forward(self, input: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, 2048, H, W)."""
        once = self.branch3x3_1(input)
        twice = self.branch3x3dbl_2(self.branch3x3dbl_1(input))
        ends = [self.branch3x3_2a(once), self.branch3x3_2b(once)]
        ends += [self.branch3x3dbl_3a(twice), self.branch3x3dbl_3b(twice)]
        return torch.cat([self.branch1x1(input), *ends, self.branch_pool(_averaged(input))], 1)


class AuxiliaryHead(nn.Module):
    """Logits from the middle of the network: (B, in, H, W) -> (B, out_dim).

    Its 5x5 convolution wants a map of 5x5, which averaging over 5x5 by stride 3 leaves of 17x17. Smaller maps, those of
    images below 299 pixels, are cut evenly into 5x5 places instead.
    Source: Szegedy et al. 2015, arXiv:1512.00567, figure 8
    """

    def __init__(self, in_channels: int, out_dim: int) -> None:
        super().__init__()
        self.conv0 = ConvNorm(in_channels, 128, 1)
        self.conv1 = ConvNorm(128, 768, 5, padded=False)
        self.fc = nn.Linear(768, out_dim)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, out_dim)."""
        large = min(maps.shape[2:]) >= AUXILIARY_PLACES
        pooled = F.avg_pool2d(maps, 5, 3) if large else F.adaptive_avg_pool2d(maps, 5)
        return self.fc(F.adaptive_avg_pool2d(self.conv1(self.conv0(pooled)), 1).flatten(1))


class InceptionV3(nn.Module):
    """A stem, eleven blocks in three groups, average pooling and a linear head: (B, C, H, W) -> (B, out_dim).

    In training mode with the auxiliary head: `WithAuxiliary` of the logits and those of the head after block 6e. The
    small-image stem is padded and has neither the first stride nor the first pooling: 15 places of 32 pixels enter the
    first block where the original leaves 1.
    Source: Szegedy et al. 2015, arXiv:1512.00567, table 1
    """

    def __init__(self, input: InputSpec, out_dim: int, config: InceptionConfig) -> None:
        """Raises: ConfigError for images smaller than `SMALLEST`"""
        super().__init__()
        channels = input.shape[0]
        small = config.stem == "small" or (config.stem == "auto" and min(input.shape[1:]) < SMALLEST["imagenet"])
        check_size("inception-v3", input.shape, small=small, least=SMALLEST)
        self.Conv2d_1a_3x3 = ConvNorm(channels, 32, 3, stride=1 if small else 2, padded=small)
        self.Conv2d_2a_3x3 = ConvNorm(32, 32, 3, padded=small)
        self.Conv2d_2b_3x3 = ConvNorm(32, 64, 3)
        self.maxpool1 = nn.Identity() if small else nn.MaxPool2d(3, stride=2)
        self.Conv2d_3b_1x1 = ConvNorm(64, 80, 1)
        self.Conv2d_4a_3x3 = ConvNorm(80, 192, 3, padded=small)
        self.maxpool2 = nn.MaxPool2d(3, stride=2)
        self.Mixed_5b = BlockA(192, 32)
        self.Mixed_5c = BlockA(256, 64)
        self.Mixed_5d = BlockA(288, 64)
        self.Mixed_6a = BlockB(288)
        self.Mixed_6b = BlockC(768, 128)
        self.Mixed_6c = BlockC(768, 160)
        self.Mixed_6d = BlockC(768, 160)
        self.Mixed_6e = BlockC(768, 192)
        self.AuxLogits = AuxiliaryHead(768, out_dim) if config.auxiliary else None
        self.Mixed_7a = BlockD(768)
        self.Mixed_7b = BlockE(1280)
        self.Mixed_7c = BlockE(2048)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(config.dropout)
        self.fc = nn.Linear(2048, out_dim)
        for module in self.modules():  # as in torchvision; biases as PyTorch draws them
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.trunc_normal_(module.weight, std=0.1)
        if self.AuxLogits is not None:
            nn.init.trunc_normal_(self.AuxLogits.fc.weight, std=0.001)

    def forward(self, input: Tensor) -> Tensor | WithAuxiliary:
        """(B, C, H, W) -> (B, out_dim)."""
        maps = self.maxpool1(self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(input))))
        maps = self.maxpool2(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(maps)))
        maps = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(maps)))
        maps = self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(maps)))
        middle = self.Mixed_6e(self.Mixed_6d(maps))
        maps = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(middle)))
        logits = self.fc(self.dropout(self.avgpool(maps).flatten(1)))
        if not self.training or self.AuxLogits is None:
            return logits
        # the head's last norm sees one place a row: of one row alone it could take no statistics
        heads = (self.AuxLogits(middle),) if len(input) > 1 else ()
        return WithAuxiliary(logits, heads, AUXILIARY_SHARE)


def _averaged(input: Tensor) -> Tensor:
    """Each place as the mean of the 3x3 around it, zeros beyond the edge counted: the same shape."""
    return F.avg_pool2d(input, 3, stride=1, padding=1)
