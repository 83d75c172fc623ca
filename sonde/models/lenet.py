"""LeNet-5, the convolutional network for handwritten digits."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.nn.activations import activation


@dataclass(frozen=True, kw_only=True)
class LeNetConfig:
    """Settings of LeNet-5."""

    activation: Literal["relu", "tanh"] = "relu"
    """Activation: tanh as in the paper, or relu."""
    pool: Literal["max", "average"] = "max"
    """Pooling: average as in the paper, or max."""


class LeNet5(nn.Module):
    """Two convolutions with pooling, then three dense layers: (B, C, H, W) -> (B, out_dim).

    The modern reading of the paper: each map of the second convolution sees all six of the first (table I cuts 6 of 16
    pairs to save work), pooling has no trainable scale, and the output is a dense layer instead of radial basis functions.
    With `--activation tanh --pool average` that is all that differs. The paper's input is 32 pixels wide, of which digits
    fill 28: a 28-pixel input is padded by 2 and gives the same maps.
    Source: LeCun, Bottou, Bengio and Haffner 1998, Proc. IEEE 86(11), figure 2
    """

    def __init__(self, input: InputSpec, out_dim: int, config: LeNetConfig) -> None:
        """Raises: ConfigError for images of fewer than 12 pixels"""
        super().__init__()
        channels, height, width = input.shape
        if min(height, width) < 12:
            raise ConfigError(
                f"lenet5 needs images of at least 12x12 pixels, got {height}x{width}; use --image-size 28"
            )
        padding = 2 if min(height, width) < 32 else 0

        def pool() -> nn.Module:
            return nn.MaxPool2d(2) if config.pool == "max" else nn.AvgPool2d(2)

        self.features = nn.Sequential(
            nn.Conv2d(channels, 6, 5, padding=padding),
            activation(config.activation),
            pool(),
            nn.Conv2d(6, 16, 5),
            activation(config.activation),
            pool(),
        )
        size = 16 * _side(height + 2 * padding) * _side(width + 2 * padding)  # 400 from 32 or 28 pixels
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(size, 120),
            activation(config.activation),
            nn.Linear(120, 84),
            activation(config.activation),
            nn.Linear(84, out_dim),
        )

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, out_dim)."""
        return self.classifier(self.features(input))


def _side(pixels: int) -> int:
    """Pixels left by two rounds of a 5x5 convolution and halving."""
    return ((pixels - 4) // 2 - 4) // 2
