"""Two texts as one row of tokens, `first END second END`: what is read, shown, and drawn to count models with."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from sonde.core.dataset import InputSpec
from sonde.core.vocabulary import END, SPECIAL, UNKNOWN, Vocabulary
from sonde.data.ragged import Ragged, end_to_end
from sonde.modalities.modality import Case
from sonde.modalities.text.rows import ENCODED_AT_ONCE, shortened, text_of

LONGEST = 150  # characters of a text in a report
BETWEEN = "\n|\n"  # the two texts of a row, whose own spaces are single ones
MARKS = 2  # tokens of a row that are of no text


def joined(first: str, second: str) -> str:
    """What a person reads in a row."""
    return f"{' '.join(first.split())}{BETWEEN}{' '.join(second.split())}"


def encoded_pairs(
    first: Sequence[str], second: Sequence[str], vocabulary: Vocabulary, *, most: int
) -> tuple[Ragged, int]:
    """Rows of at most `most` tokens, and how many of them were cut. A text without any token is one UNKNOWN."""
    parts, cut = [], 0
    for start in range(0, len(first), ENCODED_AT_ONCE):
        sides = [vocabulary.encode_all(texts[start : start + ENCODED_AT_ONCE]) for texts in (first, second)]
        rows = []
        for one, other in zip(*sides, strict=True):
            lengths = room_for(len(one), len(other), most - MARKS)
            cut += lengths != (len(one), len(other))
            rows.append([*(one[: lengths[0]] or [UNKNOWN]), END, *(other[: lengths[1]] or [UNKNOWN]), END])
        parts.append(end_to_end(rows))
    starts = np.zeros(len(first) + 1, dtype=np.int64)
    starts[1:] = np.cumsum(np.concatenate([part.lengths() for part in parts]))
    return Ragged(np.concatenate([part.values for part in parts]), starts), cut


def room_for(one: int, other: int, most: int) -> tuple[int, int]:
    """Tokens of each text that are kept of a pair in `most`: the longer text is cut first.

    >>> room_for(10, 4, 20), room_for(30, 4, 20), room_for(30, 40, 20)
    ((10, 4), (16, 4), (10, 10))
    """
    if one + other <= most:
        return one, other
    half = most // 2
    if other <= half:
        return most - other, other
    return (one, most - one) if one <= half else (most - half, half)


def show(case: Case) -> dict[str, str]:
    """The beginnings of both texts."""
    texts = text_of(case.rows, case.index).split(BETWEEN)
    return {"text": " | ".join(shortened(text, LONGEST) for text in texts)}


def sample(spec: InputSpec, rows: int, answers: str, drawn: torch.Generator) -> tuple[Tensor, ...]:
    """Tokens (rows, T) drawn at random, of two texts of one length; what is answered makes no difference."""
    tokens = torch.randint(len(SPECIAL), max(spec.symbols, len(SPECIAL) + 1), (rows, *spec.shape), generator=drawn)
    tokens[:, [spec.shape[0] // 2, -1]] = END
    return (tokens,)
