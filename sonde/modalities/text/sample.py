"""Texts to count and to test models with."""

import torch
from torch import Tensor

from sonde.core.dataset import InputSpec
from sonde.core.vocabulary import BEGIN, END, SPECIAL


def sample(spec: InputSpec, rows: int, answers: str, drawn: torch.Generator) -> tuple[Tensor, ...]:
    """Tokens (rows, T) drawn at random.

    answers: of "text" the answer comes too: as many tokens, BEGIN first; of "span" the row is a question and a context
    """
    tokens = torch.randint(len(SPECIAL), max(spec.symbols, len(SPECIAL) + 1), (rows, *spec.shape), generator=drawn)
    if answers == "text":
        return tokens, tokens.index_fill(1, torch.tensor([0]), BEGIN)
    return (_with_question(tokens),) if answers == "span" else (tokens,)


def _with_question(tokens: Tensor) -> Tensor:
    """A quarter of each row as a question whose tokens stand in its context too: `BEGIN question END context END`."""
    quarter = max(2, tokens.shape[1] // 4)
    question = tokens[:, 1:quarter]
    context = torch.cat([question, tokens[:, 2 * quarter : -1]], 1)
    ends = torch.full_like(tokens[:, :1], END)
    return torch.cat([torch.full_like(ends, BEGIN), question, ends, context, ends], 1)
