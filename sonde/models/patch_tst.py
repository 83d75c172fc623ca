"""PatchTST: pieces of each variable as tokens that attend to one another, every variable by itself."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.ranges import check_counts, check_shares
from sonde.models.series_input import forecast_variables
from sonde.nn.attention import SelfAttention
from sonde.nn.dropout import Dropout
from sonde.nn.reversible_norm import ReversibleNorm
from sonde.nn.transformer_block import FeedForward

# B windows, L look-back, H horizon, V variables, S sequences (B V), N patches, D channels of a token


@dataclass(frozen=True, kw_only=True)
class PatchTSTConfig:
    """Settings of PatchTST; the defaults are the paper's for the hourly transformer temperatures (ETTh)."""

    patch: int = 16
    """Length of a patch (one token) in steps."""
    patch_stride: int = 8
    """Stride between patches in steps."""
    width: int = 16
    """Embedding width (channels of each token)."""
    heads: int = 4
    """Attention heads."""
    mlp_width: int = 128
    """Hidden channels of each layer's MLP."""
    layers: int = 3
    """Transformer layers."""
    dropout: float = 0.3
    """Dropout after the positions and of each attention and MLP."""
    head_dropout: float = 0.0
    """Dropout before the last linear layer."""

    def __post_init__(self) -> None:
        check_counts(self, "patch", "patch_stride", "width", "heads", "mlp_width", "layers")
        if self.width % self.heads:
            raise ConfigError(f"--width {self.width} must be divisible by --heads {self.heads}")
        check_shares(self, "dropout", "head_dropout")


class Layer(nn.Module):
    """Attention and an MLP, each added to its input and batch-normalised, over all tokens: (S, N, D) -> (S, N, D).

    Source: Zerveas et al. 2020, arXiv:2010.02803, section 3.2, for batch norm in place of layer norm
    """

    def __init__(self, config: PatchTSTConfig) -> None:
        super().__init__()
        self.attention = SelfAttention(config.width, config.heads, dropout=config.dropout)
        self.attention_norm = nn.BatchNorm1d(config.width)
        self.feed_forward = FeedForward(config.width, config.mlp_width, dropout=config.dropout)
        self.feed_forward_norm = nn.BatchNorm1d(config.width)

    def forward(self, tokens: Tensor) -> Tensor:
        """(S, N, D) -> (S, N, D)."""
        tokens = _per_channel(self.attention_norm, tokens + self.attention(tokens))
        return _per_channel(self.feed_forward_norm, tokens + self.feed_forward(tokens))


class PatchTST(nn.Module):
    """Each variable of a window on its own scale, cut into patches, through a transformer and one linear map of all tokens.

    (B, L, V) -> (B, H, F). The last value is repeated for one stride, so that the end is in two patches too.
    Source: Nie et al. 2022, A time series is worth 64 words, arXiv:2211.14730
    """

    def __init__(self, input: InputSpec, out_dim: int, config: PatchTSTConfig) -> None:
        """Raises: ConfigError for a look-back that holds no patch"""
        super().__init__()
        look_back, self.variables = forecast_variables(input)
        if look_back < config.patch:
            raise ConfigError(
                f"a look-back of {look_back} steps is shorter than one patch of {config.patch}; use a longer "
                "--look-back or a shorter --patch"
            )
        self.patch, self.stride = config.patch, config.patch_stride
        patches = (look_back - self.patch) // self.stride + 2
        self.norm = ReversibleNorm()
        self.embed = nn.Linear(self.patch, config.width)
        self.positions = nn.Parameter(torch.empty(patches, config.width).uniform_(-0.02, 0.02))
        self.dropout = Dropout(config.dropout)
        self.layers = nn.Sequential(*(Layer(config) for _ in range(config.layers)))
        self.head_dropout = Dropout(config.head_dropout)
        self.head = nn.Linear(patches * config.width, out_dim)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(B, L, V), lengths (B,), all of them L -> (B, H, F)."""
        return self.norm.each_variable(input[:, :, : self.variables], self.ahead)

    def ahead(self, past: Tensor) -> Tensor:
        """(S, L) -> (S, H)."""
        patches = F.pad(past, (0, self.stride), mode="replicate").unfold(1, self.patch, self.stride)  # (S, N, patch)
        tokens = self.layers(self.dropout(self.embed(patches) + self.positions))
        return self.head(self.head_dropout(tokens.flatten(1)))


def _per_channel(norm: nn.Module, tokens: Tensor) -> Tensor:
    return norm(tokens.flatten(0, 1)).view_as(tokens)
