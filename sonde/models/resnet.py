"""Residual networks: each block adds what it computes to what it was given. Parameter names are torchvision's."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.models.stem import Stem, first_convolution, is_small
from sonde.nn.initialise import initialise_convolutions

Block = Callable[[int, int, int], nn.Module]  # from (in_channels, width, stride), as the two blocks below


@dataclass(frozen=True, kw_only=True)
class ResNetConfig:
    """Settings of the residual networks."""

    stem: Stem = "auto"
    """First layers: imagenet (7x7 by stride 2, max-pool), small (3x3), or auto: small up to 64 pixels."""
    zero_init_residual: bool = False
    """Start each block as the identity by a zero scale in its last norm (Goyal et al. 2017, arXiv:1706.02677)."""


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut around them: (B, in, H, W) -> (B, width, H/stride, W/stride).

    Source: He et al. 2015, arXiv:1512.03385, figure 5 left
    """

    expansion = 1

    def __init__(self, in_channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(in_channels, width, stride)

    def forward(self, input: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, width, H/stride, W/stride)."""
        residual = self.relu(self.bn1(self.conv1(input)))
        residual = self.bn2(self.conv2(residual))
        return self.relu(residual + (input if self.downsample is None else self.downsample(input)))


class Bottleneck(nn.Module):
    """1x1 down, 3x3, 1x1 up, and a shortcut around them: (B, in, H, W) -> (B, 4 width, H/stride, W/stride).

    The stride is the 3x3 convolution's, as in torchvision ("ResNet v1.5"); the paper has it in the first 1x1. The 3x3 has
    width_per_group / 64 times `width` channels in each of `groups` groups that do not see each other.
    Source: He et al. 2015, arXiv:1512.03385, figure 5 right; groups: Xie et al. 2016, arXiv:1611.05431, figure 3c
    """

    expansion = 4

    def __init__(
        self, in_channels: int, width: int, stride: int, *, groups: int = 1, width_per_group: int = 64
    ) -> None:
        super().__init__()
        inner = width * width_per_group // 64 * groups
        self.conv1 = nn.Conv2d(in_channels, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, padding=1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, width * self.expansion, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(in_channels, width * self.expansion, stride)

    def forward(self, input: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, 4 width, H/stride, W/stride)."""
        residual = self.relu(self.bn1(self.conv1(input)))
        residual = self.relu(self.bn2(self.conv2(residual)))
        residual = self.bn3(self.conv3(residual))
        return self.relu(residual + (input if self.downsample is None else self.downsample(input)))


class ResNet(nn.Module):
    """A stem, four stages of blocks at widths 64, 128, 256, 512, average pooling and a linear head.

    (B, C, H, W) -> (B, out_dim). The small-image stem is a 3x3 convolution without pooling (section 4.2 of the paper).
    Source: He et al. 2015, arXiv:1512.03385, table 1
    """

    def __init__(
        self,
        input: InputSpec,
        out_dim: int,
        config: ResNetConfig,
        *,
        block: Block,
        depths: tuple[int, int, int, int],
        expansion: int = Bottleneck.expansion,
    ) -> None:
        super().__init__()
        small = is_small(config.stem, input.shape)
        self.conv1 = first_convolution(input.shape[0], 64, small=small)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.Identity() if small else nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = _stage(block, 64, 64, depths[0], stride=1, expansion=expansion)
        self.layer2 = _stage(block, 64 * expansion, 128, depths[1], stride=2, expansion=expansion)
        self.layer3 = _stage(block, 128 * expansion, 256, depths[2], stride=2, expansion=expansion)
        self.layer4 = _stage(block, 256 * expansion, 512, depths[3], stride=2, expansion=expansion)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(512 * expansion, out_dim)
        initialise_convolutions(self)
        for module in self.modules():
            if config.zero_init_residual and isinstance(module, (BasicBlock, Bottleneck)):
                last = module.bn2 if isinstance(module, BasicBlock) else module.bn3
                nn.init.zeros_(last.weight)

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, out_dim)."""
        maps = self.maxpool(self.relu(self.bn1(self.conv1(input))))
        maps = self.layer4(self.layer3(self.layer2(self.layer1(maps))))
        return self.fc(self.avgpool(maps).flatten(1))


def _shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Sequential | None:
    if stride == 1 and in_channels == out_channels:
        return None
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels))


def _stage(block: Block, in_channels: int, width: int, depth: int, *, stride: int, expansion: int) -> nn.Sequential:
    first = block(in_channels, width, stride)
    return nn.Sequential(first, *(block(width * expansion, width, 1) for _ in range(depth - 1)))


resnet18 = partial(ResNet, block=BasicBlock, depths=(2, 2, 2, 2), expansion=BasicBlock.expansion)
"""18 layers: 2, 2, 2, 2 basic blocks."""
resnet34 = partial(ResNet, block=BasicBlock, depths=(3, 4, 6, 3), expansion=BasicBlock.expansion)
"""34 layers: 3, 4, 6, 3 basic blocks."""
resnet50 = partial(ResNet, block=Bottleneck, depths=(3, 4, 6, 3))
"""50 layers: 3, 4, 6, 3 bottlenecks."""
resnet101 = partial(ResNet, block=Bottleneck, depths=(3, 4, 23, 3))
"""101 layers: 3, 4, 23, 3 bottlenecks."""
resnet152 = partial(ResNet, block=Bottleneck, depths=(3, 8, 36, 3))
"""152 layers: 3, 8, 36, 3 bottlenecks."""
resnext50_32x4d = partial(ResNet, block=partial(Bottleneck, groups=32, width_per_group=4), depths=(3, 4, 6, 3))
"""resnet50 whose 3x3 convolutions have 32 groups of 4 to 32 channels (Xie et al. 2016, arXiv:1611.05431)."""
resnext101_32x8d = partial(ResNet, block=partial(Bottleneck, groups=32, width_per_group=8), depths=(3, 4, 23, 3))
"""resnet101 whose 3x3 convolutions have 32 groups of 8 to 64 channels (Xie et al. 2016, arXiv:1611.05431)."""
wide_resnet50_2 = partial(ResNet, block=partial(Bottleneck, width_per_group=128), depths=(3, 4, 6, 3))
"""resnet50 whose 3x3 convolutions are twice as wide (Zagoruyko and Komodakis 2016, arXiv:1605.07146)."""
wide_resnet101_2 = partial(ResNet, block=partial(Bottleneck, width_per_group=128), depths=(3, 4, 23, 3))
"""resnet101 whose 3x3 convolutions are twice as wide (Zagoruyko and Komodakis 2016, arXiv:1605.07146)."""
