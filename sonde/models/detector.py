"""Dense detectors without anchors: every cell of three feature maps predicts one box and a score for each class.

(B, C, H, W) -> (B, P, 4 + classes): left, top, right and bottom in pixels of the input, then the classes' logits, for each of the
P cells in the order of `sonde.nn.points.point_grid`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from math import log

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.boxes import from_distances
from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.ranges import check_counts
from sonde.models.resnet import BasicBlock, ResNet, ResNetConfig, resnet18, resnet50
from sonde.nn.conv_norm import conv_norm
from sonde.nn.initialise import initialise_convolutions
from sonde.nn.points import point_grid

STRIDES = (8, 16, 32)  # pixels of the input to a cell of each map
SMALLEST_INPUT = 32  # pixels: the coarsest map has a cell
GROUPS = 8  # of group norm
PRIOR = 0.01  # probability that a fresh network gives each class: nearly all cells see background
MOST_CELLS = 6.0  # logarithm of how many cells a box may reach: an untrained head must not overflow


@dataclass(frozen=True, kw_only=True)
class DetectorConfig:
    """Settings of the detectors."""

    pyramid_width: int = 0
    """Channels of the feature pyramid and the heads, a multiple of 8; 0 for the model's default."""
    head_layers: int = 0
    """3x3 convolutions in each of the two branches of the head; 0 for the model's default."""

    def __post_init__(self) -> None:
        if self.pyramid_width < 0 or self.pyramid_width % GROUPS:
            raise ConfigError(f"--pyramid-width must be a multiple of {GROUPS}, got {self.pyramid_width}")
        check_counts(self, "head_layers", low=0)


class ResidualMaps(nn.Module):
    """A narrow residual network: (B, C, H, W) -> maps at strides 8, 16 and 32, with the last three of `widths` channels.

    widths: of the stem (stride 2) and of the stages at strides 4, 8, 16, 32;  depth: blocks of a stage
    """

    def __init__(self, input: InputSpec, *, widths: Sequence[int], depth: int = 2) -> None:
        super().__init__()
        first, *rest = widths
        self.stem = conv_norm(input.shape[0], first, 3, stride=2)
        stages, before = [], first
        for number, width in enumerate(rest):
            blocks = [BasicBlock(before, width, 2)]
            # at stride 4 maps are large, and a second block there would cost as much as all others
            blocks += [BasicBlock(width, width, 1) for _ in range(depth - 1 if number else 0)]
            stages.append(nn.Sequential(*blocks))
            before = width
        self.stages = nn.ModuleList(stages)
        self.widths = tuple(rest[-3:])

    def forward(self, input: Tensor) -> list[Tensor]:
        """(B, C, H, W) -> three maps, the finest first."""
        return _through(self.stages, self.stem(input))[-3:]


class ResNetMaps(nn.Module):
    """The stages of a residual network at strides 8, 16 and 32, by their names there; without its pooling and head."""

    def __init__(
        self,
        input: InputSpec,
        *,
        resnet: Callable[[InputSpec, int, ResNetConfig], ResNet],
        widths: tuple[int, int, int],
    ) -> None:
        super().__init__()
        net = resnet(input, 1, ResNetConfig(stem="imagenet"))
        self.conv1, self.bn1, self.relu, self.maxpool = net.conv1, net.bn1, net.relu, net.maxpool
        self.layer1, self.layer2, self.layer3, self.layer4 = net.layer1, net.layer2, net.layer3, net.layer4
        self.widths = widths

    def forward(self, input: Tensor) -> list[Tensor]:
        """(B, C, H, W) -> three maps, the finest first."""
        finest = self.layer1(self.maxpool(self.relu(self.bn1(self.conv1(input)))))
        return _through((self.layer2, self.layer3, self.layer4), finest)


