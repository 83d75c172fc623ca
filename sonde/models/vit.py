"""Vision transformers: an image as a row of patches that attend to one another. Parameter names are timm's."""

from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.ranges import check_counts, check_shares
from sonde.nn.dropout import Dropout
from sonde.nn.stochastic_depth import StochasticDepth, rising

SMALL_IMAGE = 64  # pixels; up to here patches of 16 would leave 16 or fewer of them
SMALL_PATCH = 4  # pixels; what the paper's successors use on 32-pixel images
EPS = 1e-6  # of the layer norms, as in the paper's own code
HEAD_DIM = 64  # channels of an attention head, at every size

# B rows, C channels of the image, D channels of a token, T tokens, H heads, K channels of a head


@dataclass(frozen=True, kw_only=True)
class ViTConfig:
    """Settings of the vision transformers."""

    patch: int | Literal["auto"] = "auto"
    """Patch size in pixels; auto: that in the model's name, or 4 for images up to 64 pixels."""
    pool: Literal["token", "mean"] = "token"
    """Pooling before the head: the class token, or the mean over all patches."""
    registers: int = 0
    """Register tokens: learned tokens of no patch (Darcet et al. 2023, arXiv:2309.16588)."""
    dropout: float = 0.0
    """Dropout after the positions, each attention and both layers of each MLP."""
    stochastic_depth: float = 0.0
    """Stochastic depth: drop probability of the last block, rising linearly from 0 at the first."""

    def __post_init__(self) -> None:
        if self.patch != "auto" and self.patch < 1:
            raise ConfigError(f"--patch must be at least 1, got {self.patch}")
        check_counts(self, "registers", low=0)
        check_shares(self, "dropout", "stochastic_depth")


class Attention(nn.Module):
    """Self-attention with several heads: (B, T, D) -> (B, T, D).

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2
    """

    def __init__(self, dim: int, dropout: float) -> None:
        super().__init__()
        self.num_heads = dim // HEAD_DIM
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.proj_drop = Dropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        parts = self.qkv(tokens).unflatten(2, (3, self.num_heads, HEAD_DIM))  # (B, T, 3, H, K)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind()  # (B, H, T, K)
        mixed = F.scaled_dot_product_attention(query, key, value)
        return self.proj_drop(self.proj(mixed.transpose(1, 2).flatten(2)))


class MLP(nn.Module):
    """Two dense layers, the inner one four times as wide: (B, T, D) -> (B, T, D)."""

    def __init__(self, dim: int, dropout: float) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, 4 * dim)
        self.act = nn.GELU()
        self.drop1 = Dropout(dropout)
        self.fc2 = nn.Linear(4 * dim, dim)
        self.drop2 = Dropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        return self.drop2(self.fc2(self.drop1(self.act(self.fc1(tokens)))))


class Block(nn.Module):
    """Attention, then an MLP, each on normalised tokens and added to what it was given: (B, T, D) -> (B, T, D)."""

    def __init__(self, dim: int, *, dropout: float, stochastic_depth: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=EPS)
        self.attn = Attention(dim, dropout)
        self.drop_path1 = StochasticDepth(stochastic_depth)
        self.norm2 = nn.LayerNorm(dim, eps=EPS)
        self.mlp = MLP(dim, dropout)
        self.drop_path2 = StochasticDepth(stochastic_depth)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        tokens = tokens + self.drop_path1(self.attn(self.norm1(tokens)))
        return tokens + self.drop_path2(self.mlp(self.norm2(tokens)))


