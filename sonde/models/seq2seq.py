"""Recurrent encoder-decoders with attention: a text in, a text out."""

from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.ranges import check_counts, check_shares
from sonde.nn.dropout import Dropout
from sonde.nn.recurrent import Recurrent
from sonde.nn.recurrent_cells import State

# B rows, N rows that are decoded, S source tokens, M target tokens, E width of an embedding, D of a layer, V target symbols


@dataclass(frozen=True, kw_only=True)
class Seq2SeqConfig:
    """Settings of the recurrent encoder-decoders."""

    attention: Literal["bahdanau", "luong"] = "luong"
    """Attention: additive, from the decoder's state before each token (Bahdanau), or multiplicative, after it (Luong)."""
    embedding: int = 256
    """Embedding width."""
    width: int = 512
    """Hidden size of the decoder; the bidirectional encoder has half of it per direction."""
    layers: int = 1
    """Recurrent layers of the encoder and of the decoder."""
    dropout: float = 0.2
    """Dropout after the embeddings, between layers and before the output."""

    def __post_init__(self) -> None:
        check_counts(self, "embedding", "layers")
        if self.width < 2 or self.width % 2:
            raise ConfigError(f"--width must be even, half for each direction of the encoder, got {self.width}")
        check_shares(self, "dropout")


class AdditiveAttention(nn.Module):
    """Scores v · tanh(W q + U k): queries (B, M, D), encoded source (B, S, D) -> weights (B, M, S).

    Source: Bahdanau et al. 2014, Neural machine translation by jointly learning to align and translate, arXiv:1409.0473
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.query, self.key = nn.Linear(dim, dim, bias=False), nn.Linear(dim, dim)
        self.score = nn.Linear(dim, 1, bias=False)

    def forward(self, query: Tensor, keys: Tensor, mask: Tensor) -> Tensor:
        """keys: `project` of the encoded source; mask: (B, 1, S) True where a token stands."""
        scores = self.score((self.query(query)[:, :, None] + keys[:, None]).tanh()).squeeze(-1)
        return scores.masked_fill(~mask, -torch.inf).softmax(-1)

    def project(self, encoded: Tensor) -> Tensor:
        """What serves every query: (B, S, D) -> (B, S, D)."""
        return self.key(encoded)


class BilinearAttention(nn.Module):
    """Scores q · W k: queries (B, M, D), encoded source (B, S, D) -> weights (B, M, S).

    Source: Luong et al. 2015, Effective approaches to attention-based neural machine translation, arXiv:1508.04025, "general"
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.key = nn.Linear(dim, dim, bias=False)

    def forward(self, query: Tensor, keys: Tensor, mask: Tensor) -> Tensor:
        """keys: `project` of the encoded source; mask: (B, 1, S) True where a token stands."""
        scores = query @ keys.transpose(1, 2)
        return scores.masked_fill(~mask, -torch.inf).softmax(-1)

    def project(self, encoded: Tensor) -> Tensor:
        """What serves every query: (B, S, D) -> (B, S, D)."""
        return self.key(encoded)


@dataclass
class Decoding:
    """A recurrent decoder's state of N rows: the encoded source, its keys for attention, and the hidden state of its layers."""

    encoded: Tensor  # (N, S, D)
    keys: Tensor  # (N, S, D)
    mask: Tensor  # (N, 1, S)
    state: State  # each (N, layers, D)

    def keep(self, rows: Tensor) -> None:
        """Go on with the rows (N',) int64 of these, each as often as it is named."""
        self.encoded, self.keys, self.mask = (
            held.index_select(0, rows) for held in (self.encoded, self.keys, self.mask)
        )
        self.reorder(rows)

    def reorder(self, rows: Tensor) -> None:
        """Let each row go on from row `rows` (N,), which has the same source (beam search)."""
        self.state = tuple(part.index_select(0, rows) for part in self.state)


