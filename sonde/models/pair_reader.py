"""A reader of pairs of texts: each word is compared with the words of the other text; no pre-training."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.vocabulary import END, PAD, SPECIAL, UNKNOWN, read_vocabulary
from sonde.models.ranges import check_counts, check_shares
from sonde.nn.dropout import Dropout
from sonde.nn.word_matching import STEMS, Spelling

LOW = -1e4  # for softmax as good as -inf, and finite
SHARED = 1 + len(STEMS)  # kinds of a match: whole words, and their first characters
DILATIONS = (1, 2)

# B rows, T tokens, E channels of an embedding, D channels of a token


@dataclass(frozen=True, kw_only=True)
class PairReaderConfig:
    """Settings of the reader of pairs."""

    width: int = 128
    """Hidden width (channels of each token)."""
    embedding: int = 64
    """Embedding width."""
    frequent_tokens: int = 5000
    """Vocabulary: the most frequent tokens with an embedding each; the others share one."""
    dropout: float = 0.3
    """Dropout after the embeddings, in each convolution, and before the head."""
    word_dropout: float = 0.1
    """Word dropout: share of tokens replaced by the unknown token in training."""

    def __post_init__(self) -> None:
        check_counts(self, "width", "embedding", "frequent_tokens")
        check_shares(self, "dropout", "word_dropout")


class GatedConvolution(nn.Module):
    """A gated convolution of three tokens, `dilation` apart, with a residual connection: (B, T, D) -> (B, T, D).

    Source: Dauphin et al. 2016, Language modeling with gated convolutional networks, arXiv:1612.08083
    """

    def __init__(self, dim: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.convolution = nn.Conv1d(dim, 2 * dim, 3, padding=dilation, dilation=dilation)
        self.dropout = Dropout(dropout)

    def forward(self, tokens: Tensor, there: Tensor) -> Tensor:
        """there: (B, T, 1), 0 where the convolution must not see."""
        inner = self.convolution((self.norm(tokens) * there).transpose(1, 2)).transpose(1, 2)
        return tokens + self.dropout(F.glu(inner, 2))


class PairReader(nn.Module):
    """(B, T) tokens, `first END second END`, -> (B, out_dim).

    Each token is its embedding and whether its word stands in the other text (whole, or its first characters). Convolutions
    read each text; each token is compared with the mean of the other text's tokens by their likeness to it; convolutions
    read the comparisons; their mean and maximum over each text go to the head.
    After Chen et al. 2016, Enhanced LSTM for natural language inference, arXiv:1609.06038, with gated convolutions that run
    in parallel in place of its LSTMs, and the matches of Chen et al. 2017, arXiv:1704.00051.
    """

    def __init__(self, input: InputSpec, out_dim: int, config: PairReaderConfig) -> None:
        super().__init__()
        dim, symbols = config.width, input.symbols
        self.word_dropout = config.word_dropout
        self.spelling = Spelling(symbols, read_vocabulary(input.tokenizer) if input.tokenizer else None)
        self.known = min(symbols - 1, config.frequent_tokens)  # the last embedding is that of all others
        self.embedding = nn.Embedding(self.known + 1, config.embedding, padding_idx=PAD)
        self.dropout = Dropout(config.dropout)
        self.reading = nn.Linear(config.embedding + SHARED, dim)
        self.encode = nn.ModuleList(GatedConvolution(dim, dilation, config.dropout) for dilation in DILATIONS)
        self.alignment = nn.Linear(dim, dim)
        self.comparing = nn.Linear(4 * dim + SHARED, dim)
        self.compose = nn.ModuleList(GatedConvolution(dim, dilation, config.dropout) for dilation in DILATIONS)
        self.norm = nn.LayerNorm(dim)
        self.inner = nn.Linear(4 * dim, dim)
        self.head = nn.Linear(dim, out_dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) -> (B, out_dim)."""
        ends = (tokens == END).long()
        second = ends.cumsum(1) - ends > 0
        plain = (tokens >= len(SPECIAL)) | (tokens == UNKNOWN)
        first, second = plain & ~second, plain & second
        other = (first[:, :, None] & second[:, None]) | (second[:, :, None] & first[:, None])  # (B, T, T)
        there = plain[..., None].to(self.head.weight.dtype)
        matched = self._matched(tokens, other)
        inner = self.reading(torch.cat([self.dropout(self.embedding(self._seen(tokens))), matched], 2))
        for block in self.encode:
            inner = block(inner, there)
        aligned = self._aligned(inner, other)
        compared = torch.cat([inner, aligned, inner - aligned, inner * aligned, matched], 2)
        inner = F.gelu(self.comparing(self.dropout(compared)))
        for block in self.compose:
            inner = block(inner, there)
        inner = self.norm(inner)
        pooled = torch.cat([part for side in (first, second) for part in _pooled(inner, side)], 1)
        return self.head(self.dropout(F.gelu(self.inner(self.dropout(pooled)))))

    def _seen(self, tokens: Tensor) -> Tensor:
        """Tokens with a number of their own among the embeddings; in training some are taken for the unknown one."""
        if self.training and self.word_dropout:
            fallen = torch.rand(tokens.shape, device=tokens.device) < self.word_dropout
            tokens = tokens.masked_fill(fallen & (tokens >= len(SPECIAL)), UNKNOWN)
        return tokens.clamp(max=self.known)

    def _matched(self, tokens: Tensor, other: Tensor) -> Tensor:
        """(B, T, SHARED): 1 where a token's word stands in the other text too."""
        hashes = self.spelling.hashed(tokens, self.spelling.words(tokens))  # (B, T, SHARED)
        same = (hashes[:, :, None] == hashes[:, None]) & other[..., None]
        return same.any(2).to(self.head.weight.dtype)

    def _aligned(self, inner: Tensor, other: Tensor) -> Tensor:
        """(B, T, D): the other text's tokens, each by its likeness to a token; zeros where there is no other text."""
        keys = self.alignment(inner)
        scores = keys @ keys.transpose(1, 2) / keys.shape[2] ** 0.5
        weights = scores.masked_fill(~other, LOW).softmax(2)
        return (weights * other) @ inner


def _pooled(inner: Tensor, side: Tensor) -> tuple[Tensor, Tensor]:
    """The mean and the maximum over one text's tokens, (B, D) each; zeros for none. side: (B, T) bool"""
    inside = side[..., None]
    count = inside.sum(1).clamp(min=1)
    most = inner.masked_fill(~inside, LOW).amax(1)
    return (inner * inside).sum(1) / count, torch.where(inside.any(1), most, 0)
