"""BERT: a bidirectional transformer encoder. Its norms stand after each residual sum, its positions are learned."""

from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.core.vocabulary import BEGIN, END, PAD
from sonde.models.ranges import check_shares
from sonde.nn.attention import SelfAttention, seen
from sonde.nn.dropout import Dropout
from sonde.nn.masked_tokens import EPS
from sonde.nn.transformer_block import FeedForward, TransformerBlock

HEAD_DIM = 64  # channels of an attention head, at every size
SEGMENTS = 2

# B rows, T tokens, D channels of a token


@dataclass(frozen=True, kw_only=True)
class BertConfig:
    """Settings of BERT."""

    max_positions: int = 512
    """Number of learned position embeddings: the longest row in tokens, the class token included."""
    dropout: float = 0.1
    """Dropout after the embeddings, of each residual branch, and before the head."""

    def __post_init__(self) -> None:
        if self.max_positions < 2:
            raise ConfigError(f"--max-positions must be at least 2, got {self.max_positions}")
        check_shares(self, "dropout")


class Bert(nn.Module):
    """Embeddings of symbols, positions and segments, blocks, and for one answer a row a dense layer and a linear head.

    (B, T) -> (B, out_dim). Tasks that need more than a vector per row put a head of their own on `hidden`.
    Source: Devlin et al. 2018, arXiv:1810.04805
    """

    def __init__(self, input: InputSpec, out_dim: int, config: BertConfig, *, dim: int, depth: int) -> None:
        """Raises: ConfigError for rows of more tokens than there are positions"""
        longest, positions = input.shape[0], config.max_positions
        if longest > positions:
            raise ConfigError(
                f"rows of up to {longest:,} tokens are longer than BERT's {positions:,} positions; cut them with "
                f"--max-tokens {positions - 1}, or give --max-positions {longest + 1}"
            )
        super().__init__()
        self.words = nn.Embedding(input.symbols, dim, padding_idx=PAD)
        self.positions = nn.Embedding(config.max_positions, dim)
        self.segments = nn.Embedding(SEGMENTS, dim)
        self.norm = nn.LayerNorm(dim)
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(
            TransformerBlock(
                dim,
                SelfAttention(dim, dim // HEAD_DIM, dropout=config.dropout),
                FeedForward(dim, 4 * dim, dropout=config.dropout),
                pre=False,
            )
            for _ in range(depth)
        )
        self.pooler = nn.Linear(dim, dim)
        self.head_dropout = Dropout(config.dropout)
        self.head = nn.Linear(dim, out_dim)
        _initialise(self)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) tokens of text alone -> (B, out_dim): the output at the class token is the row's."""
        first = self.hidden(F.pad(tokens, (1, 0), value=BEGIN))[:, 0]
        return self.head(self.head_dropout(self.pooler(first).tanh()))

    def hidden(self, tokens: Tensor) -> Tensor:
        """(B, T) tokens, BEGIN first, END behind each of one or two texts where there are two -> (B, T, D).

        Raises: ConfigError for rows of more tokens than there are positions
        """
        length = tokens.shape[1]
        if length > self.positions.num_embeddings:
            raise ConfigError(
                f"rows of {length:,} tokens, the class token included, are longer than BERT's "
                f"{self.positions.num_embeddings:,} positions; cut them with --max-tokens {self.positions.num_embeddings - 1}, "
                f"or give --max-positions {length}"
            )
        places = torch.arange(length, device=tokens.device)
        inner = self.words(tokens) + self.positions(places) + self.segments(segments_of(tokens))
        inner, mask = self.dropout(self.norm(inner)), seen(tokens)
        for block in self.blocks:
            inner = block(inner, mask=mask)
        return inner


def segments_of(tokens: Tensor) -> Tensor:
    """(B, T) -> 0 up to and with the first END, 1 behind it.

    >>> segments_of(torch.tensor([[2, 7, 3, 8, 3, 0]])).tolist()
    [[0, 0, 0, 1, 1, 1]]
    """
    ends = (tokens == END).long()
    return (ends.cumsum(1) - ends > 0).long()


def _initialise(model: Bert) -> None:
    """Matrices normal with std 0.02, biases 0, and the small eps of the authors' norms."""
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.trunc_normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)
        if isinstance(module, nn.LayerNorm):
            module.eps = EPS
    with torch.no_grad():
        model.words.weight[PAD] = 0


bert_tiny = partial(Bert, dim=128, depth=2)
"""2 blocks of 128 channels (Turc et al. 2019, Well-read students learn better, arXiv:1908.08962)."""
bert_mini = partial(Bert, dim=256, depth=4)
"""4 blocks of 256 channels (Turc et al. 2019, arXiv:1908.08962)."""
bert_small = partial(Bert, dim=512, depth=4)
"""4 blocks of 512 channels (Turc et al. 2019, arXiv:1908.08962)."""
bert_base = partial(Bert, dim=768, depth=12)
"""12 blocks of 768 channels (Devlin et al. 2018, arXiv:1810.04805)."""
bert_large = partial(Bert, dim=1024, depth=24)
"""24 blocks of 1024 channels (Devlin et al. 2018, arXiv:1810.04805)."""
