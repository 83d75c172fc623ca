"""Residual networks: each block adds what it computes to what it was given. Parameter names are torchvision's."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError

SMALL_IMAGE = 64  # pixels; up to here the stem of 1/4 resolution would leave the last stage nothing to look at


@dataclass(frozen=True, kw_only=True)
class ResNetConfig:
    """Settings of the residual networks."""

    stem: Literal["auto", "imagenet", "small"] = "auto"
    """First layers: imagenet (7x7 by stride 2, max-pool), small (3x3), or auto: small up to 64 pixels."""
    zero_init_residual: bool = False
    """Start each block as the identity by a zero scale in its last norm (Goyal et al. 2017, arXiv:1706.02677)."""


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and the way around them: (B, in, H, W) -> (B, width, H/stride, W/stride).

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
    """1x1 down, 3x3, 1x1 up, and the way around them: (B, in, H, W) -> (B, 4 width, H/stride, W/stride).

    The stride is the 3x3 convolution's, as in torchvision ("ResNet v1.5"); the paper has it in the first 1x1.
    Source: He et al. 2015, arXiv:1512.03385, figure 5 right
    """

    expansion = 4

    def __init__(self, in_channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, width * self.expansion, 1, bias=False)
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
        block: type[BasicBlock] | type[Bottleneck],
        depths: tuple[int, int, int, int],
        *,
        channels: int,
        out_dim: int,
        small_stem: bool,
    ) -> None:
        super().__init__()
        self.conv1 = (
            nn.Conv2d(channels, 64, 3, padding=1, bias=False)
            if small_stem
            else nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
        )
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.Identity() if small_stem else nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = _stage(block, 64, 64, depths[0], stride=1)
        self.layer2 = _stage(block, 64 * block.expansion, 128, depths[1], stride=2)
        self.layer3 = _stage(block, 128 * block.expansion, 256, depths[2], stride=2)
        self.layer4 = _stage(block, 256 * block.expansion, 512, depths[3], stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(512 * block.expansion, out_dim)

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, out_dim)."""
        maps = self.maxpool(self.relu(self.bn1(self.conv1(input))))
        maps = self.layer4(self.layer3(self.layer2(self.layer1(maps))))
        return self.fc(self.avgpool(maps).flatten(1))


def _shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Sequential | None:
    if stride == 1 and in_channels == out_channels:
        return None
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels))


def _stage(
    block: type[BasicBlock] | type[Bottleneck], in_channels: int, width: int, depth: int, *, stride: int
) -> nn.Sequential:
    first = block(in_channels, width, stride)
    return nn.Sequential(first, *(block(width * block.expansion, width, 1) for _ in range(depth - 1)))


def _initialise(model: ResNet, *, zero_residual: bool) -> None:
    """He's normal draw for convolutions, by fan-out as torchvision does; norms start at scale 1, shift 0 by themselves."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif zero_residual and isinstance(module, (BasicBlock, Bottleneck)):
            last = module.bn2 if isinstance(module, BasicBlock) else module.bn3
            nn.init.zeros_(last.weight)


def _build(
    block: type[BasicBlock] | type[Bottleneck],
    depths: tuple[int, int, int, int],
    input: InputSpec,
    out_dim: int,
    config: ResNetConfig,
) -> ResNet:
    if input.kind != "image":
        raise ConfigError(f"residual networks read images, but this data is of kind {input.kind!r}; use --model mlp")
    channels, height, width = input.shape
    small = config.stem == "small" or (config.stem == "auto" and max(height, width) <= SMALL_IMAGE)
    model = ResNet(block, depths, channels=channels, out_dim=out_dim, small_stem=small)
    _initialise(model, zero_residual=config.zero_init_residual)
    return model


def resnet18(input: InputSpec, out_dim: int, config: ResNetConfig) -> ResNet:
    """18 layers: 2, 2, 2, 2 basic blocks."""
    return _build(BasicBlock, (2, 2, 2, 2), input, out_dim, config)


def resnet34(input: InputSpec, out_dim: int, config: ResNetConfig) -> ResNet:
    """34 layers: 3, 4, 6, 3 basic blocks."""
    return _build(BasicBlock, (3, 4, 6, 3), input, out_dim, config)


def resnet50(input: InputSpec, out_dim: int, config: ResNetConfig) -> ResNet:
    """50 layers: 3, 4, 6, 3 bottlenecks."""
    return _build(Bottleneck, (3, 4, 6, 3), input, out_dim, config)


def resnet101(input: InputSpec, out_dim: int, config: ResNetConfig) -> ResNet:
    """101 layers: 3, 4, 23, 3 bottlenecks."""
    return _build(Bottleneck, (3, 4, 23, 3), input, out_dim, config)


def resnet152(input: InputSpec, out_dim: int, config: ResNetConfig) -> ResNet:
    """152 layers: 3, 8, 36, 3 bottlenecks."""
    return _build(Bottleneck, (3, 8, 36, 3), input, out_dim, config)
