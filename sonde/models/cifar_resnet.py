"""The residual networks for CIFAR-10, and the same networks without shortcut connections, for comparison."""

from dataclasses import dataclass
from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.models.ranges import check_counts
from sonde.nn.initialise import initialise_convolutions


@dataclass(frozen=True, kw_only=True)
class CifarResNetConfig:
    """Settings of the CIFAR-10 networks."""

    width: int = 16
    """Channels of the first of the three stages; each further stage has twice as many."""

    def __post_init__(self) -> None:
        check_counts(self, "width")


class Block(nn.Module):
    """Two 3x3 convolutions, and where `residual` the input added to them: (B, in, H, W) -> (B, width, H/stride, W/stride).

    The way around has no parameters ("option A"): it takes every stride-th pixel, and zeros for the channels that are new.
    Source: He et al. 2015, arXiv:1512.03385, sections 3.3 and 4.2
    """

    def __init__(self, in_channels: int, width: int, stride: int, *, residual: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.residual = residual
        self.stride = stride
        self.new_channels = width - in_channels

    def forward(self, input: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, width, H/stride, W/stride), sides rounded up."""
        maps = self.relu(self.bn1(self.conv1(input)))
        maps = self.bn2(self.conv2(maps))
        if self.residual:
            around = input[:, :, :: self.stride, :: self.stride]
            maps = maps + (F.pad(around, (0, 0, 0, 0, 0, self.new_channels)) if self.new_channels else around)
        return self.relu(maps)


class CifarResNet(nn.Module):
    """A 3x3 convolution, three stages of n blocks each at w, 2w and 4w channels, average pooling and a linear head.

    (B, C, H, W) -> (B, out_dim); 6n + 2 layers with weights. The last stage sees a quarter of the resolution, so images
    from 5 pixels up fit, and nothing changes with their size.
    Source: He et al. 2015, arXiv:1512.03385, section 4.2; plain20 and plain56 are its "plain" networks
    """

    def __init__(
        self, input: InputSpec, out_dim: int, config: CifarResNetConfig, *, layers: int, residual: bool = True
    ) -> None:
        super().__init__()
        n, width = (layers - 2) // 6, config.width
        self.conv1 = nn.Conv2d(input.shape[0], width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = _stage(n, width, width, stride=1, residual=residual)
        self.layer2 = _stage(n, width, 2 * width, stride=2, residual=residual)
        self.layer3 = _stage(n, 2 * width, 4 * width, stride=2, residual=residual)
        self.fc = nn.Linear(4 * width, out_dim)
        initialise_convolutions(self, mode="fan_in")  # as the paper's reference [13] has it (arXiv:1502.01852)

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, out_dim)."""
        maps = self.relu(self.bn1(self.conv1(input)))
        maps = self.layer3(self.layer2(self.layer1(maps)))
        return self.fc(maps.mean((2, 3)))


def _stage(n: int, in_channels: int, width: int, *, stride: int, residual: bool) -> nn.Sequential:
    first = Block(in_channels, width, stride, residual=residual)
    return nn.Sequential(first, *(Block(width, width, 1, residual=residual) for _ in range(n - 1)))


resnet20 = partial(CifarResNet, layers=20)
"""20 layers: 3 blocks a stage; 0.27 M parameters at width 16."""
resnet32 = partial(CifarResNet, layers=32)
"""32 layers: 5 blocks a stage; 0.46 M parameters at width 16."""
resnet44 = partial(CifarResNet, layers=44)
"""44 layers: 7 blocks a stage; 0.66 M parameters at width 16."""
resnet56 = partial(CifarResNet, layers=56)
"""56 layers: 9 blocks a stage; 0.85 M parameters at width 16."""
resnet110 = partial(CifarResNet, layers=110)
"""110 layers: 18 blocks a stage; 1.7 M parameters at width 16."""
plain20 = partial(CifarResNet, layers=20, residual=False)
"""resnet20 without shortcut connections: the same parameters."""
plain56 = partial(CifarResNet, layers=56, residual=False)
"""resnet56 without shortcut connections: the same parameters; it trains worse than plain20 (figure 6)."""
