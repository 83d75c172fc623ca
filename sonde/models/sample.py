"""Inputs of the right kind for a model of the catalogue, to count and to test it with."""

import torch
from torch import Tensor

from sonde.core.dataset import InputSpec
from sonde.core.vocabulary import BEGIN, END, SPECIAL
from sonde.modalities.molecule.codes import BONDS
from sonde.models.table import MODELS

STEP = 3.8  # ångström from one alpha carbon to the next


def sample(name: str, spec: InputSpec, *, rows: int = 1, seed: int = 0) -> tuple[Tensor, ...]:
    """What model `name` is called with: (rows, …) of full length, tokens and numbers drawn at random.

    A model that answers with a text of its own also gets that text: as many tokens as its input, BEGIN first; one that finds
    answers gets a question and a context.
    """
    drawn = torch.Generator().manual_seed(seed)
    if spec.kind == "protein" and not spec.symbols:
        return _backbones(rows, spec.shape[0], drawn), torch.full((rows,), spec.shape[0])
    if spec.kind in ("tokens", "protein"):
        tokens = torch.randint(len(SPECIAL), max(spec.symbols, len(SPECIAL) + 1), (rows, *spec.shape), generator=drawn)
        if name in MODELS and MODELS[name].answers == "text":
            return tokens, tokens.index_fill(1, torch.tensor([0]), BEGIN)
        if name in MODELS and MODELS[name].answers == "span":
            return (_with_question(tokens),)
        return (tokens,)
    if spec.kind == "molecule":
        atoms = torch.randint(1, max(spec.symbols, 2), (rows, *spec.shape), generator=drawn)
        bonds = torch.randint(0, len(BONDS) + 1, (rows, spec.shape[0], spec.shape[0]), generator=drawn)
        return atoms, torch.minimum(bonds, bonds.transpose(1, 2))
    numbers = torch.randn(rows, *spec.shape, generator=drawn)
    if spec.kind in ("audio", "series"):
        return numbers, torch.full((rows,), spec.shape[0])
    return (numbers,)


def _with_question(tokens: Tensor) -> Tensor:
    """A quarter of each row as a question whose tokens stand in its context too: `BEGIN question END context END`."""
    quarter = max(2, tokens.shape[1] // 4)
    question = tokens[:, 1:quarter]
    context = torch.cat([question, tokens[:, 2 * quarter : -1]], 1)
    ends = torch.full_like(tokens[:, :1], END)
    return torch.cat([torch.full_like(ends, BEGIN), question, ends, context, ends], 1)


def _backbones(rows: int, residues: int, drawn: torch.Generator) -> Tensor:
    """(rows, residues, 4, 3) float: random walks in ångström, with other atoms about each alpha carbon."""
    steps = torch.nn.functional.normalize(torch.randn(rows, residues, 3, generator=drawn), dim=-1)
    around = torch.randn(rows, residues, 4, 3, generator=drawn) * torch.tensor([1.0, 0.0, 1.0, 1.0])[:, None]
    return (STEP * steps).cumsum(1)[:, :, None] + around
