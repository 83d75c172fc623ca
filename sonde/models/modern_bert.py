"""A bidirectional encoder as they are built since ModernBERT: rotated places, norms before each part, a gated MLP, no biases."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.vocabulary import BEGIN
from sonde.models.gpt import check_room, initialise_blocks
from sonde.models.modern_gpt import check_rotated, modern_block
from sonde.models.ranges import check_counts, check_shares
from sonde.nn.attention import seen
from sonde.nn.dropout import Dropout
from sonde.nn.positions import rotations
from sonde.nn.transformer_block import norm

# B rows, T tokens, D channels of a token


@dataclass(frozen=True, kw_only=True)
class ModernBertConfig:
    """Settings of the modern BERT."""

    width: int = 192
    """Embedding width (channels of each token)."""
    layers: int = 4
    """Transformer blocks."""
    heads: int = 3
    """Attention heads, of width / heads channels each."""
    dropout: float = 0.0
    """Dropout after the embedding and of each residual branch."""

    def __post_init__(self) -> None:
        check_counts(self, "width", "layers", "heads")
        check_shares(self, "dropout")
        check_rotated(self.width, self.heads)


class ModernBert(nn.Module):
    """The blocks of `ModernGPT`, in which every token sees all others: (B, T) -> (B, out_dim) of the output at the class token.

    Tasks that need more than a vector per row put a head of their own on `hidden`.
    Source: after Warner et al. 2024, Smarter, better, faster, longer (ModernBERT), arXiv:2412.13663, section 2.1; all layers
    look everywhere, and the MLP is gated by SiLU
    """

    def __init__(self, input: InputSpec, out_dim: int, config: ModernBertConfig) -> None:
        super().__init__()
        self.room = input.shape[0] + 1  # a class token before a row of text
        self.words = nn.Embedding(input.symbols, config.width)
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(
            modern_block(config.width, config.heads, dropout=config.dropout) for _ in range(config.layers)
        )
        self.norm = norm("rms", config.width)
        self.register_buffer("rotary", rotations(self.room, config.width // config.heads), persistent=False)
        self.head = nn.Linear(config.width, out_dim)
        initialise_blocks(self, config.layers)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) tokens of text alone -> (B, out_dim)."""
        return self.head(self.hidden(F.pad(tokens, (1, 0), value=BEGIN))[:, 0])

    def hidden(self, tokens: Tensor) -> Tensor:
        """(B, T) tokens, BEGIN first -> (B, T, D)."""
        check_room(tokens.shape[1], self.room)
        rotary, mask = self.get_buffer("rotary")[: tokens.shape[1]], seen(tokens)
        channels = self.dropout(self.words(tokens))
        for block in self.blocks:
            channels = block(channels, mask=mask, rotary=rotary)
        return self.norm(channels)
