"""Speech to symbols: a log-mel spectrogram, fewer frames by convolution, and blocks that look over the whole recording.

Both networks output logits over the symbols for each frame, for training by connectionist temporal classification.
"""

from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.ranges import check_counts, check_shares
from sonde.nn.attention import SelfAttention, within
from sonde.nn.dropout import Dropout
from sonde.nn.positions import rotations
from sonde.nn.spectrogram import LogMel
from sonde.nn.transformer_block import FeedForward, TransformerBlock

SHORT_S = 3.0  # seconds; shorter recordings hold few frames, which are then halved but once
EXPANSION = 4  # channels inside a feed-forward part, for each outside

# B rows, S samples, F frames, M mels, D channels


@dataclass(frozen=True, kw_only=True)
class SpeechConfig:
    """Settings of the networks that recognise speech."""

    mels: int = 64
    """Mel bands of the spectrogram."""
    subsampling: int | Literal["auto"] = "auto"
    """Subsampling of the 10 ms frames: 2 or 4; auto is 2 where no recording reaches 3 seconds."""
    layers: int | None = None
    """Conformer or transformer blocks; by default as many as the model's name stands for."""
    dropout: float = 0.1
    """Dropout of each residual branch."""

    def __post_init__(self) -> None:
        if not 8 <= self.mels <= 128:
            raise ConfigError(f"--mels must be from 8 to 128, got {self.mels}")
        if self.subsampling not in ("auto", 2, 4):
            raise ConfigError(f"--subsampling is 2 or 4, or auto, got {self.subsampling}")
        check_counts(self, "layers")
        check_shares(self, "dropout")


