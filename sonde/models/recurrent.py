"""Recurrent networks with one output per sequence: Elman's, LSTM, GRU, unidirectional or bidirectional."""

from dataclasses import dataclass
from functools import partial
from typing import Literal

from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.models.ranges import check_counts, check_shares
from sonde.nn.dropout import Dropout
from sonde.nn.pooling_over_time import max_over_time, mean_over_time
from sonde.nn.recurrent import Recurrent
from sonde.nn.recurrent_cells import Kind
from sonde.nn.sequence_input import SequenceInput

# B rows, T steps, V values of a step, D width


@dataclass(frozen=True, kw_only=True)
class RecurrentConfig:
    """Settings of recurrent classifiers."""

    embedding: int = 128
    """Embedding width of tokens, or of the values of a step."""
    width: int = 128
    """Hidden size of each layer, per direction."""
    layers: int = 1
    """Recurrent layers, stacked."""
    pool: Literal["last", "mean", "max"] = "max"
    """Pooling over time before the head: the last hidden state (of the backward direction the first), mean or max."""
    dropout: float = 0.0
    """Dropout of the embeddings, between layers and before the head."""
    word_dropout: float = 0.0
    """Word dropout: share of tokens replaced by the unknown token in training."""

    def __post_init__(self) -> None:
        check_counts(self, "embedding", "width", "layers")
        check_shares(self, "dropout", "word_dropout")


class RecurrentClassifier(nn.Module):
    """Embedding, recurrent layers, one vector of all steps, linear head: (B, T) tokens -> (B, out_dim).

    Numbers (B, T, V) or (B, T) come with lengths (B,) int64.
    """

    def __init__(
        self, input: InputSpec, out_dim: int, config: RecurrentConfig, *, kind: Kind, both_ways: bool = False
    ) -> None:
        super().__init__()
        self.pool = config.pool
        self.input = SequenceInput(input, config.embedding, dropout=config.dropout, word_dropout=config.word_dropout)
        self.layers = Recurrent(
            kind,
            config.embedding,
            config.width,
            layers=config.layers,
            both_ways=both_ways,
            dropout=config.dropout,
        )
        self.dropout = Dropout(config.dropout)
        self.head = nn.Linear(self.layers.dim, out_dim)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(B, T) or (B, T, V) -> (B, out_dim)."""
        vectors, inside = self.input(input, lengths)
        real = inside.sum(1)
        read = self.layers(vectors, real)
        return self.head(self.dropout(self._pooled(read, inside, real)))

    def _pooled(self, read: Tensor, inside: Tensor, lengths: Tensor) -> Tensor:
        if self.pool == "last":
            return self.layers.ends(read, lengths)
        return mean_over_time(read, inside) if self.pool == "mean" else max_over_time(read, inside)


rnn = partial(RecurrentClassifier, kind="rnn")
"""Elman's network (1990), without gates, for comparison."""
lstm = partial(RecurrentClassifier, kind="lstm")
"""Long short-term memory (Hochreiter and Schmidhuber 1997)."""
gru = partial(RecurrentClassifier, kind="gru")
"""Gated recurrent units (Cho et al. 2014, arXiv:1406.1078)."""
bilstm = partial(RecurrentClassifier, kind="lstm", both_ways=True)
"""Bidirectional LSTM (Graves and Schmidhuber 2005, Neural Networks 18)."""
bigru = partial(RecurrentClassifier, kind="gru", both_ways=True)
"""Bidirectional gated recurrent units (Schuster and Paliwal 1997; Cho et al. 2014)."""
