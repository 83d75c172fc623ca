"""Losses of predicted distances between residues."""

import torch
import torch.nn.functional as F
from torch import Tensor

# B proteins, R residues, E edges between E + 1 bins


def binned(distances: Tensor, edges: Tensor) -> Tensor:
    """The bin of each distance, int64: 0 up to the first edge, E beyond the last. edges: (E,), rising."""
    return torch.bucketize(distances, edges)


def distogram(logits: Tensor, target: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy of the bins of distances, summed over the pairs of each protein that count, and their number: (B,) each.

    logits: (B, R, R, E + 1); target: (B, R, R), 0 where a pair does not count, as none with itself does
    Source: Senior et al. 2020, Improved protein structure prediction using potentials from deep learning, Nature 577
    """
    each = F.cross_entropy(logits.flatten(0, 2), binned(target, edges).flatten(), reduction="none").view(target.shape)
    counted = (target > 0).to(each.dtype)
    return (each * counted).flatten(1).sum(1), counted.flatten(1).sum(1)
