"""A residual network whose last stages keep their resolution, under a head for every pixel. Names are torchvision's."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.models.ranges import check_shares
from sonde.models.resnet import ResNet, ResNetConfig, resnet50, resnet101
from sonde.nn.conv_norm import conv_norm

FEATURES = 2048  # channels of the last stage of bottlenecks
PYRAMID = 256  # channels of each branch of the pyramid
RATES = (12, 24, 36)  # dilations of the pyramid where maps have 1/8 of the image's size (section 3.3.1)
Resnet = Callable[[InputSpec, int, ResNetConfig], ResNet]
IMAGENET_STEM = ResNetConfig(stem="imagenet")  # dilations of the stages are made for its 1/4 resolution


@dataclass(frozen=True, kw_only=True)
class DeepLabConfig:
    """Settings of DeepLab and FCN."""

    head_dropout: float | None = None
    """Dropout before the last convolution; by default 0.5 in DeepLab's pyramid and 0.1 in FCN."""

    def __post_init__(self) -> None:
        check_shares(self, "head_dropout")


class Backbone(nn.Module):
    """A residual network up to its last stage, at 1/8 of the image's size: (B, C, H, W) -> (B, 2048, H/8, W/8).

    Stages three and four go on by stride 1; their 3x3 convolutions are dilated instead, so that their receptive fields stay.
    Source: Chen et al. 2017, arXiv:1706.05587, section 3.1
    """

    def __init__(self, network: ResNet) -> None:
        super().__init__()
        self.conv1, self.bn1, self.relu, self.maxpool = network.conv1, network.bn1, network.relu, network.maxpool
        self.layer1, self.layer2 = network.layer1, network.layer2
        self.layer3 = _dilated(network.layer3, first=1, rest=2)
        self.layer4 = _dilated(network.layer4, first=2, rest=4)

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, 2048, H/8, W/8)."""
        maps = self.maxpool(self.relu(self.bn1(self.conv1(input))))
        return self.layer4(self.layer3(self.layer2(self.layer1(maps))))


class ImageFeatures(nn.Sequential):
    """The mean over the whole image, convolved and spread out again: (B, in, H, W) -> (B, out, H, W)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(in_channels, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
        )

    def forward(self, input: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, out, H, W)."""
        pool, convolution, norm, relu = self
        pooled = convolution(pool(input))  # (B, out, 1, 1)
        if self.training and len(input) == 1:  # one value a channel has no variance: as in evaluation
            pooled = norm.eval()(pooled)
            norm.train()
        else:
            pooled = norm(pooled)
        return relu(pooled).expand(-1, -1, *input.shape[2:])


class Pyramid(nn.Module):
    """The same maps convolved at several dilations and averaged as a whole, concatenated: (B, in, H, W) -> (B, 256, H, W).

    Source: Chen et al. 2017, arXiv:1706.05587, section 3.3 (atrous spatial pyramid pooling)
    """

    def __init__(self, in_channels: int, dropout: float) -> None:
        super().__init__()
        branches = [
            conv_norm(in_channels, PYRAMID, 1),
            *(conv_norm(in_channels, PYRAMID, 3, dilation=rate) for rate in RATES),
        ]
        self.convs = nn.ModuleList([*branches, ImageFeatures(in_channels, PYRAMID)])
        joined = conv_norm(len(self.convs) * PYRAMID, PYRAMID, 1)
        self.project = nn.Sequential(*joined, nn.Dropout(dropout))

    def forward(self, input: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, 256, H, W)."""
        return self.project(torch.cat([branch(input) for branch in self.convs], 1))


class DenseLogits(nn.Module):
    """A backbone, a head on its maps, and the logits enlarged to the image: (B, C, H, W) -> (B, out_dim, H, W)."""

    def __init__(self, backbone: Backbone, classifier: nn.Module) -> None:
        super().__init__()
        self.backbone, self.classifier = backbone, classifier

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, out_dim, H, W)."""
        logits = self.classifier(self.backbone(input))
        return F.interpolate(logits, size=input.shape[2:], mode="bilinear", align_corners=False)


def _dilated(stage: nn.Sequential, *, first: int, rest: int) -> nn.Sequential:
    """The stage by stride 1, its 3x3 convolutions dilated: `first` in the first block, `rest` in the others."""
    for number, block in enumerate(stage):
        for layer in block.modules():
            if isinstance(layer, nn.Conv2d):
                layer.stride = (1, 1)
                if layer.kernel_size == (3, 3):
                    layer.dilation = layer.padding = (rest, rest) if number else (first, first)
    return stage


def _deeplab(input: InputSpec, out_dim: int, config: DeepLabConfig, *, resnet: Resnet) -> DenseLogits:
    network = resnet(input, 1, IMAGENET_STEM)
    dropout = 0.5 if config.head_dropout is None else config.head_dropout
    head = nn.Sequential(Pyramid(FEATURES, dropout), *conv_norm(PYRAMID, PYRAMID, 3), nn.Conv2d(PYRAMID, out_dim, 1))
    return DenseLogits(Backbone(network), head)


def _fcn(input: InputSpec, out_dim: int, config: DeepLabConfig, *, resnet: Resnet) -> DenseLogits:
    network = resnet(input, 1, IMAGENET_STEM)
    dropout = 0.1 if config.head_dropout is None else config.head_dropout
    inner = FEATURES // 4
    head = nn.Sequential(*conv_norm(FEATURES, inner, 3), nn.Dropout(dropout), nn.Conv2d(inner, out_dim, 1))
    return DenseLogits(Backbone(network), head)


fcn_resnet50 = partial(_fcn, resnet=resnet50)
"""Two convolutions on the maps of a 50-layer network (Long et al. 2014, arXiv:1411.4038, without its skips)."""
fcn_resnet101 = partial(_fcn, resnet=resnet101)
"""Two convolutions on the maps of a 101-layer network."""
deeplabv3_resnet50 = partial(_deeplab, resnet=resnet50)
"""The pyramid on the maps of a 50-layer network."""
deeplabv3_resnet101 = partial(_deeplab, resnet=resnet101)
"""The pyramid on the maps of a 101-layer network."""
