"""Recurrent language models: the next token, predicted from a hidden state that holds all before it."""

from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.ranges import check_counts, check_shares
from sonde.nn.dropout import Dropout
from sonde.nn.recurrent import Recurrent
from sonde.nn.recurrent_cells import Kind, State

SPREAD = 0.1  # standard deviation of embeddings, as in Zaremba et al.'s larger networks, which draw weights within 0.05 to 0.1

# B rows, T tokens, S symbols, D width, L layers


@dataclass(frozen=True, kw_only=True)
class RecurrentLanguageConfig:
    """Settings of recurrent language models."""

    embedding: int = 256
    """Embedding width."""
    width: int = 256
    """Hidden size of each layer."""
    layers: int = 2
    """Recurrent layers, stacked."""
    dropout: float = 0.0
    """Dropout of the embeddings, between layers and before the head, not on the recurrent connections."""
    tied: bool = False
    """Whether the head's matrix is that of the embeddings (Press and Wolf 2016, arXiv:1608.05859); needs equal widths."""

    def __post_init__(self) -> None:
        check_counts(self, "embedding", "width", "layers")
        check_shares(self, "dropout")
        if self.tied and self.embedding != self.width:
            raise ConfigError(
                f"--tied: embedding and output weights are shared, so --embedding {self.embedding} and --width "
                f"{self.width} must be equal"
            )


class RecurrentLanguageModel(nn.Module):
    """Embedding, recurrent layers, linear head: (B, T) tokens -> (B, T, S) logits of the token after each.

    Source: Mikolov et al. 2010, Interspeech; Zaremba et al. 2014, arXiv:1409.2329, for where dropout falls
    """

    def __init__(self, input: InputSpec, out_dim: int, config: RecurrentLanguageConfig, *, kind: Kind) -> None:
        super().__init__()
        self.embedding = nn.Embedding(input.symbols, config.embedding)
        nn.init.normal_(self.embedding.weight, std=SPREAD)
        self.layers = Recurrent(kind, config.embedding, config.width, layers=config.layers, dropout=config.dropout)
        self.dropout = Dropout(config.dropout)
        self.head = nn.Linear(config.width, out_dim)
        if config.tied:
            self.head.weight = self.embedding.weight

    def forward(self, tokens: Tensor, state: State | None = None) -> Tensor:
        """(B, T) int64 -> (B, T, S)."""
        return self.unroll(tokens, state)[0]

    def unroll(self, tokens: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Continue from a state: (B, T) -> logits (B, T, S) and the state after the last token.

        state: each of its tensors (B, L, D), the hidden states and of an LSTM the cells; None at a text's beginning
        """
        read, after = self.layers.unroll(self.dropout(self.embedding(tokens)), state)
        return self.head(self.dropout(read)), after


rnn_lm = partial(RecurrentLanguageModel, kind="rnn")
"""On Elman's network (Mikolov et al. 2010, Recurrent neural network based language model)."""
lstm_lm = partial(RecurrentLanguageModel, kind="lstm")
"""On LSTM (Zaremba et al. 2014, arXiv:1409.2329)."""
gru_lm = partial(RecurrentLanguageModel, kind="gru")
"""On gated recurrent units (Cho et al. 2014; Chung et al. 2014, arXiv:1412.3555)."""
