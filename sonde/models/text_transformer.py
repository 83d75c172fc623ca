"""A transformer encoder with one output per sequence."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.ranges import check_counts, check_shares
from sonde.nn.attention import SelfAttention
from sonde.nn.dropout import Dropout
from sonde.nn.pooling_over_time import mean_over_time
from sonde.nn.positions import alibi, rotations, sinusoidal
from sonde.nn.sequence_input import SPREAD, SequenceInput
from sonde.nn.transformer_block import Activation, FeedForward, TransformerBlock, norm

# B rows, T tokens (the one that is no word included), D channels of a token, H heads, K channels of a head


@dataclass(frozen=True, kw_only=True)
class TextTransformerConfig:
    """Settings of the transformer that classifies sequences."""

    width: int = 128
    """Embedding width (channels of each token)."""
    layers: int = 2
    """Transformer layers."""
    heads: int = 4
    """Attention heads; must divide --width."""
    mlp_ratio: int = 4
    """Hidden channels of a layer's MLP, as a multiple of --width."""
    positions: Literal["sinusoidal", "learned", "rotary", "alibi", "none"] = "sinusoidal"
    """Position encoding: sinusoidal, learned, rotary (RoPE), or attention biases by distance (ALiBi), which do not distinguish
    left from right."""
    pool: Literal["token", "mean"] = "mean"
    """Pooling before the head: a class token, or the mean over all tokens."""
    activation: Activation = "gelu"
    """Activation inside each MLP."""
    pre_norm: bool = True
    """Pre-norm (layer norm before attention and MLP); otherwise post-norm, as in Vaswani et al. 2017."""
    dropout: float = 0.1
    """Dropout after positions, attention and MLPs, and before the head."""
    word_dropout: float = 0.0
    """Word dropout: share of tokens replaced by the unknown token in training."""

    def __post_init__(self) -> None:
        check_counts(self, "width", "layers", "heads", "mlp_ratio")
        check_shares(self, "dropout", "word_dropout")
        if self.width % self.heads:
            raise ConfigError(f"--heads {self.heads} must divide --width {self.width}")
        if self.positions == "rotary" and self.width // self.heads % 2:
            raise ConfigError(
                f"--positions rotary pairs channels, and a head has {self.width // self.heads}: make --width an even multiple of "
                "--heads"
            )
        if self.positions == "sinusoidal" and self.width % 2:
            raise ConfigError(f"--positions sinusoidal pairs channels: make --width even, not {self.width}")


class TextTransformer(nn.Module):
    """Embedding, positions, transformer layers that look everywhere but at padding, linear head: (B, T) -> (B, out_dim).

    Numbers (B, T, V) or (B, T) come with lengths (B,) int64. Positions know no end but learned ones, which are as many as
    the longest row had in training.
    Source: Vaswani et al. 2017, arXiv:1706.03762, the encoder; Devlin et al. 2018, arXiv:1810.04805, for the token
    """

    def __init__(self, input: InputSpec, out_dim: int, config: TextTransformerConfig) -> None:
        super().__init__()
        dim, self.positions, self.heads = config.width, config.positions, config.heads
        self.input = SequenceInput(input, dim, word_dropout=config.word_dropout)
        self.token = nn.Parameter(torch.empty(1, 1, dim).normal_(std=SPREAD)) if config.pool == "token" else None
        room = input.shape[0] + (self.token is not None)
        learned = config.positions == "learned"
        self.learned = nn.Parameter(torch.empty(room, dim).normal_(std=SPREAD)) if learned else None
        self.dropout = Dropout(config.dropout)
        self.layers = nn.ModuleList(_layer(config) for _ in range(config.layers))
        self.norm = norm("layer", dim) if config.pre_norm else nn.Identity()
        self.head_dropout = Dropout(config.dropout)
        self.head = nn.Linear(dim, out_dim)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(B, T) or (B, T, V) -> (B, out_dim). Raises: ConfigError for rows longer than the learned positions."""
        tokens, inside = self.input(input, lengths)
        if self.token is not None:
            tokens = torch.cat([self.token.expand(len(tokens), -1, -1), tokens], 1)
            inside = torch.cat([inside[:, :1], inside], 1)
        tokens = self.dropout(self._placed(tokens))
        mask, rotary = self._mask(inside), None
        if self.positions == "rotary":
            rotary = rotations(tokens.shape[1], tokens.shape[2] // self.heads).to(tokens.device)
        for layer in self.layers:
            tokens = layer(tokens, mask=mask, rotary=rotary)
        pooled = mean_over_time(tokens, inside) if self.token is None else tokens[:, 0]
        return self.head(self.head_dropout(self.norm(pooled)))

    def _placed(self, tokens: Tensor) -> Tensor:
        """Tokens with what is added to tell their place."""
        length, dim = tokens.shape[1:]
        if self.learned is not None:
            if length > len(self.learned):
                raise ConfigError(
                    f"a row of {length} tokens is longer than the {len(self.learned)} learned positions; truncate it, or "
                    "train with --positions sinusoidal"
                )
            return tokens + self.learned[:length]
        if self.positions == "sinusoidal":
            # as large beside the tokens as in the paper, which makes these sqrt(D) times larger instead
            return tokens + SPREAD * sinusoidal(length, dim).to(tokens)
        return tokens

    def _mask(self, inside: Tensor) -> Tensor:
        """(B, 1, 1, T) bool, or with penalties on distance (B, H, T, T) floats: what each query may look at."""
        seen = inside[:, None, None]
        if self.positions != "alibi":
            return seen
        penalties = alibi(self.heads, inside.shape[1]).to(inside.device)
        if self.token is not None:  # it stands nowhere, so nothing is far from it
            penalties = penalties.clone()
            penalties[:, 0], penalties[:, :, 0] = 0.0, 0.0
        return penalties.masked_fill(~seen, -torch.inf)


def _layer(config: TextTransformerConfig) -> TransformerBlock:
    attention = SelfAttention(config.width, config.heads, dropout=config.dropout)
    hidden = config.mlp_ratio * config.width
    feed_forward = FeedForward(config.width, hidden, activation=config.activation, dropout=config.dropout)
    return TransformerBlock(config.width, attention, feed_forward, pre=config.pre_norm)