class Subsampling(nn.Module):
    """Convolutions with a stride of 2 over frames and mels, and a dense layer: (B, F, M) -> (B, F / stride, D)."""

    def __init__(self, mels: int, dim: int, stride: int) -> None:
        super().__init__()
        count = stride.bit_length() - 1
        self.convs = nn.ModuleList(nn.Conv2d(dim if n else 1, dim, 3, stride=2, padding=1) for n in range(count))
        for _ in range(count):
            mels = (mels + 1) // 2
        self.dense = nn.Linear(dim * mels, dim)

    def forward(self, spectrogram: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        """(B, F, M) zero behind each row's end, (B,) -> (B, F', D), (B,)."""
        found = spectrogram[:, None]
        for conv in self.convs:
            frames = (frames + 1) // 2
            found = F.silu(conv(found))
            found = found * within(frames, found.shape[2])[:, None, :, None]
        return self.dense(found.transpose(1, 2).flatten(2)), frames


class ConvolutionPart(nn.Module):
    """What a frame takes from those around it: gate, convolution of each channel by itself, and a dense layer.

    (B, F, D) -> (B, F, D). Where the paper has batch norm stands layer norm, which padding and pieces of a batch leave alone.
    """

    def __init__(self, dim: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.gated = nn.Linear(dim, 2 * dim)
        self.conv = nn.Conv1d(dim, dim, kernel, padding=kernel // 2, groups=dim, bias=False)
        self.conv_norm = nn.LayerNorm(dim)
        self.output = nn.Linear(dim, dim)
        self.dropout = Dropout(dropout)

    def forward(self, frames: Tensor, inside: Tensor) -> Tensor:
        """(B, F, D), (B, F, 1) bool -> (B, F, D)."""
        gated = F.glu(self.gated(self.norm(frames)), dim=-1) * inside
        mixed = self.conv(gated.transpose(1, 2)).transpose(1, 2)
        return self.dropout(self.output(F.silu(self.conv_norm(mixed))))


class ConformerBlock(nn.Module):
    """Half a feed-forward part, attention, convolution, half a feed-forward part, norm: (B, F, D) -> (B, F, D).

    Positions are rotated into queries and keys (arXiv:2104.09864) instead of added to their scores.
    Source: Gulati et al. 2020, Conformer, arXiv:2005.08100
    """

    def __init__(self, dim: int, heads: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.first_norm, self.first = nn.LayerNorm(dim), FeedForward(dim, EXPANSION * dim, dropout=dropout)
        self.attention_norm, self.attention = nn.LayerNorm(dim), SelfAttention(dim, heads, dropout=dropout)
        self.convolution = ConvolutionPart(dim, kernel, dropout)
        self.second_norm, self.second = nn.LayerNorm(dim), FeedForward(dim, EXPANSION * dim, dropout=dropout)
        self.norm = nn.LayerNorm(dim)

    def forward(self, frames: Tensor, inside: Tensor, rotary: Tensor) -> Tensor:
        """(B, F, D), (B, F) bool, rotations (F, 2, K/2) -> (B, F, D)."""
        frames = frames + 0.5 * self.first(self.first_norm(frames))
        frames = frames + self.attention(self.attention_norm(frames), mask=inside[:, None, None], rotary=rotary)
        frames = frames + self.convolution(frames, inside[..., None])
        frames = frames + 0.5 * self.second(self.second_norm(frames))
        return self.norm(frames)


class AttentionBlock(nn.Module):
    """A transformer's block called as `ConformerBlock` is: (B, F, D) -> (B, F, D)."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        attention = SelfAttention(dim, heads, dropout=dropout)
        self.block = TransformerBlock(dim, attention, FeedForward(dim, EXPANSION * dim, dropout=dropout))

    def forward(self, frames: Tensor, inside: Tensor, rotary: Tensor) -> Tensor:
        """(B, F, D), (B, F) bool, rotations (F, 2, K/2) -> (B, F, D)."""
        return self.block(frames, mask=inside[:, None, None], rotary=rotary)


class SpeechEncoder(nn.Module):
    """Log-mel spectrogram, subsampling, blocks, norm and a linear head: waveforms (B, S) with lengths (B,) ->

    logits (B, F, out_dim) and how many frames each row has, (B,).
    """

    def __init__(
        self, input: InputSpec, out_dim: int, config: SpeechConfig, *, dim: int, blocks: list[nn.Module]
    ) -> None:
        super().__init__()
        self.log_mel = LogMel(input.rate, mels=config.mels)
        stride = config.subsampling
        if stride == "auto":
            stride = 2 if input.shape[0] < SHORT_S * input.rate else 4
        self.subsampling = Subsampling(config.mels, dim, stride)
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, out_dim)
        self.head_dim = next(m.channels for m in self.modules() if isinstance(m, SelfAttention))

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(B, S), (B,) int64 -> (B, F, out_dim), (B,) int64."""
        found, frames = self.subsampling(*self.log_mel(waveform, lengths))
        inside = within(frames, found.shape[1])
        rotary = rotations(found.shape[1], self.head_dim).to(found.device)
        found = self.dropout(found)
        for block in self.blocks:
            found = block(found, inside, rotary)
        return self.head(self.norm(found)), frames


def speech_transformer(input: InputSpec, out_dim: int, config: SpeechConfig) -> SpeechEncoder:
    """The same with plain transformer blocks."""
    count = config.layers or 6
    blocks: list[nn.Module] = [AttentionBlock(128, 4, config.dropout) for _ in range(count)]
    return SpeechEncoder(input, out_dim, config, dim=128, blocks=blocks)


def _conformer(
    input: InputSpec, out_dim: int, config: SpeechConfig, *, dim: int, heads: int, count: int, kernel: int
) -> SpeechEncoder:
    count = config.layers or count
    blocks: list[nn.Module] = [ConformerBlock(dim, heads, kernel, config.dropout) for _ in range(count)]
    return SpeechEncoder(input, out_dim, config, dim=dim, blocks=blocks)


speech_conformer_tiny = partial(_conformer, dim=96, heads=4, count=4, kernel=15)
"""A conformer for an hour of speech or less."""
speech_conformer_small = partial(_conformer, dim=144, heads=4, count=16, kernel=31)
"""The paper's small conformer, with a kernel of odd width."""
