"""From what a transformer made of some patches to the pixels of all of them."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# B rows, T patches of an image, N of them visible, D channels of a token, V numbers of a patch


class Block(nn.Module):
    """Attention, then a dense pair, each on normalised tokens and added to what it was given: (B, T, D) -> (B, T, D)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.dense = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        query, key, value = (
            self.qkv(self.norm1(tokens)).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind()
        )
        mixed = F.scaled_dot_product_attention(query, key, value)  # (B, heads, T, channels)
        tokens = tokens + self.proj(mixed.transpose(1, 2).flatten(2))
        return tokens + self.dense(self.norm2(tokens))


class PatchDecoder(nn.Module):
    """A few blocks over all places, with one learned token where nothing was seen: (B, prefix + N, D) -> (B, T, V).

    Positions are learned, where the source has fixed sines.
    Source: He et al. 2021, Masked autoencoders are scalable vision learners, arXiv:2111.06377, section 3
    """

    def __init__(self, dim: int, *, prefix: int, patches: int, values: int, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.prefix = prefix
        self.embed = nn.Linear(dim, width)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.zeros(1, prefix + patches, width))
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.pixels = nn.Linear(width, values)
        nn.init.trunc_normal_(self.positions, std=0.02)
        nn.init.trunc_normal_(self.mask_token, std=0.02)

    def forward(self, tokens: Tensor, order: Tensor) -> Tensor:
        """tokens: those without a patch, then the kept ones; order: (B, T) int64, all patches, the kept ones first."""
        given = self.embed(tokens)
        visible = given.shape[1] - self.prefix
        unseen = self.mask_token.to(given.dtype).expand(len(given), order.shape[1] - visible, -1)
        shuffled = torch.cat([given[:, self.prefix :], unseen], 1)
        back = order.argsort(1)[:, :, None].expand(-1, -1, shuffled.shape[2])
        placed = torch.cat([given[:, : self.prefix], shuffled.gather(1, back)], 1) + self.positions
        return self.pixels(self.norm(self.blocks(placed))[:, self.prefix :])
