"""Graph networks: message passing between bonded atoms, and a readout over all of them."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.modalities.molecule.codes import bond_kinds
from sonde.models.ranges import check_counts, check_shares
from sonde.nn.dropout import Dropout

# B molecules, N atoms of the largest, F features of an atom, K kinds of bonds, D channels of an atom


@dataclass(frozen=True, kw_only=True)
class GraphNetworkConfig:
    """Settings of the graph network."""

    width: int = 128
    """Channels of each atom."""
    layers: int = 4
    """Layers of message passing; the receptive field of an atom is as many bonds."""
    dropout: float = 0.0
    """Dropout after each layer and before the head."""

    def __post_init__(self) -> None:
        check_counts(self, "width", "layers")
        check_shares(self, "dropout")


class MessagePassing(nn.Module):
    """One layer of message passing: atoms (B, N, D), molecule (B, D) -> the same.

    A neighbour's message is relu(its state + a vector of the bond's kind); an atom adds up those of its neighbours, and an MLP
    of its own state and that sum is added to its state. The molecule itself is an atom bound to all: it receives the mean of the
    new states and sends it back in the next layer.
    Source: Hu et al. 2019, Strategies for pre-training graph neural networks, arXiv:1905.12265, appendix A (GIN with bonds);
    Gilmer et al. 2017, Neural message passing for quantum chemistry, arXiv:1704.01212, section 5.2 (the master node)
    """

    def __init__(self, width: int, dropout: float, kinds: int) -> None:
        super().__init__()
        self.kinds = nn.Parameter(torch.randn(kinds, width) * 0.1)
        self.norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(2 * width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))
        self.whole_norm = nn.LayerNorm(width)
        self.whole_mlp = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
        self.dropout = Dropout(dropout)

    def forward(self, atoms: Tensor, whole: Tensor, bound: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
        """Both after the exchange. bound: (B, N, K N), 1 where an atom is bound by a kind; share: (B, N, 1), 1 / atoms, 0 behind
        the end.
        """
        state = self.norm(atoms + whole[:, None])
        messages = F.relu(state[:, None] + self.kinds[:, None])  # (B, K, N, D)
        received = bound @ messages.flatten(1, 2)  # (B, N, D)
        atoms = atoms + self.dropout(self.mlp(torch.cat([state, received], -1)))
        mean = (atoms * share).sum(1)
        return atoms, whole + self.dropout(self.whole_mlp(self.whole_norm(whole + mean)))


class GraphNetwork(nn.Module):
    """Molecules (B, N, F) int codes with bonds (B, N, N) int kinds -> (B, out_dim); codes are 0 where there is no atom.

    Atoms start as the sum of a vector for each feature. After the layers the head takes the molecule's own state, the sum of
    the atoms' states (over 16, so that it starts near 1), their maximum and a mean weighted by attention, since some properties
    grow with the molecule, some hang on one group and some on a share.
    Attention: Li et al. 2016, Gated graph sequence neural networks, arXiv:1511.05493, equation 7
    """

    def __init__(self, input: InputSpec, out_dim: int, config: GraphNetworkConfig) -> None:
        super().__init__()
        width = config.width
        self.kinds = len(bond_kinds(input.extra))
        self.embedding = nn.Embedding(input.symbols, width, padding_idx=0)
        self.whole = nn.Parameter(torch.zeros(width))
        self.rounds = nn.ModuleList([MessagePassing(width, config.dropout, self.kinds) for _ in range(config.layers)])
        self.norm = nn.LayerNorm(width)
        self.attention = nn.Linear(width, 1)
        self.read = nn.Sequential(nn.Linear(4 * width, width), nn.ReLU(), Dropout(config.dropout))
        self.head = nn.Linear(width, out_dim)
        nn.init.normal_(self.embedding.weight, std=input.shape[1] ** -0.5)
        with torch.no_grad():
            self.embedding.weight[0] = 0

    def forward(self, input: Tensor, bonds: Tensor) -> Tensor:
        """(B, N, F), (B, N, N) -> (B, out_dim)."""
        there = (input[..., :1] != 0).to(self.embedding.weight.dtype)  # (B, N, 1)
        share = there / there.sum(1, keepdim=True).clamp(min=1)
        kinds = torch.arange(1, self.kinds + 1, device=bonds.device)
        bound = (bonds[:, :, None] == kinds[:, None]).flatten(2).to(there.dtype)  # (B, N, K N)
        atoms = self.embedding(input).sum(2)  # (B, N, D)
        whole = self.whole + there.new_zeros(len(input), 1)  # (B, D)
        for one in self.rounds:
            atoms, whole = one(atoms, whole, bound, share)
        return self.head(self.read(self._pooled(self.norm(atoms), whole, there)))

    def _pooled(self, atoms: Tensor, whole: Tensor, there: Tensor) -> Tensor:
        """The input of the head: (B, 4 D)."""
        weight = self.attention(atoms).masked_fill(there == 0, -torch.inf).softmax(1)
        most = atoms.masked_fill(there == 0, -torch.inf).amax(1)
        return torch.cat([whole, (atoms * there).sum(1) / 16, most, (atoms * weight).sum(1)], -1)
