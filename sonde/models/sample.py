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

    An encoder-decoder also gets a target text: as many tokens as its input, BEGIN first; one that finds
    answers gets a question and a context.
    """
    drawn = torch.Generator().manual_seed(seed)
    input = DRAW.get(spec.kind, _numbers)(rows, spec, drawn)
    answers = MODELS[name].answers if name in MODELS else ""
    if answers == "text":
        return *input, input[0].index_fill(1, torch.tensor([0]), BEGIN)
    return (_with_question(input[0]),) if answers == "span" else input


def _numbers(rows: int, spec: InputSpec, drawn: torch.Generator) -> tuple[Tensor, ...]:
    return (torch.randn(rows, *spec.shape, generator=drawn),)


def _with_lengths(rows: int, spec: InputSpec, drawn: torch.Generator) -> tuple[Tensor, ...]:
    return *_numbers(rows, spec, drawn), torch.full((rows,), spec.shape[0])


def _tokens(rows: int, spec: InputSpec, drawn: torch.Generator) -> tuple[Tensor, ...]:
    return (torch.randint(len(SPECIAL), max(spec.symbols, len(SPECIAL) + 1), (rows, *spec.shape), generator=drawn),)


def _residues_or_backbones(rows: int, spec: InputSpec, drawn: torch.Generator) -> tuple[Tensor, ...]:
    if spec.symbols:
        return _tokens(rows, spec, drawn)
    return _backbones(rows, spec.shape[0], drawn), torch.full((rows,), spec.shape[0])


def _molecules(rows: int, spec: InputSpec, drawn: torch.Generator) -> tuple[Tensor, ...]:
    atoms = torch.randint(1, max(spec.symbols, 2), (rows, *spec.shape), generator=drawn)
    bonds = torch.randint(0, len(BONDS) + 1, (rows, spec.shape[0], spec.shape[0]), generator=drawn)
    return atoms, torch.minimum(bonds, bonds.transpose(1, 2))


DRAW = {
    "tokens": _tokens, "protein": _residues_or_backbones, "molecule": _molecules, "audio": _with_lengths,
    "series": _with_lengths,
}  # fmt: skip
"""What a batch of each kind of input holds (`sonde.core.dataset.InputSpec`), where that is not numbers of the spec's shape."""


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
