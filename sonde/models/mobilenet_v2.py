"""MobileNet V2: narrow maps between blocks, wide ones inside them, and a filter for each channel. torchvision's names."""

from dataclasses import dataclass

from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.ranges import check_shares
from sonde.models.stem import Stem, is_small
from sonde.nn.conv_norm import conv_norm, scaled_channels
from sonde.nn.dropout import Dropout
from sonde.nn.initialise import initialise_convolutions

STAGES = (  # table 2: expansion, channels, blocks, stride of the first block
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
LAST = 1280


@dataclass(frozen=True, kw_only=True)
class MobileNetV2Config:
    """Settings of MobileNet V2."""

    stem: Stem = "auto"
    """First layers: imagenet (downsample twice), small (not at all), or auto: small up to 64 pixels."""
    width_factor: float = 1.0
    """Width multiplier: factor on the channels of every layer (below 1, not the last), rounded to multiples of 8."""
    dropout: float = 0.2
    """Dropout before the head."""

    def __post_init__(self) -> None:
        if not self.width_factor > 0:
            raise ConfigError(f"--width-factor must be above 0, got {self.width_factor}")
        check_shares(self, "dropout")


class InvertedResidual(nn.Module):
    """1x1 up, 3x3 for each channel alone, linear 1x1 down: (B, in, H, W) -> (B, out, H/stride, W/stride).

    The input is added where it has the output's shape. No activation follows the last: on few channels it loses too much.
    Source: Sandler et al. 2018, arXiv:1801.04381, section 3.3
    """

    def __init__(self, in_channels: int, out_channels: int, *, stride: int, expansion: int) -> None:
        super().__init__()
        inner = in_channels * expansion
        layers: list[nn.Module] = []
        if expansion != 1:
            layers.append(conv_norm(in_channels, inner, 1, activation=nn.ReLU6))
        layers.append(conv_norm(inner, inner, 3, stride=stride, groups=inner, activation=nn.ReLU6))
        layers += [nn.Conv2d(inner, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels)]
        self.conv = nn.Sequential(*layers)
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, input: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, out, H/stride, W/stride), sides rounded up."""
        return input + self.conv(input) if self.residual else self.conv(input)


class MobileNetV2(nn.Module):
    """A 3x3 convolution, seven stages of inverted residuals, a 1x1 convolution, average pooling, dropout and a linear head.

    (B, C, H, W) -> (B, out_dim). In the small-image variant the first two of the five halvings are left out.
    Source: Sandler et al. 2018, arXiv:1801.04381, table 2
    """

    def __init__(self, input: InputSpec, out_dim: int, config: MobileNetV2Config) -> None:
        super().__init__()
        small, factor = is_small(config.stem, input.shape), config.width_factor
        width = scaled_channels(32 * factor)
        layers: list[nn.Module] = [conv_norm(input.shape[0], width, 3, stride=1 if small else 2, activation=nn.ReLU6)]
        for stage, (expansion, full, blocks, first_stride) in enumerate(STAGES):
            out_channels = scaled_channels(full * factor)
            for index in range(blocks):
                halves = index == 0 and first_stride == 2 and not (small and stage == 1)
                layers.append(InvertedResidual(width, out_channels, stride=2 if halves else 1, expansion=expansion))
                width = out_channels
        last = scaled_channels(LAST * max(1.0, factor))
        layers.append(conv_norm(width, last, 1, activation=nn.ReLU6))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(Dropout(config.dropout), nn.Linear(last, out_dim))
        initialise_convolutions(self, linear_std=0.01)  # as torchvision does

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, out_dim)."""
        return self.classifier(self.features(input).mean((2, 3)))
