"""EfficientNets: one small network, and larger ones made of it by scaling width, depth and resolution together.

Parameter names are torchvision's.
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.ranges import check_shares
from sonde.models.stem import Stem, is_small
from sonde.nn.conv_norm import Norm, conv_norm, scaled_channels
from sonde.nn.dropout import Dropout
from sonde.nn.initialise import initialise_convolutions
from sonde.nn.squeeze_excitation import SqueezeExcitation
from sonde.nn.stochastic_depth import StochasticDepth, rising


@dataclass(frozen=True, kw_only=True)
class EfficientNetConfig:
    """Settings of the EfficientNets."""

    stem: Stem = "auto"
    """First layers: imagenet (downsample twice), small (not at all), or auto: small up to 64 pixels."""
    dropout: float | None = None
    """Dropout before the head; by default 0.2 (b0) to 0.5 (b7), as published."""
    stochastic_depth: float = 0.2
    """Stochastic depth: drop probability at the end of the network, rising linearly from 0 at the first block."""
    norm_momentum: float | None = None
    """Momentum of batch norm's running statistics; by default 0.01 in b5 to b7, else 0.1."""

    def __post_init__(self) -> None:
        check_shares(self, "dropout", "stochastic_depth")
        if self.norm_momentum is not None and not 0 < self.norm_momentum <= 1:
            raise ConfigError(f"--norm-momentum must be above 0 and at most 1, got {self.norm_momentum}")


