"""An inverse-folding network: the backbone of a protein in, for each place logits over the residues that may stand there out."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.ranges import check_counts, check_shares
from sonde.nn.attention import within
from sonde.nn.dropout import Dropout

ATOMS = 5  # N, CA, C, O, and where CB would be
NEAR, FAR, BUMPS = 2.0, 22.0, 16  # ångström: range of the radial basis functions of distances, and how many there are
APART = 32  # residues along the chain; farther ones share an embedding
ANGLES = 3  # dihedrals of a residue

# B proteins, R residues of the longest, K neighbours in space, D channels of a residue


@dataclass(frozen=True, kw_only=True)
class InverseFoldingConfig:
    """Settings of the inverse-folding network."""

    width: int = 96
    """Channels of each residue (node) and each pair of neighbours (edge)."""
    layers: int = 3
    """Layers of message passing between neighbours."""
    neighbours: int = 24
    """Nearest neighbours of each residue in the graph (k)."""
    noise: float = 0.1
    """Standard deviation, in ångström, of Gaussian noise added to the backbone coordinates in training."""
    dropout: float = 0.1
    """Dropout of each residual branch."""

    def __post_init__(self) -> None:
        check_counts(self, "width", "layers", "neighbours")
        if not self.noise >= 0:
            raise ConfigError(f"--noise must be at least 0, got {self.noise:g}")
        check_shares(self, "dropout")


class MessagePassing(nn.Module):
    """One layer of message passing between neighbours: residues (B, R, D) -> the same."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.own, self.theirs = nn.Linear(width, width), nn.Linear(width, width, bias=False)
        self.edge = nn.Linear(width, width, bias=False)
        self.message = nn.Sequential(nn.GELU(), nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
        self.norm, self.mlp_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.dropout = Dropout(dropout)

    def forward(self, residues: Tensor, edges: Tensor, nearest: Tensor, share: Tensor) -> Tensor:
        """edges: (B, R, K, D); nearest: (B, R, K) int64; share: (B, R, K, 1), 1 / neighbours, 0 for those behind the end."""
        theirs = _gathered(self.theirs(residues), nearest)  # (B, R, K, D)
        messages = self.message(self.own(residues)[:, :, None] + theirs + self.edge(edges))
        residues = self.norm(residues + self.dropout((messages * share).sum(2)))
        return self.mlp_norm(residues + self.dropout(self.mlp(residues)))


class InverseFoldingNetwork(nn.Module):
    """Backbones (B, R, 4, 3) in ångström with lengths (B,) -> logits (B, R, out_dim).

    Its inputs are distances between the atoms of neighbours, dihedrals along the chain and how far apart along it neighbours
    are, so rotating and translating a protein changes nothing; its mirror image is another one, by the place of CB.
    Source: Ingraham et al. 2019, Generative models for graph-based protein design; distances between all backbone atoms and
    the noise after Dauparas et al. 2022, ProteinMPNN, Science 378. All residues are predicted at once, not one after the other.
    """

    def __init__(self, input: InputSpec, out_dim: int, config: InverseFoldingConfig) -> None:
        """Raises: ConfigError for residues"""
        if input.symbols:
            raise ConfigError(
                "inverse-folding-network takes protein backbones as input, but this data is residues; use --task "
                "inverse-folding"
            )
        super().__init__()
        width = config.width
        self.neighbours, self.noise = config.neighbours, config.noise
        self.angles = nn.Linear(2 * ANGLES, width)
        self.distances = nn.Linear(ATOMS * ATOMS * BUMPS, width)
        self.apart = nn.Embedding(2 * APART + 1, width)
        self.edge_norm = nn.LayerNorm(width)
        self.rounds = nn.ModuleList([MessagePassing(width, config.dropout) for _ in range(config.layers)])
        self.head = nn.Linear(width, out_dim)

    def forward(self, input: Tensor, lengths: Tensor) -> Tensor:
        """(B, R, 4, 3), (B,) -> (B, R, out_dim)."""
        if self.training and self.noise:
            input = input + self.noise * torch.randn_like(input)
        atoms = torch.cat([input, beta_carbons(input)[:, :, None]], 2)  # (B, R, 5, 3)
        known = within(lengths, input.shape[1])  # (B, R)
        nearest, there = _nearest(atoms[:, :, 1], known, self.neighbours)  # (B, R, K)
        own = torch.arange(nearest.shape[1], device=nearest.device)[:, None]
        apart = (nearest - own).clamp(-APART, APART) + APART  # (B, R, K): how far on along the chain each neighbour is
        edges = self.edge_norm(self.distances(_apart_in_space(atoms, nearest)) + self.apart(apart))
        share = (there / there.sum(2, keepdim=True).clamp(min=1))[..., None]
        residues = self.angles(dihedrals(input, known))
        for one in self.rounds:
            residues = one(residues, edges, nearest, share)
        return self.head(residues)


def beta_carbons(backbone: Tensor) -> Tensor:
    """(…, 4, 3) -> (…, 3): where CB stands beside N, CA and C of an ideal residue (Dauparas et al. 2022, supplement)."""
    nitrogen, alpha, carbon = backbone[..., 0, :], backbone[..., 1, :], backbone[..., 2, :]
    one, other = alpha - nitrogen, carbon - alpha
    across = torch.linalg.cross(one, other)
    return -0.58273431 * across + 0.56802827 * one - 0.54067466 * other + alpha


def dihedrals(backbone: Tensor, known: Tensor) -> Tensor:
    """(B, R, 4, 3) -> (B, R, 6): cosines and sines of phi, psi and omega (to the next), 0 at the ends of a chain.

    known: (B, R) bool, False behind the end
    """
    chain = backbone[:, :, :3].flatten(1, 2)  # N, CA, C of each, end to end
    steps = F.normalize(chain.diff(dim=1), dim=-1)
    normals = torch.linalg.cross(steps[:, :-1], steps[:, 1:])
    sine = (torch.linalg.cross(normals[:, :-1], normals[:, 1:]) * steps[:, 1:-1]).sum(-1)
    cosine = (normals[:, :-1] * normals[:, 1:]).sum(-1)
    both = F.normalize(torch.stack([cosine, sine], -1), dim=-1)  # (B, 3 R - 3, 2), of psi, omega, phi of the next, …
    features = F.pad(both, (0, 0, 1, 2)).unflatten(1, (-1, ANGLES))  # (B, R, 3, 2)
    after = F.pad(known[:, 1:], (0, 1))[:, :, None, None]  # psi and omega hang on the residue that follows
    return torch.cat([features[:, :, :1] * known[:, :, None, None], features[:, :, 1:] * after], 2).flatten(2)


def _nearest(places: Tensor, known: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """(B, R, K) int64 of the nearest other residues, and whether each of them is one."""
    apart = torch.cdist(places, places, compute_mode="donot_use_mm_for_euclid_dist")
    itself = torch.eye(places.shape[1], dtype=torch.bool, device=places.device)
    apart = apart.masked_fill(itself | ~known[:, None], torch.inf)
    found = apart.topk(min(count, places.shape[1]), largest=False)
    return found.indices, (found.values < torch.inf).to(places.dtype)


def _apart_in_space(atoms: Tensor, nearest: Tensor) -> Tensor:
    """(B, R, K, 25 x 16): every distance between the atoms of two neighbours, as bumps that overlap."""
    theirs = _gathered(atoms.flatten(2), nearest).unflatten(3, (ATOMS, 3))  # (B, R, K, 5, 3)
    between = (atoms[:, :, None, :, None] - theirs[:, :, :, None]).square().sum(-1)
    distance = (between + 1e-6).sqrt().flatten(3)  # (B, R, K, 25)
    centres = torch.linspace(NEAR, FAR, BUMPS, device=atoms.device, dtype=atoms.dtype)
    return (-((distance[..., None] - centres) * (BUMPS / (FAR - NEAR))).square()).exp().flatten(3)


def _gathered(values: Tensor, nearest: Tensor) -> Tensor:
    """(B, R, D) and (B, R, K) -> (B, R, K, D), the values of each neighbour."""
    flat = nearest.flatten(1)[..., None].expand(-1, -1, values.shape[2])
    return values.gather(1, flat).unflatten(1, nearest.shape[1:])
