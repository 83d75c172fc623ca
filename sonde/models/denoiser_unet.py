"""A U-Net that sees how noisy its input is: what diffusion and flow matching train on images and on clips."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.ranges import check_counts
from sonde.nn.time_attention import FramesAround, TimeAttention
from sonde.nn.time_condition import CONDITION

GROUPS = 8  # of channels that are normalised together
NARROWEST = 8  # channels


@dataclass(frozen=True, kw_only=True)
class DenoiserUNetConfig:
    """Settings of the denoising U-Net."""

    widths: tuple[int, ...] = (32, 64, 64)
    """Channels at each resolution, from full resolution down by halves; multiples of 8."""
    layers: int = 1
    """Residual blocks at each resolution, in the encoder and in the decoder."""
    patch: int = 1
    """Side of the patches that pixels are gathered in as channels: 2 costs a quarter of 1."""
    heads: int = 4
    """Attention heads at the lowest resolution, and between the frames of clips; 0 for no attention."""
    dropout: float = 0.0
    """Dropout rate inside the residual blocks."""

    def __post_init__(self) -> None:
        check_counts(self, "widths", "layers", "patch")
        if any(width % GROUPS for width in self.widths):
            raise ConfigError(f"--widths are multiples of {GROUPS}, got {', '.join(map(str, self.widths))}")
        if self.heads < 0 or (self.heads and self.widths[-1] % self.heads):
            raise ConfigError(
                f"--heads must divide the last of --widths, {self.widths[-1]}, or be 0 for no attention; got {self.heads}"
            )
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"--dropout must lie from 0 to below 1, got {self.dropout:g}")


class Residual(nn.Module):
    """Two 3x3 convolutions with a shortcut; between them the condition scales and shifts each channel."""

    def __init__(self, before: int, width: int, condition: int, dropout: float) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(GROUPS, before), nn.Conv2d(before, width, 3, padding=1)
        self.condition = nn.Linear(condition, 2 * width)
        self.norm2, self.conv2 = nn.GroupNorm(GROUPS, width), nn.Conv2d(width, width, 3, padding=1)
        self.dropout = nn.Dropout(dropout)
        self.shortcut = nn.Identity() if before == width else nn.Conv2d(before, width, 1)
        nn.init.zeros_(self.conv2.weight)  # the block begins as its shortcut
        nn.init.zeros_(self.conv2.bias)  # type: ignore[arg-type]

    def forward(self, input: Tensor, condition: Tensor) -> Tensor:
        """(B, before, H, W), (B, condition) -> (B, width, H, W)."""
        maps = self.conv1(F.silu(self.norm1(input)))
        scale, shift = self.condition(condition)[:, :, None, None].chunk(2, 1)
        maps = torch.addcmul(shift, self.norm2(maps), 1 + scale)
        return self.shortcut(input) + self.conv2(self.dropout(F.silu(maps)))


class Attention(nn.Module):
    """Self-attention between the places of a map, added to it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm, self.qkv = nn.GroupNorm(GROUPS, width), nn.Conv2d(width, 3 * width, 1)
        self.out = nn.Conv2d(width, width, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]

    def forward(self, input: Tensor) -> Tensor:
        """(B, width, H, W) -> the same."""
        rows, width, height, length = input.shape
        parts = self.qkv(self.norm(input)).reshape(rows, 3, self.heads, width // self.heads, height * length)
        query, key, value = parts.transpose(3, 4).unbind(1)
        mixed = F.scaled_dot_product_attention(query, key, value)
        return input + self.out(mixed.transpose(2, 3).reshape(rows, width, height, length))


class DenoiserUNet(nn.Module):
    """(B, C, H, W), or clips (B, T, C, H, W), and a condition (B, `condition`) -> the same shape.

    The frames of a clip go through the layers as images do; at each resolution, on the way down and up, each place is convolved
    with itself in the frames around, and attends to itself in all. Sides that cannot be halved often enough are continued at the
    right and below by their last pixels, and cut off again.
    Source: Ho, Jain and Abbeel 2020, arXiv:2006.11239, appendix B, with the condition as scale and shift of
    Dhariwal and Nichol 2021, arXiv:2105.05233; of clips Ho et al. 2022, arXiv:2204.03458
    """

    def __init__(self, input: InputSpec, out_dim: int, config: DenoiserUNetConfig) -> None:
        """out_dim: not used, as what comes out is like what goes in. Raises: ConfigError for clips without attention"""
        super().__init__()
        channels, widths, depth = input.shape[-3] * config.patch**2, config.widths, config.layers
        self.frames = input.shape[0] if input.has_frames else 0
        self.condition = CONDITION
        self.patch, self.multiple = config.patch, config.patch * 2 ** (len(widths) - 1)

        def block(before: int, width: int) -> Residual:
            return Residual(before, width, self.condition, config.dropout)

        def between_frames(width: int) -> nn.Module:
            return _between_frames(width, config.heads, self.frames)

        self.stem = nn.Conv2d(channels, widths[0], 3, padding=1)
        held, width = [widths[0]], widths[0]
        self.down, self.halve, self.down_time = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for place, wanted in enumerate(widths):
            self.halve.append(nn.Conv2d(width, width, 3, stride=2, padding=1) if place else nn.Identity())
            if place:
                held.append(width)
            blocks = nn.ModuleList()
            for _ in range(depth):
                blocks.append(block(width, wanted))
                width = wanted
                held.append(width)
            self.down.append(blocks)
            self.down_time.append(between_frames(width))
        self.middle = nn.ModuleList([block(width, width), block(width, width)])
        self.attention = Attention(width, config.heads) if config.heads else nn.Identity()
        self.middle_time = between_frames(width)
        self.up, self.enlarge, self.up_time = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for place, wanted in reversed(list(enumerate(widths))):
            blocks = nn.ModuleList()
            for _ in range(depth + 1):
                blocks.append(block(width + held.pop(), wanted))
                width = wanted
            self.up.append(blocks)
            self.up_time.append(between_frames(width))
            self.enlarge.append(nn.Conv2d(width, width, 3, padding=1) if place else nn.Identity())
        self.norm, self.head = nn.GroupNorm(GROUPS, width), nn.Conv2d(width, channels, 3, padding=1)
        nn.init.zeros_(self.head.weight)  # begins by answering 0
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, input: Tensor, condition: Tensor) -> Tensor:
        """(B, C, H, W) or (B, T, C, H, W), (B, `condition`) -> the same shape."""
        if not self.frames:
            return self._frame_by_frame(input, condition)
        flat = input.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        return self._frame_by_frame(flat, condition.repeat_interleave(self.frames, 0)).view_as(input)

    def _frame_by_frame(self, input: Tensor, condition: Tensor) -> Tensor:
        """(B * T, C, H, W), (B * T, `condition`) -> (B * T, C, H, W)."""
        height, length = input.shape[2:]
        condition = F.silu(condition)
        maps = F.pad(input, (0, -length % self.multiple, 0, -height % self.multiple), mode="replicate")
        maps = self.stem(F.pixel_unshuffle(maps, self.patch) if self.patch > 1 else maps)
        held = [maps]
        for place, (blocks, halve, in_time) in enumerate(zip(self.down, self.halve, self.down_time, strict=True)):
            if place:
                maps = halve(maps)
                held.append(maps)
            for block in blocks:  # type: ignore[attr-defined]
                maps = block(maps, condition)
                held.append(maps)
            maps = held[-1] = in_time(maps)
        first, last = self.middle
        maps = last(self.middle_time(self.attention(first(maps, condition))), condition)
        for blocks, enlarge, in_time in zip(self.up, self.enlarge, self.up_time, strict=True):
            for block in blocks:  # type: ignore[attr-defined]
                maps = block(torch.cat([maps, held.pop()], 1), condition)
            maps = in_time(maps)
            if held:
                maps = enlarge(F.interpolate(maps, scale_factor=2.0, mode="nearest"))
        found = self.head(F.silu(self.norm(maps)))
        return (F.pixel_shuffle(found, self.patch) if self.patch > 1 else found)[:, :, :height, :length]


def _between_frames(width: int, heads: int, frames: int) -> nn.Module:
    """A convolution and attention between the frames of a clip, nothing for images. Raises: ConfigError without heads for it"""
    if not frames:
        return nn.Identity()
    if not heads or width % heads:
        wrong = "0 leaves frames that know nothing of each other" if not heads else f"{heads} does not divide {width}"
        raise ConfigError(f"--heads must divide each of --widths, so that the frames of a clip can attend: {wrong}")
    near = FramesAround(width, frames, groups=GROUPS)
    return nn.Sequential(near, TimeAttention(width, heads, frames, groups=GROUPS))
