"""A transformer over patches that sees how noisy its input is (DiT)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.ranges import check_counts
from sonde.nn.attention import SelfAttention
from sonde.nn.time_condition import CONDITION
from sonde.nn.transformer_block import FeedForward


@dataclass(frozen=True, kw_only=True)
class DenoiserTransformerConfig:
    """Settings of the denoising transformer."""

    patch: int = 2
    """Side of the patches, in pixels."""
    width: int = 128
    """Channels of a patch."""
    layers: int = 6
    """Transformer blocks."""
    heads: int = 4
    """Attention heads."""

    def __post_init__(self) -> None:
        check_counts(self, "patch", "width", "layers", "heads")
        if self.width % self.heads:
            raise ConfigError(f"--width must be a multiple of --heads, got {self.width} and {self.heads}")


class Block(nn.Module):
    """Attention and a feed-forward part, both scaled, shifted and gated by the condition; it begins as the identity."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, elementwise_affine=False)
        self.norm2 = nn.LayerNorm(width, elementwise_affine=False)
        self.attention = SelfAttention(width, heads)
        self.feed_forward = FeedForward(width, 4 * width, activation="gelu-tanh")
        self.condition = nn.Linear(CONDITION, 6 * width)
        nn.init.zeros_(self.condition.weight)
        nn.init.zeros_(self.condition.bias)

    def forward(self, input: Tensor, condition: Tensor) -> Tensor:
        """(B, T, width), (B, CONDITION) -> (B, T, width)."""
        scale1, shift1, gate1, scale2, shift2, gate2 = self.condition(condition)[:, None].chunk(6, 2)
        input = input + gate1 * self.attention(torch.addcmul(shift1, self.norm1(input), 1 + scale1))
        return input + gate2 * self.feed_forward(torch.addcmul(shift2, self.norm2(input), 1 + scale2))


class DenoiserTransformer(nn.Module):
    """(B, C, H, W) and a condition (B, `condition`) -> (B, C, H, W).

    Sides that are no multiple of the patch are continued at the right and below by their last pixels, and cut off again.
    Source: Peebles and Xie 2022, Scalable diffusion models with transformers, arXiv:2212.09748 (adaLN-zero)
    """

    def __init__(self, input: InputSpec, out_dim: int, config: DenoiserTransformerConfig) -> None:
        """out_dim: not used, as what comes out is like what goes in"""
        super().__init__()
        channels, height, length = input.shape
        self.condition, self.patch, width = CONDITION, config.patch, config.width
        places = -(-height // config.patch) * -(-length // config.patch)
        self.stem = nn.Conv2d(channels, width, config.patch, stride=config.patch)
        self.places = nn.Parameter(torch.randn(1, places, width) * 0.02)
        self.blocks = nn.ModuleList(Block(width, config.heads) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.last = nn.Linear(CONDITION, 2 * width)
        self.head = nn.Linear(width, channels * config.patch**2)
        for layer in (self.last, self.head):  # begins by answering 0
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, input: Tensor, condition: Tensor) -> Tensor:
        """(B, C, H, W), (B, `condition`) -> (B, C, H, W)."""
        height, length = input.shape[2:]
        condition = F.silu(condition)
        maps = self.stem(F.pad(input, (0, -length % self.patch, 0, -height % self.patch), mode="replicate"))
        tokens = maps.flatten(2).transpose(1, 2) + self.places
        for block in self.blocks:
            tokens = block(tokens, condition)
        scale, shift = self.last(condition)[:, None].chunk(2, 2)
        found = self.head(torch.addcmul(shift, self.norm(tokens), 1 + scale)).transpose(1, 2)
        return F.pixel_shuffle(found.unflatten(2, maps.shape[2:]), self.patch)[:, :, :height, :length]
