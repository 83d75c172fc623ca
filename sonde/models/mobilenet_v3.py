"""MobileNet V3: the inverted residuals of V2 with gates on channels, in an order found by search. torchvision's names."""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.ranges import check_shares
from sonde.models.stem import Stem, is_small
from sonde.nn.conv_norm import conv_norm, scaled_channels
from sonde.nn.dropout import Dropout
from sonde.nn.initialise import initialise_convolutions
from sonde.nn.squeeze_excitation import SqueezeExcitation

STEM = 16

_norm = partial(nn.BatchNorm2d, eps=1e-3)


class Row(NamedTuple):
    """One block, as tables 1 and 2 of the paper have it: kernel, inner and outgoing channels, gated or not, ReLU or h-swish."""

    kernel: int
    inner: int
    out: int
    gated: bool
    activation: type[nn.Module]
    stride: int


_R, _H = nn.ReLU, nn.Hardswish
LARGE = (
    Row(3, 16, 16, False, _R, 1),
    Row(3, 64, 24, False, _R, 2),
    Row(3, 72, 24, False, _R, 1),
    Row(5, 72, 40, True, _R, 2),
    Row(5, 120, 40, True, _R, 1),
    Row(5, 120, 40, True, _R, 1),
    Row(3, 240, 80, False, _H, 2),
    Row(3, 200, 80, False, _H, 1),
    Row(3, 184, 80, False, _H, 1),
    Row(3, 184, 80, False, _H, 1),
    Row(3, 480, 112, True, _H, 1),
    Row(3, 672, 112, True, _H, 1),
    Row(5, 672, 160, True, _H, 2),
    Row(5, 960, 160, True, _H, 1),
    Row(5, 960, 160, True, _H, 1),
)
SMALL = (
    Row(3, 16, 16, True, _R, 2),
    Row(3, 72, 24, False, _R, 2),
    Row(3, 88, 24, False, _R, 1),
    Row(5, 96, 40, True, _H, 2),
    Row(5, 240, 40, True, _H, 1),
    Row(5, 240, 40, True, _H, 1),
    Row(5, 120, 48, True, _H, 1),
    Row(5, 144, 48, True, _H, 1),
    Row(5, 288, 96, True, _H, 2),
    Row(5, 576, 96, True, _H, 1),
    Row(5, 576, 96, True, _H, 1),
)


@dataclass(frozen=True, kw_only=True)
class MobileNetV3Config:
    """Settings of MobileNet V3."""

    stem: Stem = "auto"
    """First layers: imagenet (downsample twice), small (not at all), or auto: small up to 64 pixels."""
    dropout: float = 0.2
    """Dropout before the head."""
    norm_momentum: float = 0.01
    """Momentum of batch norm's running statistics."""

    def __post_init__(self) -> None:
        check_shares(self, "dropout")
        if not 0 < self.norm_momentum <= 1:
            raise ConfigError(f"--norm-momentum must be above 0 and at most 1, got {self.norm_momentum}")


class InvertedResidual(nn.Module):
    """1x1 up, a filter for each channel, a gate, linear 1x1 down: (B, in, H, W) -> (B, out, H/stride, W/stride).

    The gate is squeeze and excitation to a quarter of the inner channels with a piecewise linear sigmoid.
    Source: Howard et al. 2019, arXiv:1905.02244, figure 4
    """

    def __init__(self, in_channels: int, row: Row, *, stride: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        if row.inner != in_channels:
            layers.append(conv_norm(in_channels, row.inner, 1, norm=_norm, activation=row.activation))
        depthwise = partial(conv_norm, row.inner, row.inner, row.kernel, stride=stride, groups=row.inner)
        layers.append(depthwise(norm=_norm, activation=row.activation))
        if row.gated:
            layers.append(SqueezeExcitation(row.inner, scaled_channels(row.inner // 4), gate=nn.Hardsigmoid))
        layers.append(conv_norm(row.inner, row.out, 1, norm=_norm, activation=None))
        self.block = nn.Sequential(*layers)
        self.residual = stride == 1 and in_channels == row.out

    def forward(self, input: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, out, H/stride, W/stride), sides rounded up."""
        return input + self.block(input) if self.residual else self.block(input)


class MobileNetV3(nn.Module):
    """A 3x3 convolution, inverted residuals, a 1x1 convolution, average pooling and two dense layers.

    (B, C, H, W) -> (B, out_dim). In the small-image variant the first two of the five halvings are left out.
    Source: Howard et al. 2019, arXiv:1905.02244, tables 1 and 2
    """

    def __init__(
        self, input: InputSpec, out_dim: int, config: MobileNetV3Config, *, blocks: tuple[Row, ...], hidden: int
    ) -> None:
        super().__init__()
        small = is_small(config.stem, input.shape)
        first_halving = next(index for index, row in enumerate(blocks) if row.stride == 2)
        stem = conv_norm(input.shape[0], STEM, 3, stride=1 if small else 2, norm=_norm, activation=nn.Hardswish)
        layers: list[nn.Module] = [stem]
        width = STEM
        for index, row in enumerate(blocks):
            stride = 1 if small and index == first_halving else row.stride
            layers.append(InvertedResidual(width, row, stride=stride))
            width = row.out
        layers.append(conv_norm(width, 6 * width, 1, norm=_norm, activation=nn.Hardswish))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(6 * width, hidden),
            nn.Hardswish(inplace=True),
            Dropout(config.dropout),
            nn.Linear(hidden, out_dim),
        )
        initialise_convolutions(self, linear_std=0.01)  # as torchvision does
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = config.norm_momentum

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, out_dim)."""
        return self.classifier(self.features(input).mean((2, 3)))


mobilenet_v3_small = partial(MobileNetV3, blocks=SMALL, hidden=1024)
"""11 blocks, a head of 1024 units (table 2)."""
mobilenet_v3_large = partial(MobileNetV3, blocks=LARGE, hidden=1280)
"""15 blocks, a head of 1280 units (table 1)."""
