"""A torsion network: residues in, the backbone torsion angles of each out."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.core.vocabulary import PAD
from sonde.models.ranges import check_counts, check_shares
from sonde.nn.dropout import Dropout
from sonde.nn.recurrent import Recurrent

# B proteins, R residues of the longest, S channels of a residue, A angles


@dataclass(frozen=True, kw_only=True)
class TorsionNetworkConfig:
    """Settings of the torsion network."""

    embedding: int = 32
    """Embedding width of residues."""
    width: int = 64
    """Hidden size of each recurrent layer, per direction."""
    layers: int = 1
    """Recurrent layers."""
    dropout: float = 0.0
    """Dropout of the residue embedding, between layers and before the head."""

    def __post_init__(self) -> None:
        check_counts(self, "embedding", "width", "layers")
        check_shares(self, "dropout")


class TorsionNetwork(nn.Module):
    """Residues (B, R) int64, PAD behind the end -> (B, R, A, 2): (cosine, sine) vectors of any length.

    A bidirectional LSTM over the chain, a linear head on its output at each residue, and on the residue itself, whose kind
    alone predicts much of phi.
    Source: Heffernan et al. 2017, Bioinformatics 33 (18), without profiles of homologous sequences
    """

    def __init__(self, input: InputSpec, out_dim: int, config: TorsionNetworkConfig) -> None:
        """Raises: ConfigError for backbones"""
        if not input.symbols:
            raise ConfigError(
                "torsion-network takes protein residues as input, but this data is backbones; leave --model out"
            )
        super().__init__()
        self.embedding = nn.Embedding(input.symbols, config.embedding, padding_idx=PAD)
        self.layers = Recurrent(
            "lstm", config.embedding, config.width, layers=config.layers, both_ways=True, dropout=config.dropout
        )
        self.dropout = Dropout(config.dropout)
        self.head = nn.Linear(self.layers.dim + config.embedding, 2 * out_dim)

    def forward(self, input: Tensor) -> Tensor:
        """(B, R) -> (B, R, A, 2)."""
        lengths = (input != PAD).sum(1)
        own = self.embedding(input)
        read = self.layers(self.dropout(own), lengths)
        return self.head(torch.cat([self.dropout(read), own], -1)).unflatten(-1, (-1, 2))
