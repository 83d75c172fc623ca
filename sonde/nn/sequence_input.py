"""The first layer of sequence networks: tokens or numbers as vectors, and where each row ends."""

import torch
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.core.vocabulary import PAD, SPECIAL, UNKNOWN
from sonde.nn.attention import within
from sonde.nn.dropout import Dropout

SPREAD = (
    0.1  # standard deviation of a token's first values: small, so that what is learned soon outgrows what was drawn
)


class SequenceInput(nn.Module):
    """Tokens (B, T), or numbers (B, T, V) or (B, T) with lengths (B,), as vectors (B, T, D) that are zero behind a row's end.

    dropout:      share of the vectors' values set to zero in training
    word_dropout: share of tokens that are taken for UNKNOWN in training (Iyyer et al. 2015; Bowman et al. 2015,
                  arXiv:1511.06349): no word may decide alone, and UNKNOWN is learned
    Raises: ConfigError for word dropout without words
    """

    def __init__(self, input: InputSpec, dim: int, *, dropout: float = 0.0, word_dropout: float = 0.0) -> None:
        super().__init__()
        self.tokens = input.symbols > 0
        if word_dropout and not self.tokens:
            raise ConfigError(f"--word-dropout is for tokens, and this data is of kind {input.kind!r}; leave it out")
        if self.tokens:
            self.embedding = nn.Embedding(input.symbols, dim, padding_idx=PAD)
            nn.init.normal_(self.embedding.weight, std=SPREAD)
            with torch.no_grad():
                self.embedding.weight[PAD] = 0.0
        else:
            values = input.shape[1] if len(input.shape) == 2 else 1
            self.embedding = nn.Linear(values, dim)
        self.dropout = Dropout(dropout)
        self.word_dropout = word_dropout

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(B, T, D), and (B, T) bool: True inside a row, in an empty one at its first place."""
        if self.tokens:
            inside = input != PAD
            vectors = self.embedding(self._words_dropped(input))
        else:
            inside = _inside(input, lengths)
            vectors = self.embedding(input if input.ndim == 3 else input[..., None])
            vectors = vectors.masked_fill(~inside[..., None], 0)
        first = torch.arange(input.shape[1], device=input.device) == 0
        return self.dropout(vectors), inside | first

    def _words_dropped(self, tokens: Tensor) -> Tensor:
        if not self.training or not self.word_dropout:
            return tokens
        fallen = torch.rand(tokens.shape, device=tokens.device) < self.word_dropout
        return tokens.masked_fill(fallen & (tokens >= len(SPECIAL)), UNKNOWN)


def _inside(input: Tensor, lengths: Tensor | None) -> Tensor:
    if lengths is None:
        return torch.ones(input.shape[:2], dtype=torch.bool, device=input.device)
    return within(lengths, input.shape[1])
