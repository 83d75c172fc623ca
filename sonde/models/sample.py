"""Inputs of the right kind for a model of the catalogue, to count and to test it with."""

import torch
from torch import Tensor

from sonde.core.dataset import InputSpec
from sonde.core.vocabulary import BEGIN, SPECIAL
from sonde.models.entries import MODELS

BONDS = 4  # kinds of bonds between atoms, 0 being none


def sample(name: str, spec: InputSpec, *, rows: int = 1, seed: int = 0) -> tuple[Tensor, ...]:
    """What model `name` is called with: (rows, …) of full length, tokens and numbers drawn at random.

    A model that answers with a text of its own also gets that text: as many tokens as its input, BEGIN first.
    """
    drawn = torch.Generator().manual_seed(seed)
    if spec.kind in ("tokens", "protein"):
        tokens = torch.randint(len(SPECIAL), max(spec.symbols, len(SPECIAL) + 1), (rows, *spec.shape), generator=drawn)
        if name in MODELS and MODELS[name].answers == "text":
            return tokens, tokens.index_fill(1, torch.tensor([0]), BEGIN)
        return (tokens,)
    if spec.kind == "molecule":
        atoms = torch.randint(1, max(spec.symbols, 2), (rows, *spec.shape), generator=drawn)
        bonds = torch.randint(0, BONDS, (rows, *spec.shape, *spec.shape), generator=drawn)
        return atoms, torch.minimum(bonds, bonds.transpose(1, 2))
    numbers = torch.randn(rows, *spec.shape, generator=drawn)
    if spec.kind in ("audio", "series"):
        return numbers, torch.full((rows,), spec.shape[0])
    return (numbers,)
