"""AlexNet: five convolutions and three dense layers. Parameter names are torchvision's."""

from dataclasses import dataclass

from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.models.ranges import check_shares
from sonde.models.stem import Stem, check_size, is_small

SMALLEST: dict[Stem, int] = {"imagenet": 63, "small": 15}  # pixels that leave one place after the last pooling
PLACES = 6  # side of the map that the dense layers see


@dataclass(frozen=True, kw_only=True)
class AlexNetConfig:
    """Settings of AlexNet."""

    stem: Stem = "auto"
    """First convolution: imagenet (11x11 by stride 4), small (5x5 by stride 1), or auto: small up to 64 pixels."""
    dropout: float = 0.5
    """Dropout before each of the two hidden fully connected layers."""

    def __post_init__(self) -> None:
        check_shares(self, "dropout")


class AlexNet(nn.Module):
    """Five convolutions with three poolings between them, then three dense layers: (B, C, H, W) -> (B, out_dim).

    The one-tower version of 2014, with its 64 and 192 channels where that of 2012 has 96 and 256, and no response
    normalisation. The small-image stem is the first layer of the authors' CIFAR-10 networks, a 5x5 convolution without
    stride. Weights start as PyTorch draws them.
    Source: Krizhevsky 2014, One weird trick for parallelizing convolutional neural networks, arXiv:1404.5997, after
    Krizhevsky, Sutskever and Hinton 2012, NIPS 25
    """

    def __init__(self, input: InputSpec, out_dim: int, config: AlexNetConfig) -> None:
        """Raises: ConfigError for images smaller than `SMALLEST`"""
        super().__init__()
        channels, height, width = input.shape
        small = is_small(config.stem, input.shape)
        check_size("alexnet", input.shape, small=small, least=SMALLEST)
        places = (_small_places(height), _small_places(width)) if small else (PLACES, PLACES)
        self.features = nn.Sequential(
            nn.Conv2d(channels, 64, 5, padding=2) if small else nn.Conv2d(channels, 64, 11, stride=4, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(64, 192, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(192, 384, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(places)
        self.classifier = nn.Sequential(
            nn.Dropout(config.dropout),
            nn.Linear(256 * places[0] * places[1], 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(config.dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Linear(4096, out_dim),
        )

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, out_dim)."""
        return self.classifier(self.avgpool(self.features(input)).flatten(1))


def _small_places(pixels: int) -> int:
    """Side of the small variant's last map, or what it is averaged to: a map is never blown up to six places."""
    for _ in range(3):
        pixels = (pixels - 3) // 2 + 1
    return min(pixels, PLACES)
