"""A structure network: residues in, for each pair of them logits over bins of their distance out."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.core.vocabulary import PAD
from sonde.models.ranges import check_counts, check_shares
from sonde.nn.dropout import Dropout

FARTHEST = 32  # residues apart with an embedding each; farther ones share one in steps that grow
STEPS = 12  # of those beyond
REACH = 5  # kernel of the convolutions that describe a residue by those around it

# B proteins, R residues of the longest, S channels of a residue, C channels of a pair


@dataclass(frozen=True, kw_only=True)
class StructureNetworkConfig:
    """Settings of the structure network."""

    pair_width: int = 32
    """Channels of the pair representation."""
    residue_width: int = 64
    """Channels of the single (per-residue) representation."""
    layers: int = 1
    """Blocks of triangle updates on the pairs (Evoformer)."""
    dropout: float = 0.0
    """Dropout of the residue embedding and of each residual branch."""

    def __post_init__(self) -> None:
        check_counts(self, "pair_width", "residue_width")
        check_counts(self, "layers", low=0)
        check_shares(self, "dropout")


class Triangles(nn.Module):
    """Each pair (i, j) is updated from the two other sides of every triangle: (B, R, R, C) -> (B, R, R, C).

    outgoing: of the sides (i, k) and (j, k); else of (k, i) and (k, j)
    Source: Jumper et al. 2021, Nature 596, supplement, algorithms 11 and 12
    """

    def __init__(self, width: int, *, outgoing: bool) -> None:
        super().__init__()
        self.outgoing = outgoing
        self.norm = nn.LayerNorm(width)
        self.sides = nn.Linear(width, 4 * width)
        self.gate = nn.Linear(width, width)
        self.heard_norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, width)

    def forward(self, pairs: Tensor, there: Tensor) -> Tensor:
        """there: (B, R, R, 1), 1 for pairs of residues, 0 behind the end."""
        pairs = self.norm(pairs)
        values, gates = self.sides(pairs).chunk(2, -1)
        one, other = (values * gates.sigmoid() * there).movedim(-1, 1).chunk(2, 1)  # (B, C, R, R)
        messages = one @ other.transpose(2, 3) if self.outgoing else one.transpose(2, 3) @ other
        return self.output(self.heard_norm(messages.movedim(1, -1))) * self.gate(pairs).sigmoid()


class Block(nn.Module):
    """Both kinds of triangles, then an MLP on each pair, each added: (B, R, R, C) -> (B, R, R, C)."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.outgoing, self.incoming = Triangles(width, outgoing=True), Triangles(width, outgoing=False)
        self.mlp = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width)
        )
        self.dropout = Dropout(dropout)

    def forward(self, pairs: Tensor, there: Tensor) -> Tensor:
        """(B, R, R, C) -> (B, R, R, C)."""
        pairs = pairs + self.dropout(self.outgoing(pairs, there))
        pairs = pairs + self.dropout(self.incoming(pairs, there))
        return pairs + self.dropout(self.mlp(pairs))


class StructureNetwork(nn.Module):
    """Residues (B, R) int64, PAD behind the end -> logits (B, R, R, out_dim), the same for (i, j) and (j, i).

    A residue is described by itself and those around it (two convolutions along the chain), a pair by the sum of a vector of
    each of its two, one of how far apart they are along the chain, and one that grows with the chain's length.
    Source: a small Evoformer without alignments, after Jumper et al. 2021, Nature 596
    """

    def __init__(self, input: InputSpec, out_dim: int, config: StructureNetworkConfig) -> None:
        """Raises: ConfigError for backbones"""
        if not input.symbols:
            raise ConfigError(
                "structure-network takes protein residues as input, but this data is backbones; leave --model out"
            )
        super().__init__()
        single, width = config.residue_width, config.pair_width
        self.embedding = nn.Embedding(input.symbols, single, padding_idx=PAD)
        self.around = nn.ModuleList([nn.Conv1d(single, single, REACH, padding=REACH // 2) for _ in range(2)])
        self.norm = nn.LayerNorm(single)
        self.dropout = Dropout(config.dropout)
        self.left, self.right = nn.Linear(single, width), nn.Linear(single, width)
        self.apart = nn.Embedding(FARTHEST + STEPS, width)
        self.length = nn.Linear(1, width)
        self.blocks = nn.ModuleList([Block(width, config.dropout) for _ in range(config.layers)])
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, out_dim))

    def forward(self, input: Tensor) -> Tensor:
        """(B, R) -> (B, R, R, out_dim)."""
        known = (input != PAD).to(self.length.weight.dtype)  # (B, R)
        residues = self._described(input, known)
        there = (known[:, :, None] * known[:, None])[..., None]  # (B, R, R, 1)
        places = torch.arange(input.shape[1], device=input.device)
        pairs = self.left(residues)[:, :, None] + self.right(residues)[:, None] + self.apart(_steps(places))
        pairs = pairs + self.length((known.sum(1, keepdim=True) / 100).log())[:, None, None]
        for block in self.blocks:
            pairs = block(pairs, there)
        logits = self.head(pairs)
        return (logits + logits.transpose(1, 2)) / 2

    def _described(self, input: Tensor, known: Tensor) -> Tensor:
        """(B, R) -> (B, R, S), zero behind the end."""
        residues = self.embedding(input).transpose(1, 2)  # (B, S, R)
        for convolution in self.around:
            residues = (residues + convolution(residues).relu()) * known[:, None]
        return self.dropout(self.norm(residues.transpose(1, 2))) * known[..., None]


def _steps(places: Tensor) -> Tensor:
    """(R,) places -> (R, R) int64, a number for each distance along the chain, beyond `FARTHEST` one for each tenth more.

    >>> _steps(torch.tensor([0, 1, 31, 40, 200])).tolist()[0]
    [0, 1, 31, 34, 43]
    """
    apart = (places[:, None] - places).abs()
    beyond = FARTHEST + ((apart.clamp(min=FARTHEST) / FARTHEST).log() / 0.1).long()
    return torch.where(apart < FARTHEST, apart, beyond.clamp(max=FARTHEST + STEPS - 1))