class PatchEmbedding(nn.Module):
    """Each patch as a token: (B, C, height, width) -> (B, patches row by row, D)."""

    def __init__(self, channels: int, dim: int, patch: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels, dim, patch, stride=patch)

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, height, width) -> (B, T, D)."""
        return self.proj(input).flatten(2).transpose(1, 2)


class VisionTransformer(nn.Module):
    """Patches, a class token and registers with learned positions, blocks, norm and a linear head.

    (B, C, H, W) -> (B, out_dim). With the mean as pool the norm comes after it and is called fc_norm.
    Source: Dosovitskiy et al. 2020, arXiv:2010.11929
    """

    def __init__(self, input: InputSpec, out_dim: int, config: ViTConfig, *, dim: int, depth: int, patch: int) -> None:
        """patch: for large images. Raises: ConfigError for images that do not divide into patches"""
        super().__init__()
        channels, height, width = input.shape
        if config.patch != "auto":
            patch = config.patch
        elif max(height, width) <= SMALL_IMAGE:
            patch = SMALL_PATCH
        if height % patch or width % patch:
            size = max(1, -(-max(height, width) // patch)) * patch
            raise ConfigError(
                f"images of {height}x{width} pixels do not divide into patches of {patch}x{patch}; use --image-size {size}, or "
                "give --patch a divisor"
            )
        self.patch = patch  # pixels, a patch's side
        self.grid = (height // patch, width // patch)  # patches from top to bottom, from left to right
        self.prefix = 1 + config.registers  # tokens before the first patch
        self.patch_embed = PatchEmbedding(channels, dim, patch)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.reg_token = nn.Parameter(torch.zeros(1, config.registers, dim)) if config.registers else None
        self.pos_embed = nn.Parameter(torch.zeros(1, self.prefix + self.grid[0] * self.grid[1], dim))
        self.pos_drop = Dropout(config.dropout)
        rates = rising(config.stochastic_depth, depth, last=True)
        self.blocks = nn.Sequential(*(Block(dim, dropout=config.dropout, stochastic_depth=rate) for rate in rates))
        self.mean = config.pool == "mean"
        self.norm = nn.Identity() if self.mean else nn.LayerNorm(dim, eps=EPS)
        self.fc_norm = nn.LayerNorm(dim, eps=EPS) if self.mean else nn.Identity()
        self.head = nn.Linear(dim, out_dim)
        _initialise(self)

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, out_dim)."""
        tokens = self.tokens(input)
        pooled = tokens[:, self.prefix :].mean(1) if self.mean else tokens[:, 0]  # (B, D)
        return self.head(self.fc_norm(pooled))

    def tokens(self, input: Tensor, visible: Tensor | None = None) -> Tensor:
        """What the blocks make of all tokens, those without a patch first: (B, C, H, W) -> (B, T, D).

        visible: (B, n) int64, the visible patches, the others being masked out (`MaskedAutoencoder` trains so)
        """
        patches = self.patch_embed(input)
        extra = [token for token in (self.cls_token, self.reg_token) if token is not None]
        tokens = torch.cat([*(token.expand(len(input), -1, -1) for token in extra), patches], 1) + self.pos_embed
        if visible is not None:
            places = F.pad(visible + self.prefix, (self.prefix, 0))
            places[:, : self.prefix] = torch.arange(self.prefix, device=visible.device)
            tokens = tokens.gather(1, places[:, :, None].expand(-1, -1, tokens.shape[2]))
        return self.norm(self.blocks(self.pos_drop(tokens)))


def resize_positions(positions: Tensor, grid: tuple[int, int], prefix: int) -> Tensor:
    """Positions learned on a square grid for another one: (1, prefix + n², D) -> (1, prefix + height * width, D).

    Those of the grid are interpolated (bicubic, antialiased, as timm does); those of the `prefix` tokens stay.
    Raises: ValueError when the old grid is not square
    Source: Dosovitskiy et al. 2020, section 3.2
    """
    held, old = positions[:, :prefix], positions[:, prefix:]
    side = round(old.shape[1] ** 0.5)
    if side * side != old.shape[1] or side == 0:
        raise ValueError(f"{old.shape[1]} positions do not form a square grid")
    maps = old.float().unflatten(1, (side, side)).permute(0, 3, 1, 2)  # (1, D, n, n)
    maps = F.interpolate(maps, size=grid, mode="bicubic", antialias=True)
    return torch.cat([held, maps.flatten(2).transpose(1, 2).to(positions.dtype)], 1)


def _initialise(model: VisionTransformer) -> None:
    """Matrices normal with std 0.02, biases 0, as timm draws them; the patches' convolution as torch does."""
    nn.init.trunc_normal_(model.pos_embed, std=0.02)
    nn.init.normal_(model.cls_token, std=1e-6)
    if model.reg_token is not None:
        nn.init.normal_(model.reg_token, std=1e-6)
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.02)
            nn.init.zeros_(module.bias)


vit_tiny_16 = partial(VisionTransformer, dim=192, depth=12, patch=16)
"""Ti/16: 12 blocks of 192 channels (Touvron et al. 2020, DeiT, arXiv:2012.12877)."""
vit_small_8 = partial(VisionTransformer, dim=384, depth=12, patch=8)
"""S/8: 12 blocks of 384 channels (Touvron et al. 2020, DeiT, arXiv:2012.12877)."""
vit_small_14 = partial(VisionTransformer, dim=384, depth=12, patch=14)
"""S/14: 12 blocks of 384 channels."""
vit_small_16 = partial(VisionTransformer, dim=384, depth=12, patch=16)
"""S/16: 12 blocks of 384 channels."""
vit_base_8 = partial(VisionTransformer, dim=768, depth=12, patch=8)
"""B/8: 12 blocks of 768 channels."""
vit_base_14 = partial(VisionTransformer, dim=768, depth=12, patch=14)
"""B/14: 12 blocks of 768 channels."""
vit_base_16 = partial(VisionTransformer, dim=768, depth=12, patch=16)
"""B/16: 12 blocks of 768 channels."""
vit_base_32 = partial(VisionTransformer, dim=768, depth=12, patch=32)
"""B/32: 12 blocks of 768 channels."""
vit_large_14 = partial(VisionTransformer, dim=1024, depth=24, patch=14)
"""L/14: 24 blocks of 1024 channels."""
vit_large_16 = partial(VisionTransformer, dim=1024, depth=24, patch=16)
"""L/16: 24 blocks of 1024 channels."""
vit_large_32 = partial(VisionTransformer, dim=1024, depth=24, patch=32)
"""L/32: 24 blocks of 1024 channels."""