class MBConv(nn.Module):
    """1x1 up, a filter for each channel, a gate, linear 1x1 down: (B, in, H, W) -> (B, out, H/stride, W/stride).

    The gate squeezes to a quarter of the incoming channels. The input is added where it has the output's shape.
    Source: Tan and Le 2019, arXiv:1905.11946, section 4, after Sandler et al. 2018, arXiv:1801.04381
    """

    def __init__(self, in_channels: int, stage: "Stage", *, stride: int, skipped: float, norm: Norm) -> None:
        super().__init__()
        inner = in_channels * stage.expansion
        make = partial(conv_norm, norm=norm, activation=nn.SiLU)
        layers: list[nn.Module] = [] if stage.expansion == 1 else [make(in_channels, inner, 1)]
        layers.append(make(inner, inner, stage.kernel, stride=stride, groups=inner))
        layers.append(SqueezeExcitation(inner, max(1, in_channels // 4), activation=nn.SiLU))
        layers.append(conv_norm(inner, stage.channels, 1, norm=norm, activation=None))
        self.block = nn.Sequential(*layers)
        self.stochastic_depth = StochasticDepth(skipped)
        self.residual = stride == 1 and in_channels == stage.channels

    def forward(self, input: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, out, H/stride, W/stride), sides rounded up."""
        maps = self.block(input)
        return input + self.stochastic_depth(maps) if self.residual else maps


class FusedMBConv(nn.Module):
    """A full convolution up, linear 1x1 down: (B, in, H, W) -> (B, out, H/stride, W/stride).

    Without expansion it is the full convolution alone. The input is added where it has the output's shape.
    Source: Tan and Le 2021, arXiv:2104.00298, figure 2
    """

    def __init__(self, in_channels: int, stage: "Stage", *, stride: int, skipped: float, norm: Norm) -> None:
        super().__init__()
        make = partial(conv_norm, norm=norm, activation=nn.SiLU)
        if stage.expansion == 1:
            self.block = nn.Sequential(make(in_channels, stage.channels, stage.kernel, stride=stride))
        else:
            inner = in_channels * stage.expansion
            down = conv_norm(inner, stage.channels, 1, norm=norm, activation=None)
            self.block = nn.Sequential(make(in_channels, inner, stage.kernel, stride=stride), down)
        self.stochastic_depth = StochasticDepth(skipped)
        self.residual = stride == 1 and in_channels == stage.channels

    def forward(self, input: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, out, H/stride, W/stride), sides rounded up."""
        maps = self.block(input)
        return input + self.stochastic_depth(maps) if self.residual else maps


class Stage(NamedTuple):
    """Blocks of one shape; the stride is the first block's."""

    block: type[MBConv] | type[FusedMBConv]
    expansion: int
    kernel: int
    stride: int
    channels: int
    blocks: int


class Size(NamedTuple):
    """A network of the family: its stem's channels, its stages, the channels before its head, dropout in the head, norm."""

    stem: int
    stages: tuple[Stage, ...]
    last: int
    dropout: float
    norm: Norm = nn.BatchNorm2d


B0 = (  # Tan and Le 2019, table 1
    Stage(MBConv, 1, 3, 1, 16, 1),
    Stage(MBConv, 6, 3, 2, 24, 2),
    Stage(MBConv, 6, 5, 2, 40, 2),
    Stage(MBConv, 6, 3, 2, 80, 3),
    Stage(MBConv, 6, 5, 1, 112, 3),
    Stage(MBConv, 6, 5, 2, 192, 4),
    Stage(MBConv, 6, 3, 1, 320, 1),
)
V2_S = (  # Tan and Le 2021, table 4
    Stage(FusedMBConv, 1, 3, 1, 24, 2),
    Stage(FusedMBConv, 4, 3, 2, 48, 4),
    Stage(FusedMBConv, 4, 3, 2, 64, 4),
    Stage(MBConv, 4, 3, 2, 128, 6),
    Stage(MBConv, 6, 3, 1, 160, 9),
    Stage(MBConv, 6, 3, 2, 256, 15),
)
_slow_norm = partial(nn.BatchNorm2d, eps=1e-3, momentum=0.01)  # of b5 to b7, as torchvision has it


def scaled(*, width: float, depth: float, dropout: float, norm: Norm = nn.BatchNorm2d) -> Size:
    """b0 with `width` times its channels, to multiples of 8, and `depth` times its blocks, rounded up.

    Compound scaling sets width 1.1**phi, depth 1.2**phi and resolution 1.15**phi for a cost of 2**phi. The sizes below are what
    was published for phi of 0, 0.5, 1, 2, 3.5, 5, 6 and 7: rounded, with fewer blocks than the rule from b4 on.
    Source: Tan and Le 2019, arXiv:1905.11946, equation 3
    """
    stages = tuple(
        s._replace(channels=scaled_channels(width * s.channels), blocks=math.ceil(depth * s.blocks)) for s in B0
    )
    return Size(scaled_channels(width * 32), stages, 4 * stages[-1].channels, dropout, norm)


class EfficientNet(nn.Module):
    """A 3x3 convolution, stages of blocks, a 1x1 convolution, average pooling, dropout and a linear head.

    (B, C, H, W) -> (B, out_dim). In the small-image variant the first two of the five halvings are left out.
    Source: Tan and Le 2019, arXiv:1905.11946, table 1
    """

    def __init__(self, input: InputSpec, out_dim: int, config: EfficientNetConfig, *, size: Size) -> None:
        super().__init__()
        small = is_small(config.stem, input.shape)
        make = partial(conv_norm, norm=size.norm, activation=nn.SiLU)
        layers: list[nn.Module] = [make(input.shape[0], size.stem, 3, stride=1 if small else 2)]
        blocks_in_all = sum(stage.blocks for stage in size.stages)
        skipped = iter(rising(config.stochastic_depth, blocks_in_all, last=False))
        width = size.stem
        for index, stage in enumerate(size.stages):
            blocks: list[nn.Module] = []
            for number in range(stage.blocks):
                # the first halving of the stages is that of stage 1
                stride = 1 if number > 0 or (small and index == 1) else stage.stride
                blocks.append(stage.block(width, stage, stride=stride, skipped=next(skipped), norm=size.norm))
                width = stage.channels
            layers.append(nn.Sequential(*blocks))
        layers.append(make(width, size.last, 1))
        self.features = nn.Sequential(*layers)
        dropout = size.dropout if config.dropout is None else config.dropout
        self.classifier = nn.Sequential(Dropout(dropout), nn.Linear(size.last, out_dim))
        _initialise(self, norm_momentum=config.norm_momentum)

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, out_dim)."""
        return self.classifier(self.features(input).mean((2, 3)))


def _initialise(model: EfficientNet, *, norm_momentum: float | None) -> None:
    """He's normal draw by fan-out for convolutions, 1/sqrt(out_dim) at most for the head, no shifts, as torchvision does."""
    initialise_convolutions(model)
    for module in model.modules():
        if isinstance(module, nn.Linear):
            bound = 1 / math.sqrt(module.out_features)
            nn.init.uniform_(module.weight, -bound, bound)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d) and norm_momentum is not None:
            module.momentum = norm_momentum


efficientnet_b0 = partial(EfficientNet, size=scaled(width=1.0, depth=1.0, dropout=0.2))
"""The base network, which the others are scaled from; published at 224 pixels."""
efficientnet_b1 = partial(EfficientNet, size=scaled(width=1.0, depth=1.1, dropout=0.2))
"""Width 1, depth 1.1; published at 240 pixels."""
efficientnet_b2 = partial(EfficientNet, size=scaled(width=1.1, depth=1.2, dropout=0.3))
"""Width 1.1, depth 1.2; published at 260 pixels."""
efficientnet_b3 = partial(EfficientNet, size=scaled(width=1.2, depth=1.4, dropout=0.3))
"""Width 1.2, depth 1.4; published at 300 pixels."""
efficientnet_b4 = partial(EfficientNet, size=scaled(width=1.4, depth=1.8, dropout=0.4))
"""Width 1.4, depth 1.8; published at 380 pixels."""
efficientnet_b5 = partial(EfficientNet, size=scaled(width=1.6, depth=2.2, dropout=0.4, norm=_slow_norm))
"""Width 1.6, depth 2.2; published at 456 pixels."""
efficientnet_b6 = partial(EfficientNet, size=scaled(width=1.8, depth=2.6, dropout=0.5, norm=_slow_norm))
"""Width 1.8, depth 2.6; published at 528 pixels."""
efficientnet_b7 = partial(EfficientNet, size=scaled(width=2.0, depth=3.1, dropout=0.5, norm=_slow_norm))
"""Width 2, depth 3.1; published at 600 pixels."""
efficientnet_v2_s = partial(
    EfficientNet, size=Size(24, V2_S, 1280, dropout=0.2, norm=partial(nn.BatchNorm2d, eps=1e-3))
)
"""The second version: full convolutions in the first stages; published at 384 pixels (Tan and Le 2021, arXiv:2104.00298)."""
