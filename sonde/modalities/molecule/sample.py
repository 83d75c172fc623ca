"""Molecules to count and to test models with, and what networks keep of one."""

import torch
from torch import Tensor

from sonde.core.dataset import InputSpec, Schema
from sonde.modalities.molecule.codes import bond_kinds

OF_A_PAIR = 256  # values that are kept for two atoms, some at a time


def sample(spec: InputSpec, rows: int, answers: str, drawn: torch.Generator) -> tuple[Tensor, ...]:
    """Atoms (rows, N, features) and bonds (rows, N, N), drawn at random."""
    atoms = torch.randint(1, max(spec.symbols, 2), (rows, *spec.shape), generator=drawn)
    bonds = torch.randint(0, len(bond_kinds(spec.extra)) + 1, (rows, spec.shape[0], spec.shape[0]), generator=drawn)
    return atoms, torch.minimum(bonds, bonds.transpose(1, 2))


def activations_per_value(schema: Schema) -> int:
    """Values that a network keeps at a time for an atom: its channels, and what binds it to every other."""
    return OF_A_PAIR + schema.input.shape[0]
