"""Layers between the frames of a clip: what a network of images needs to become one of clips."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# B clips, T frames, P places of a frame, K width of a head


class NormOfClip(nn.Module):
    """Group normalisation by the statistics of a whole clip: frames that differ in brightness still do after it."""

    def __init__(self, groups: int, width: int, frames: int) -> None:
        super().__init__()
        self.groups, self.frames = groups, frames
        self.weight, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))

    def forward(self, input: Tensor) -> Tensor:
        """(B * T, width, H, W), the frames of a clip after one another -> the same."""
        _, width, height, length = input.shape
        clips = input.reshape(-1, self.frames, width, height, length).transpose(1, 2)
        normed = F.group_norm(clips, self.groups, self.weight, self.bias)
        return normed.transpose(1, 2).reshape(input.shape)


class FramesAround(nn.Module):
    """A convolution over three frames, place by place; added to what comes in. Beyond the ends of a clip there is nothing.

    Source: Singer et al. 2022, Make-A-Video, arXiv:2209.14792 (convolution in time beside that in space)
    """

    def __init__(self, width: int, frames: int, *, groups: int) -> None:
        """groups: of channels that are normalised together"""
        super().__init__()
        self.frames, self.norm = frames, NormOfClip(groups, width, frames)
        self.mix = nn.Conv2d(3 * width, width, 1)
        nn.init.zeros_(self.mix.weight)  # begins as if each frame stood alone
        nn.init.zeros_(self.mix.bias)  # type: ignore[arg-type]

    def forward(self, input: Tensor) -> Tensor:
        """(B * T, width, H, W), the frames of a clip after one another -> the same."""
        clips = F.silu(self.norm(input)).unflatten(0, (-1, self.frames))
        edge = torch.zeros_like(clips[:, :1])
        before, after = torch.cat([edge, clips[:, :-1]], 1), torch.cat([clips[:, 1:], edge], 1)
        return input + self.mix(torch.cat([before, clips, after], 2).flatten(0, 1))


class TimeAttention(nn.Module):
    """Each place of a map attends to the same place in the other frames, by content and by how far apart in time; added to it.

    Source: Ho et al. 2022, Video diffusion models, arXiv:2204.03458 (factorised space-time attention); distances in time as
    learned biases: Shaw et al. 2018, arXiv:1803.02155, as in Raffel et al. 2020, arXiv:1910.10683
    """

    def __init__(self, width: int, heads: int, frames: int, *, groups: int) -> None:
        """groups: of channels that are normalised together"""
        super().__init__()
        self.heads, self.frames = heads, frames
        self.norm, self.qkv = NormOfClip(groups, width, frames), nn.Conv2d(width, 3 * width, 1)
        self.apart = nn.Parameter(torch.zeros(heads, 2 * frames - 1))
        self.out = nn.Conv2d(width, width, 1)
        nn.init.zeros_(self.out.weight)  # begins as if each frame stood alone
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]
        place = torch.arange(frames)
        self._distance: Tensor
        self.register_buffer("_distance", place[:, None] - place[None] + frames - 1, persistent=False)

    def forward(self, input: Tensor) -> Tensor:
        """(B * T, width, H, W), the frames of a clip after one another -> the same."""
        rows, width, height, length = input.shape
        clips, places = rows // self.frames, height * length
        parts = self.qkv(self.norm(input)).reshape(clips, self.frames, 3, self.heads, width // self.heads, places)
        query, key, value = parts.permute(2, 0, 5, 3, 1, 4).unbind(0)  # (B, P, heads, T, K)
        bias = self.apart[:, self._distance].to(query.dtype)  # (heads, T, T)
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        mixed = mixed.permute(0, 3, 2, 4, 1).reshape(rows, width, height, length)
        return input + self.out(mixed)
