"""A reader for data of few questions: words shared with the question, shapes of words, convolutions, no pre-training."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.vocabulary import BEGIN, END, PAD, read_vocabulary
from sonde.models.ranges import check_counts, check_shares
from sonde.nn.dropout import Dropout
from sonde.nn.word_matching import SHAPES, STEMS, Spelling

QUESTION = 64  # tokens of the question that are compared, the first ones
WINDOWS = (5, 15, 45)  # tokens about each over which shared words are added up
DILATIONS = (1, 2, 4, 8)
LOW = -1e4  # for softmax as good as -inf, and finite
SHARED = 1 + len(STEMS)
MATCHES = 2 * SHARED + len(WINDOWS) + 2

# B rows, T tokens, Q of them of the question, D channels, M kinds of a match


@dataclass(frozen=True, kw_only=True)
class QAReaderConfig:
    """Settings of the reader."""

    width: int = 64
    """Hidden width (channels of each token)."""
    embedding: int = 32
    """Embedding width."""
    frequent_tokens: int = 1500
    """Vocabulary: the most frequent tokens with an embedding each; the others share one."""
    dropout: float = 0.3
    """Dropout after the embeddings and in each convolution."""

    def __post_init__(self) -> None:
        check_counts(self, "width", "embedding", "frequent_tokens")
        check_shares(self, "dropout")


class Residual(nn.Module):
    """A gated convolution on normalised tokens, conditioned on the question, with a residual connection: (B, T, D) -> (B, T, D).

    Its kernel of three is a matrix product on each token beside those `dilation` before and behind it.
    """

    def __init__(self, dim: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.dilation = dilation
        self.norm = nn.LayerNorm(dim)
        self.convolution = nn.Linear(3 * dim, 2 * dim)
        self.asked = nn.Linear(dim, 2 * dim, bias=False)
        self.dropout = Dropout(dropout)

    def forward(self, tokens: Tensor, there: Tensor, question: Tensor) -> Tensor:
        """there: (B, T, 1), 0 for padding, which the convolution must not see; question: (B, D), as a vector."""
        inner = self.convolution(_beside(self.norm(tokens) * there, self.dilation))
        value, gate = (inner + self.asked(question)[:, None]).chunk(2, 2)
        return tokens + self.dropout(value * gate.sigmoid())


class QAReader(nn.Module):
    """(B, T) tokens, `BEGIN question END context END`, -> (B, T, 2) logits of the answer's first and last token.

    Each token is its embedding, its shape, and how it matches the question: whether its word stands there (whole, or its
    first characters), whether words that do stand about it, each weighing what was learned for it, and what part of them its
    sentence holds; and the mean of the question's embeddings by their likeness to its own. After Chen et al. 2017, Reading
    Wikipedia to answer open-domain questions, arXiv:1704.00051, with gated convolutions (Dauphin et al. 2016,
    arXiv:1612.08083) that run in parallel on a CPU in place of its LSTMs.
    """

    def __init__(self, input: InputSpec, out_dim: int, config: QAReaderConfig) -> None:
        """out_dim is not used: a token has two logits."""
        super().__init__()
        dim, symbols = config.width, input.symbols
        self.spelling = Spelling(symbols, read_vocabulary(input.tokenizer) if input.tokenizer else None)
        self.known = min(symbols - 1, config.frequent_tokens)  # the last embedding is that of all others
        self.embedding = nn.Embedding(self.known + 1, config.embedding, padding_idx=PAD)
        self.importance = nn.Embedding(symbols, 1)
        self.alignment = nn.Linear(config.embedding, config.embedding)
        self.dropout = Dropout(config.dropout)
        self.reading = nn.Linear(2 * config.embedding + SHAPES + MATCHES + 2, dim)
        self.question = nn.Linear(3 * (config.embedding + SHAPES), dim)
        self.pooling = nn.Linear(dim, 1)
        self.blocks = nn.ModuleList(Residual(dim, dilation, config.dropout) for dilation in DILATIONS)
        self.norm = nn.LayerNorm(dim)
        self.ends = nn.Linear(dim, 2)
        self.asks = nn.Linear(dim, 2 * dim)
        with torch.no_grad():
            rank = torch.arange(symbols, dtype=torch.float32)  # vocabularies list frequent symbols first
            self.importance.weight.copy_((rank.log1p() / rank[-1:].log1p())[:, None])

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) -> (B, T, 2)."""
        behind = (tokens == END).long()
        second = behind.cumsum(1) - behind > 0
        plain = (tokens != PAD) & (tokens != END) & (tokens != BEGIN)
        question, context = plain & ~second, plain & second
        there = (tokens != PAD).to(self.ends.weight.dtype)[..., None]
        embedded = self.dropout(self.embedding(tokens.clamp(max=self.known)))
        words = self.spelling.words(tokens)
        shapes = self.spelling.shaped(tokens, words)
        matched = self._matched(tokens, words, question, context)
        aligned = self._aligned(embedded, question)
        sides = torch.stack([question, context], 2).to(embedded.dtype)
        inner = self.reading(torch.cat([embedded, aligned, shapes, matched, sides], 2))
        vector = self._question_vector(embedded, shapes, question)
        for block in self.blocks:
            inner = block(inner, there, vector)
        inner = self.norm(inner)
        sought = self.asks(vector).unflatten(1, (2, -1))  # (B, 2, D)
        return self.ends(inner) + inner @ sought.transpose(1, 2) / inner.shape[2] ** 0.5

    def _matched(self, tokens: Tensor, words: Tensor, question: Tensor, context: Tensor) -> Tensor:
        """(B, T, MATCHES) of what each token's word has in common with the question."""
        hashes = self.spelling.hashed(tokens, words)  # (B, T, SHARED)
        query, there = hashes[:, :QUESTION], question[:, :QUESTION]
        same = (hashes[:, :, None] == query[:, None]) & there[:, None, :, None]
        shared = (same.any(2) & context[..., None]).to(self.importance.weight.dtype)  # (B, T, SHARED)
        weight = F.softplus(self.importance(tokens)) * shared[..., 1:2]  # by stems, which miss no inflection
        about = [_about(weight, size) for size in WINDOWS]
        held = self._by_sentence(tokens, weight)
        return torch.cat([shared, shared * weight, *about, held, held == 1], 2)

    def _by_sentence(self, tokens: Tensor, weight: Tensor) -> Tensor:
        """(B, T, 1): the weight of shared words in a token's sentence, as a part of that in the sentence with most."""
        sentence = self.spelling.sentences(tokens)
        total = torch.zeros_like(weight[..., 0]).scatter_add(1, sentence, weight[..., 0])
        most = total.max(1, keepdim=True).values.clamp(min=1e-6)
        return (total / most).gather(1, sentence)[..., None]

    def _aligned(self, embedded: Tensor, question: Tensor) -> Tensor:
        """(B, T, E): the question's embeddings, each by its likeness to a token's own."""
        keys = F.relu(self.alignment(embedded))
        scores = keys @ keys[:, :QUESTION].transpose(1, 2) / keys.shape[2] ** 0.5
        weights = scores.masked_fill(~question[:, None, :QUESTION], LOW).softmax(2)
        return weights @ embedded[:, :QUESTION]

    def _question_vector(self, embedded: Tensor, shapes: Tensor, question: Tensor) -> Tensor:
        """(B, D): the question as one vector, pooled by attention."""
        inside = question[..., None].to(embedded.dtype)
        inner = (torch.cat([embedded, shapes], 2) * inside)[:, :QUESTION]
        inner = F.relu(self.question(_beside(inner, 1)))
        weights = self.pooling(inner).masked_fill(inside[:, :QUESTION] == 0, LOW).softmax(1)
        return (weights * inner).sum(1)


def _beside(tokens: Tensor, apart: int) -> Tensor:
    """(B, T, D) -> (B, T, 3 D): each token with the one `apart` before it and the one behind, zeros past the ends."""
    length = tokens.shape[1]
    wide = F.pad(tokens, (0, 0, apart, apart))
    return torch.cat([wide[:, :length], tokens, wide[:, 2 * apart :]], 2)


def _about(values: Tensor, size: int) -> Tensor:
    """(B, T, 1): the sum over `size` tokens about each, divided by its square root."""
    summed = F.avg_pool1d(values.transpose(1, 2), size, stride=1, padding=size // 2) * size**0.5
    return summed.transpose(1, 2)