class Seq2Seq(nn.Module):
    """(B, S) and (B, M) tokens -> logits (B, M, V) of the token that follows each of the second.

    The encoder is bidirectional; the mean of its outputs starts the decoder. The attention's context joins the decoder's output
    in a layer of tanh before the logits. With Bahdanau's attention it also enters the next step's cell, word by word.
    """

    def __init__(self, input: InputSpec, out_dim: int, config: Seq2SeqConfig, *, kind: Literal["gru", "lstm"]) -> None:
        super().__init__()
        width, dim, layers = config.embedding, config.width, config.layers
        self.kind, self.layers = kind, layers
        self.feeding = config.attention == "bahdanau"
        self.source, self.target = nn.Embedding(input.symbols, width), nn.Embedding(out_dim, width)
        self.encoder = Recurrent(kind, width, dim // 2, layers=layers, both_ways=True, dropout=config.dropout)
        self.bridge = nn.Linear(dim, layers * dim)
        entering = width + dim if self.feeding else width
        self.decoder = Recurrent(kind, entering, dim, layers=layers, dropout=config.dropout)
        self.attends = AdditiveAttention(dim) if self.feeding else BilinearAttention(dim)
        self.joined = nn.Linear(2 * dim, width)
        self.output = nn.Linear(width, out_dim)
        self.dropout = Dropout(config.dropout)
        for module in (self.source, self.target):
            nn.init.normal_(module.weight, std=0.1)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """(B, S), (B, M) int64 -> (B, M, V). target: BEGIN and what follows it, PAD behind the end."""
        return self._decode(target, self.begin(source))[0]

    def encode(self, source: Tensor) -> Tensor:
        """(B, S) int64 -> (B, S, D), zeros behind the end of each row."""
        there = source != 0
        read = self.encoder(self.dropout(self.source(source)), there.sum(1))
        return read * there[..., None]

    def begin(self, source: Tensor, length: int = 0) -> Decoding:
        """Encode (B, S). length: of no meaning here, since a hidden state does not grow with the output."""
        encoded, there = self.encode(source), source != 0
        mean = encoded.sum(1) / there.sum(1, keepdim=True).clamp(min=1)
        first = self.bridge(mean).tanh().unflatten(1, (self.layers, -1))  # (B, layers, D)
        state = (first, torch.zeros_like(first)) if self.kind == "lstm" else (first,)
        return Decoding(encoded, self.attends.project(encoded), there[:, None], state)

    def step(self, tokens: Tensor, state: Decoding) -> Tensor:
        """The last tokens (N,) -> logits (N, V) of the next; `state` moves on."""
        return self._decode(tokens[:, None], state)[0][:, 0]

    @torch.no_grad()
    def attention(self, source: Tensor, target: Tensor) -> Tensor:
        """(B, M, S) attention weights of each target token over the source's."""
        return self._decode(target, self.begin(source))[1].float()

    def _decode(self, tokens: Tensor, state: Decoding) -> tuple[Tensor, Tensor]:
        """Logits (N, M, V) and weights of attention (N, M, S); `state` moves on."""
        words = self.dropout(self.target(tokens))
        if not self.feeding:
            read, state.state = self.decoder.unroll(words, state.state)
            weights = self.attends(read, state.keys, state.mask)
            return self._logits(read, weights.to(state.encoded.dtype) @ state.encoded), weights
        reads, contexts, attended = [], [], []
        for word in words.split(1, dim=1):
            query = state.state[0][:, -1:]  # (N, 1, D), the last layer before this word
            attended.append(self.attends(query, state.keys, state.mask))
            contexts.append(attended[-1].to(state.encoded.dtype) @ state.encoded)
            read, state.state = self.decoder.unroll(torch.cat([word, contexts[-1].to(word.dtype)], -1), state.state)
            reads.append(read)
        return self._logits(torch.cat(reads, 1), torch.cat(contexts, 1)), torch.cat(attended, 1)

    def _logits(self, read: Tensor, found: Tensor) -> Tensor:
        both = torch.cat([read, found.to(read.dtype)], -1)
        return self.output(self.dropout(self.joined(both).tanh()))


seq2seq_gru = partial(Seq2Seq, kind="gru")
"""Gated recurrent units (Cho et al. 2014, arXiv:1406.1078)."""
seq2seq_lstm = partial(Seq2Seq, kind="lstm")
"""Long short-term memory (Sutskever et al. 2014, arXiv:1409.3215, with attention)."""
