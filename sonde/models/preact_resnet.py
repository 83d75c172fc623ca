"""Residual networks with the activation before the weights: what goes around a block reaches the end of its stage untouched."""

from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.models.stem import Stem, first_convolution, is_small
from sonde.nn.initialise import initialise_convolutions


@dataclass(frozen=True, kw_only=True)
class PreactResNetConfig:
    """Settings of the pre-activation residual networks."""

    stem: Stem = "auto"
    """First layers: imagenet (7x7 by stride 2, max-pool), small (3x3), or auto: small up to 64 pixels."""


class PreactBlock(nn.Module):
    """Norm and ReLU before each of two 3x3 convolutions: (B, in, H, W) -> (B, width, H/stride, W/stride).

    activated: the input has had its norm and ReLU already, as that of the first block of the network
    Source: He et al. 2016, arXiv:1603.05027, figure 4e
    """

    def __init__(self, in_channels: int, width: int, stride: int, *, activated: bool) -> None:
        super().__init__()
        self.bn1 = nn.Identity() if activated else nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.relu = nn.ReLU()  # not in place: the input itself may be what goes around
        self.shortcut = _shortcut(in_channels, width, stride)

    def forward(self, input: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, width, H/stride, W/stride)."""
        active = self.relu(self.bn1(input))
        residual = self.conv2(self.relu(self.bn2(self.conv1(active))))
        return residual + (input if self.shortcut is None else self.shortcut(active))


class PreactBottleneck(nn.Module):
    """Norm and ReLU before each of 1x1 down, 3x3 and 1x1 up: (B, in, H, W) -> (B, 4 width, H/stride, W/stride).

    The stride is the 3x3 convolution's, as in sonde.models.resnet.
    activated: the input has had its norm and ReLU already, as that of the first block of the network
    Source: He et al. 2016, arXiv:1603.05027, figure 4e and section 4.1
    """

    def __init__(self, in_channels: int, width: int, stride: int, *, activated: bool) -> None:
        super().__init__()
        self.bn1 = nn.Identity() if activated else nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.relu = nn.ReLU()  # not in place: the input itself may be what goes around
        self.shortcut = _shortcut(in_channels, 4 * width, stride)

    def forward(self, input: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, 4 width, H/stride, W/stride)."""
        active = self.relu(self.bn1(input))
        residual = self.conv2(self.relu(self.bn2(self.conv1(active))))
        residual = self.conv3(self.relu(self.bn3(residual)))
        return residual + (input if self.shortcut is None else self.shortcut(active))


class PreactResNet(nn.Module):
    """A stem, four stages of blocks at widths 64, 128, 256, 512, a last norm and ReLU, average pooling and a linear head.

    (B, C, H, W) -> (B, out_dim). The stem's norm and ReLU stand before the first block parts from its way around, and one
    more norm and ReLU after the last addition (the paper's appendix).
    Source: He et al. 2016, arXiv:1603.05027
    """

    def __init__(
        self,
        input: InputSpec,
        out_dim: int,
        config: PreactResNetConfig,
        *,
        block: type[PreactBlock] | type[PreactBottleneck],
        depths: tuple[int, int, int, int],
    ) -> None:
        super().__init__()
        small = is_small(config.stem, input.shape)
        self.conv1 = first_convolution(input.shape[0], 64, small=small)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.Identity() if small else nn.MaxPool2d(3, stride=2, padding=1)
        expansion = 4 if block is PreactBottleneck else 1
        blocks: list[nn.Sequential] = []
        in_channels = 64
        for stage, depth in enumerate(depths):
            width = 64 * 2**stage
            first = block(in_channels, width, 1 if stage == 0 else 2, activated=stage == 0)
            in_channels = width * expansion
            rest = [block(in_channels, width, 1, activated=False) for _ in range(depth - 1)]
            blocks.append(nn.Sequential(first, *rest))
        self.layer1, self.layer2, self.layer3, self.layer4 = blocks
        self.bn2 = nn.BatchNorm2d(in_channels)
        self.fc = nn.Linear(in_channels, out_dim)
        initialise_convolutions(self)

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, out_dim)."""
        maps = self.maxpool(self.relu(self.bn1(self.conv1(input))))
        maps = self.layer4(self.layer3(self.layer2(self.layer1(maps))))
        return self.fc(self.relu(self.bn2(maps)).mean((2, 3)))


def _shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Conv2d | None:
    """A 1x1 convolution where the shape changes, without a norm: it is given what is active already."""
    if stride == 1 and in_channels == out_channels:
        return None
    return nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)


preact_resnet18 = partial(PreactResNet, block=PreactBlock, depths=(2, 2, 2, 2))
"""18 layers: 2, 2, 2, 2 blocks."""
preact_resnet34 = partial(PreactResNet, block=PreactBlock, depths=(3, 4, 6, 3))
"""34 layers: 3, 4, 6, 3 blocks."""
preact_resnet50 = partial(PreactResNet, block=PreactBottleneck, depths=(3, 4, 6, 3))
"""50 layers: 3, 4, 6, 3 bottlenecks."""
