"""VGG: nothing but 3x3 convolutions, halvings and three dense layers. Parameter names are torchvision's."""

from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.models.ranges import check_shares
from sonde.models.stem import Stem, check_size, is_small
from sonde.nn.initialise import initialise_convolutions

SMALLEST: dict[Stem, int] = {"imagenet": 32, "small": 16}  # pixels that leave one place after the last halving
WIDTHS = (64, 128, 256, 512, 512)
PLACES = 7  # side of the map that the dense layers see


@dataclass(frozen=True, kw_only=True)
class VGGConfig:
    """Settings of the VGG networks."""

    stem: Stem = "auto"
    """Max-pools: imagenet (after each of five stages), small (not after the first), or auto: small up to 64 pixels."""
    dropout: float = 0.5
    """Dropout after each of the two hidden fully connected layers."""

    def __post_init__(self) -> None:
        check_shares(self, "dropout")


class VGG(nn.Module):
    """Five stages of 3x3 convolutions, each halved by its maxima, then three dense layers: (B, C, H, W) -> (B, out_dim).

    Source: Simonyan and Zisserman 2014, arXiv:1409.1556, table 1

    depths: convolutions of each stage
    norm:   batch norm between a convolution and its ReLU (Ioffe and Szegedy 2015, arXiv:1502.03167)
    """

    def __init__(
        self, input: InputSpec, out_dim: int, config: VGGConfig, *, depths: tuple[int, ...], norm: bool = False
    ) -> None:
        """Raises: ConfigError for images smaller than `SMALLEST`"""
        super().__init__()
        channels, height, width = input.shape
        small = is_small(config.stem, input.shape)
        check_size("VGG", input.shape, small=small, least=SMALLEST)
        places = (min(height // 16, PLACES), min(width // 16, PLACES)) if small else (PLACES, PLACES)
        layers: list[nn.Module] = []
        for stage, (width, depth) in enumerate(zip(WIDTHS, depths, strict=True)):
            for _ in range(depth):
                layers.append(nn.Conv2d(channels, width, 3, padding=1))
                layers += [nn.BatchNorm2d(width)] if norm else []
                layers.append(nn.ReLU(inplace=True))
                channels = width
            # a layer that does nothing keeps the numbers in the names of those after it
            layers.append(nn.Identity() if small and stage == 0 else nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(places)
        self.classifier = nn.Sequential(
            nn.Linear(WIDTHS[-1] * places[0] * places[1], 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(config.dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(config.dropout),
            nn.Linear(4096, out_dim),
        )
        initialise_convolutions(self, linear_std=0.01)  # as torchvision does

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, out_dim)."""
        return self.classifier(self.avgpool(self.features(input)).flatten(1))


vgg11 = partial(VGG, depths=(1, 1, 2, 2, 2))
"""11 layers: 1, 1, 2, 2, 2 convolutions (column A of the paper)."""
vgg11_bn = partial(VGG, depths=(1, 1, 2, 2, 2), norm=True)
"""11 layers with batch norm."""
vgg13 = partial(VGG, depths=(2, 2, 2, 2, 2))
"""13 layers: 2, 2, 2, 2, 2 convolutions (column B)."""
vgg13_bn = partial(VGG, depths=(2, 2, 2, 2, 2), norm=True)
"""13 layers with batch norm."""
vgg16 = partial(VGG, depths=(2, 2, 3, 3, 3))
"""16 layers: 2, 2, 3, 3, 3 convolutions (column D)."""
vgg16_bn = partial(VGG, depths=(2, 2, 3, 3, 3), norm=True)
"""16 layers with batch norm."""
vgg19 = partial(VGG, depths=(2, 2, 4, 4, 4))
"""19 layers: 2, 2, 4, 4, 4 convolutions (column E)."""
vgg19_bn = partial(VGG, depths=(2, 2, 4, 4, 4), norm=True)
"""19 layers with batch norm."""
