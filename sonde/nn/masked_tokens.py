"""Prediction of masked tokens: the encoder of the others, and the head on top of it."""

from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPS = 1e-12  # of BERT's layer norms, as in its authors' code

# B rows, T tokens, D channels of a token, S symbols of the vocabulary


@runtime_checkable
class TokenEncoder(Protocol):
    """An encoder that gives a vector for every token, as `Bert` does.

    words:  embedding of the symbols (S, D)
    hidden: tokens (B, T), BEGIN first -> (B, T, D)
    """

    @property
    def words(self) -> nn.Embedding: ...
    def hidden(self, tokens: Tensor) -> Tensor: ...


class MaskedTokenHead(nn.Module):
    """A dense layer, GELU and norm, then the likeness to each symbol's embedding: (…, D) -> logits (…, S).

    Source: Devlin et al. 2018, BERT, arXiv:1810.04805; the embeddings serve as output layer (Press and Wolf 2016)
    """

    def __init__(self, dim: int, symbols: int) -> None:
        super().__init__()
        self.dense = nn.Linear(dim, dim)
        self.norm = nn.LayerNorm(dim, eps=EPS)
        self.bias = nn.Parameter(torch.zeros(symbols))
        nn.init.trunc_normal_(self.dense.weight, std=0.02)
        nn.init.zeros_(self.dense.bias)

    def forward(self, hidden: Tensor, words: Tensor) -> Tensor:
        """words: (S, D), the weight of the encoder's embedding."""
        return F.linear(self.norm(F.gelu(self.dense(hidden))), words, self.bias)
