"""Proteins to count and to test models with, and what networks keep of one."""

import torch
from torch import Tensor

from sonde.core.dataset import InputSpec, Schema
from sonde.core.vocabulary import SPECIAL

STEP = 3.8  # ångström from one alpha carbon to the next
OF_A_PAIR = 256  # values that are kept for two residues, some at a time


def sample(spec: InputSpec, rows: int, answers: str, drawn: torch.Generator) -> tuple[Tensor, ...]:
    """Residues (rows, R), or backbones (rows, R, 4, 3) and their lengths, drawn at random."""
    if spec.symbols:
        return (torch.randint(len(SPECIAL), max(spec.symbols, len(SPECIAL) + 1), (rows, *spec.shape), generator=drawn),)
    return _backbones(rows, spec.shape[0], drawn), torch.full((rows,), spec.shape[0])


def _backbones(rows: int, residues: int, drawn: torch.Generator) -> Tensor:
    """(rows, residues, 4, 3) float: random walks in ångström, with other atoms about each alpha carbon."""
    steps = torch.nn.functional.normalize(torch.randn(rows, residues, 3, generator=drawn), dim=-1)
    around = torch.randn(rows, residues, 4, 3, generator=drawn) * torch.tensor([1.0, 0.0, 1.0, 1.0])[:, None]
    return (STEP * steps).cumsum(1)[:, :, None] + around


def activations_per_value(schema: Schema) -> int:
    """Activations that a network holds at a time for a residue: of every pair of residues, where distances are predicted."""
    return OF_A_PAIR * schema.input.shape[0] if schema.target.kind == "distances" else max(1, schema.target.symbols)
