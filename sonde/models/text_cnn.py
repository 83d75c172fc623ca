"""Windows of neighbouring words, of which each filter keeps the one it likes best: Kim's network for sentences."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.ranges import check_counts, check_shares
from sonde.nn.dropout import Dropout
from sonde.nn.pooling_over_time import max_over_time
from sonde.nn.sequence_input import SequenceInput

# B rows, T tokens, D numbers of a token, C filters


@dataclass(frozen=True, kw_only=True)
class TextCNNConfig:
    """Settings of the convolutional network for text."""

    embedding: int = 128
    """Embedding width of tokens, or of the values of a step."""
    kernels: tuple[int, ...] = (3, 4, 5)
    """Kernel sizes in tokens, one parallel convolution each."""
    width: int = 100
    """Filters of each kernel size."""
    dropout: float = 0.5
    """Dropout of the pooled features, and half as much of the embeddings."""
    word_dropout: float = 0.0
    """Word dropout: share of tokens replaced by the unknown token in training."""

    def __post_init__(self) -> None:
        check_counts(self, "embedding", "width")
        check_shares(self, "dropout", "word_dropout")
        if not self.kernels or min(self.kernels) < 1:
            raise ConfigError(f"--kernels must be one or more numbers of at least 1, got {self.kernels}")


class TextCNN(nn.Module):
    """Embedding, filters of several widths, the largest of each over the row, linear head: (B, T) tokens -> (B, out_dim).

    Numbers (B, T, V) or (B, T) come with lengths (B,) int64. A row has as many windows of each width as it has tokens,
    those at its ends reaching beyond it, so that rows shorter than a window work too.
    Source: Kim 2014, Convolutional neural networks for sentence classification, arXiv:1408.5882, without pre-trained words
    """

    def __init__(self, input: InputSpec, out_dim: int, config: TextCNNConfig) -> None:
        super().__init__()
        self.input = SequenceInput(
            input, config.embedding, dropout=config.dropout / 2, word_dropout=config.word_dropout
        )
        self.kernels = config.kernels
        self.filters = nn.ModuleList(nn.Conv1d(config.embedding, config.width, kernel) for kernel in config.kernels)
        self.dropout = Dropout(config.dropout)
        self.head = nn.Linear(len(config.kernels) * config.width, out_dim)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(B, T) or (B, T, V) -> (B, out_dim)."""
        vectors, inside = self.input(input, lengths)
        across = vectors.transpose(1, 2)  # (B, D, T)
        return self.head(self.dropout(F.relu(self._found(across, inside))))

    def _found(self, across: Tensor, inside: Tensor) -> Tensor:
        """(B, D, T) -> the largest response of each filter (B, C), before its activation, which keeps their order."""
        found = []
        for kernel, filters in zip(self.kernels, self.filters, strict=True):
            answers = filters(F.pad(across, ((kernel - 1) // 2, kernel // 2)))  # (B, C, T)
            found.append(max_over_time(answers.transpose(1, 2), inside))
        return torch.cat(found, 1)