class Pyramid(nn.Module):
    """Maps of one width: what coarse maps know is added to finer ones, then each is smoothed by a 3x3 convolution.

    Source: Lin et al. 2017, arXiv:1612.03144, section 3; with batch norm
    """

    def __init__(self, widths: Sequence[int], width: int) -> None:
        super().__init__()
        self.lateral = nn.ModuleList([nn.Conv2d(before, width, 1) for before in widths])
        self.smooth = nn.ModuleList([conv_norm(width, width, 3) for _ in widths])

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Maps of any widths, the finest first -> as many of one width."""
        sides = [lateral(one) for lateral, one in zip(self.lateral, maps, strict=True)]
        for place in range(len(sides) - 2, -1, -1):
            sides[place] = sides[place] + F.interpolate(sides[place + 1], size=sides[place].shape[2:], mode="nearest")
        return [smooth(one) for smooth, one in zip(self.smooth, sides, strict=True)]


class Head(nn.Module):
    """Two branches of convolutions that all maps share, one for classes and one for boxes, which the maps scale each for itself.

    Source: Tian et al. 2019, FCOS, arXiv:1904.01355, figure 2, without centre-ness: the class scores are trained to be qualities
    """

    def __init__(self, width: int, classes: int, depth: int) -> None:
        super().__init__()
        self.class_branch = _branch(width, depth)
        self.box_branch = _branch(width, depth)
        self.classes = nn.Conv2d(width, classes, 3, padding=1)
        self.distances = nn.Conv2d(width, 4, 3, padding=1)
        self.scales = nn.Parameter(torch.ones(len(STRIDES)))

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """(distances in cells (B, P, 4), logits (B, P, classes))."""
        distances, logits = [], []
        for place, one in enumerate(maps):
            reach = self.distances(self.box_branch(one)) * self.scales[place]
            distances.append(reach.flatten(2))
            logits.append(self.classes(self.class_branch(one)).flatten(2))
        return torch.cat(distances, 2).mT.clamp(max=MOST_CELLS).exp(), torch.cat(logits, 2).mT


class Detector(nn.Module):
    """Backbone, pyramid and head: (B, C, H, W) -> (B, P, 4 + classes), as the top of this file says.

    Source: Tian et al. 2019, arXiv:1904.01355, on the pyramid of Lin et al. 2017
    """

    strides = STRIDES

    def __init__(
        self,
        input: InputSpec,
        out_dim: int,
        config: DetectorConfig,
        *,
        backbone: Callable[[InputSpec], ResidualMaps | ResNetMaps],
        width: int,
        depth: int = 2,
    ) -> None:
        """width, depth: the size's own, for settings that are 0. Raises: ConfigError for images smaller than a coarsest cell"""
        height, across = input.shape[1:]
        if min(height, across) < SMALLEST_INPUT:
            raise ConfigError(
                f"detectors need images of at least {SMALLEST_INPUT} pixels, got {height}x{across}; use --image-size "
                f"{SMALLEST_INPUT}"
            )
        super().__init__()
        width = config.pyramid_width or width
        self.backbone = backbone(input)
        self.pyramid = Pyramid(self.backbone.widths, width)
        self.head = Head(width, out_dim, config.head_layers or depth)
        initialise_convolutions(self)
        for last in (self.head.classes, self.head.distances):
            nn.init.normal_(last.weight, std=0.01)
        assert self.head.classes.bias is not None
        nn.init.constant_(self.head.classes.bias, log(PRIOR / (1 - PRIOR)))

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, P, 4 + classes)."""
        distances, logits = self.head(self.pyramid(self.backbone(input)))
        points = point_grid(input.shape[2], input.shape[3], STRIDES, input.device)
        # boxes in full precision: under autocast 16 bits would leave steps of a pixel
        boxes = from_distances(points[:, :2], distances.float() * points[:, 2:])
        return torch.cat([boxes, logits.to(boxes.dtype)], -1)


def _through(stages: Iterable[nn.Module], maps: Tensor) -> list[Tensor]:
    found = []
    for stage in stages:
        maps = stage(maps)
        found.append(maps)
    return found


def _branch(width: int, depth: int) -> nn.Sequential:
    # group norm, because the statistics of three maps that share these weights differ
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.GroupNorm(GROUPS, width),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


detector_tiny = partial(Detector, backbone=partial(ResidualMaps, widths=(16, 32, 64, 128, 192)), width=48)
"""Stages of 32 to 192 channels and a pyramid of 48: made to be trained from scratch on a CPU."""
detector_small = partial(Detector, backbone=partial(ResidualMaps, widths=(32, 48, 96, 192, 320)), width=96)
"""Stages of 48 to 320 channels and a pyramid of 96."""
detector_resnet18 = partial(Detector, backbone=partial(ResNetMaps, resnet=resnet18, widths=(128, 256, 512)), width=128)
"""ResNet-18 with a pyramid of 128 channels."""
detector_resnet50 = partial(
    Detector, backbone=partial(ResNetMaps, resnet=resnet50, widths=(512, 1024, 2048)), width=256, depth=4
)
"""ResNet-50 with a pyramid of 256 channels and four convolutions a branch, as in the source paper."""
