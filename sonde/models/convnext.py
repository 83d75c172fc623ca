"""ConvNeXt: convolutional networks built as transformers are. Parameter names are torchvision's."""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.models.ranges import check_shares
from sonde.models.stem import Stem, check_size, is_small
from sonde.nn.conv_norm import ChannelNorm
from sonde.nn.stochastic_depth import StochasticDepth, rising

EPS = 1e-6  # of the layer norms
LAYER_SCALE = 1e-6  # what each channel of a branch is multiplied by at the start
STRIDES = 8  # of the three layers between the stages, together


@dataclass(frozen=True, kw_only=True)
class ConvNeXtConfig:
    """Settings of ConvNeXt."""

    stem: Stem = "auto"
    """First layer: imagenet (patches of 4 pixels), small (of 2), or auto: small up to 64 pixels."""
    stochastic_depth: float | None = None
    """Stochastic depth: drop probability of the last block, rising linearly from 0; by default 0.1 (tiny) to 0.5 (large)."""

    def __post_init__(self) -> None:
        check_shares(self, "stochastic_depth")


class Permute(nn.Module):
    """The dimensions in another order."""

    def __init__(self, *order: int) -> None:
        super().__init__()
        self.order = order

    def forward(self, input: Tensor) -> Tensor:
        """A view."""
        return input.permute(self.order)


class Block(nn.Module):
    """A 7x7 convolution of each channel by itself, then an MLP at each place, added to what came in.

    (B, C, H, W) -> (B, C, H, W). The branch is scaled per channel by learned numbers that start near zero.
    Source: Liu et al. 2022, arXiv:2201.03545, figure 4; layer scale: Touvron et al. 2021, arXiv:2103.17239
    """

    def __init__(self, dim: int, stochastic_depth: float) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(dim, dim, 7, padding=3, groups=dim),
            Permute(0, 2, 3, 1),
            nn.LayerNorm(dim, eps=EPS),
            nn.Linear(dim, 4 * dim),
            nn.GELU(),
            nn.Linear(4 * dim, dim),
            Permute(0, 3, 1, 2),
        )
        self.layer_scale = nn.Parameter(torch.full((dim, 1, 1), LAYER_SCALE))
        self.stochastic_depth = StochasticDepth(stochastic_depth)

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return input + self.stochastic_depth(self.layer_scale * self.block(input))


class ConvNeXt(nn.Module):
    """Patches, four stages of blocks with a halving between them, average pooling, norm and a linear head.

    (B, C, H, W) -> (B, out_dim). The small-image stem cuts patches of 2 pixels in place of 4.
    Source: Liu et al. 2022, A ConvNet for the 2020s, arXiv:2201.03545
    """

    def __init__(
        self,
        input: InputSpec,
        out_dim: int,
        config: ConvNeXtConfig,
        *,
        depths: tuple[int, int, int, int],
        dims: tuple[int, int, int, int],
        stochastic_depth: float,
    ) -> None:
        """stochastic_depth: by default. Raises: ConfigError for images that leave the last stage no place"""
        super().__init__()
        small = is_small(config.stem, input.shape)
        patch = 2 if small else 4
        check_size("ConvNeXt", input.shape, small=small, least={"imagenet": 4 * STRIDES, "small": 2 * STRIDES})
        stem = nn.Sequential(nn.Conv2d(input.shape[0], dims[0], patch, stride=patch), ChannelNorm(dims[0], eps=EPS))
        layers: list[nn.Module] = [stem]
        largest = stochastic_depth if config.stochastic_depth is None else config.stochastic_depth
        rates = iter(rising(largest, sum(depths), last=True))
        for stage, (depth, dim) in enumerate(zip(depths, dims, strict=True)):
            if stage:
                before = dims[stage - 1]
                layers.append(nn.Sequential(ChannelNorm(before, eps=EPS), nn.Conv2d(before, dim, 2, stride=2)))
            layers.append(nn.Sequential(*(Block(dim, next(rates)) for _ in range(depth))))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(ChannelNorm(dims[-1], eps=EPS), nn.Flatten(1), nn.Linear(dims[-1], out_dim))
        for module in self.modules():  # the paper's appendix A.1
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, out_dim)."""
        return self.classifier(self.avgpool(self.features(input)))


convnext_tiny = partial(ConvNeXt, depths=(3, 3, 9, 3), dims=(96, 192, 384, 768), stochastic_depth=0.1)
"""18 blocks, 96 to 768 channels."""
convnext_small = partial(ConvNeXt, depths=(3, 3, 27, 3), dims=(96, 192, 384, 768), stochastic_depth=0.4)
"""36 blocks, 96 to 768 channels."""
convnext_base = partial(ConvNeXt, depths=(3, 3, 27, 3), dims=(128, 256, 512, 1024), stochastic_depth=0.5)
"""36 blocks, 128 to 1024 channels."""
convnext_large = partial(ConvNeXt, depths=(3, 3, 27, 3), dims=(192, 384, 768, 1536), stochastic_depth=0.5)
"""36 blocks, 192 to 1536 channels."""
