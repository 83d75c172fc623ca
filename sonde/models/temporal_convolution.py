"""Temporal convolutional networks: dilated convolutions of the past, whose reach doubles with every block."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.models.ranges import check_counts, check_shares
from sonde.nn.causal_convolution import TemporalBlock
from sonde.nn.dropout import Dropout
from sonde.nn.pooling_over_time import max_over_time, mean_over_time
from sonde.nn.sequence_input import SequenceInput

# B rows, T steps, D numbers of a step, C channels


@dataclass(frozen=True, kw_only=True)
class TemporalConvolutionConfig:
    """Settings of temporal convolutional networks."""

    embedding: int = 128
    """Embedding width of tokens, or of the values of a step."""
    width: int = 128
    """Channels of every layer."""
    layers: int = 4
    """Residual blocks of two convolutions, dilated by 1, 2, 4, …: each further block doubles the receptive field."""
    kernel: int = 3
    """Kernel size in steps."""
    pool: Literal["last", "mean", "max"] = "max"
    """Pooling over time before the head: last step, mean or max."""
    dropout: float = 0.2
    """Dropout of the embeddings, after each convolution and before the head."""
    word_dropout: float = 0.0
    """Word dropout: share of tokens replaced by the unknown token in training."""

    def __post_init__(self) -> None:
        check_counts(self, "embedding", "width", "layers", "kernel")
        check_shares(self, "dropout", "word_dropout")


class TemporalConvolution(nn.Module):
    """Embedding, causal residual blocks, one vector of all steps, linear head: (B, T) tokens -> (B, out_dim).

    Numbers (B, T, V) or (B, T) come with lengths (B,) int64. With four blocks the last step sees 61 back.
    Source: Bai et al. 2018, An empirical evaluation of generic convolutional and recurrent networks, arXiv:1803.01271
    """

    def __init__(self, input: InputSpec, out_dim: int, config: TemporalConvolutionConfig) -> None:
        super().__init__()
        self.pool = config.pool
        self.input = SequenceInput(input, config.embedding, dropout=config.dropout, word_dropout=config.word_dropout)
        sizes = [config.embedding, *(config.width for _ in range(config.layers))]
        self.blocks = nn.Sequential(
            *(
                TemporalBlock(size, config.width, config.kernel, dilation=2**number, dropout=config.dropout)
                for number, size in enumerate(sizes[:-1])
            )
        )
        self.dropout = Dropout(config.dropout)
        self.head = nn.Linear(config.width, out_dim)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(B, T) or (B, T, V) -> (B, out_dim)."""
        vectors, inside = self.input(input, lengths)
        read = self.read(vectors)
        if self.pool == "last":
            last = (inside.sum(1) - 1)[:, None, None].expand(-1, 1, read.shape[2])
            pooled = read.gather(1, last).squeeze(1)
        else:
            pooled = mean_over_time(read, inside) if self.pool == "mean" else max_over_time(read, inside)
        return self.head(self.dropout(pooled))

    def read(self, vectors: Tensor) -> Tensor:
        """What the blocks make of each step and those before it: (B, T, D) -> (B, T, C)."""
        return self.blocks(vectors.transpose(1, 2)).transpose(1, 2)
