"""Prediction of masked tokens: the encoder of the others, and the head on top of it."""

from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.errors import ConfigError
from sonde.core.vocabulary import BEGIN
from sonde.nn.features import remove_head

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


def masked_token_head(model: nn.Module, *, task: str) -> MaskedTokenHead:
    """A fresh head for `model`, whose own is removed. Raises: ConfigError for a network without an output per token"""
    if not isinstance(model, TokenEncoder):
        raise ConfigError(
            f"task {task} needs an output per token, and {type(model).__name__} outputs one vector per row; "
            "use --model bert-tiny or --model modern-bert"
        )
    remove_head(model)
    symbols, dim = model.words.weight.shape
    return MaskedTokenHead(dim, symbols)


def masked_logits(model: TokenEncoder, head: nn.Module, fed: Tensor, chosen: Tensor) -> Tensor:
    """(N, S) of the chosen tokens alone: those of all would take many times the work. fed, chosen: (B, T), BEGIN first"""
    return head(model.hidden(fed)[chosen], model.words.weight)


def begun(tokens: Tensor) -> Tensor:
    """(B, T) with BEGIN first: rows of text alone have none."""
    if bool((tokens[:, 0] == BEGIN).all()):
        return tokens
    return F.pad(tokens, (1, 0), value=BEGIN)
