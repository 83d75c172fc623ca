"""Texts that a model has made: as text, as files, and texts with gaps that a model is to fill in."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sonde.core.dataset import Schema
from sonde.core.errors import DataError
from sonde.core.vocabulary import END, PAD, Vocabulary, read_vocabulary
from sonde.modalities.inputs import place_in
from sonde.modalities.made import Made
from sonde.modalities.text.long_text import read_text
from sonde.modalities.text.prompts import check_prompt, shown

GAP = "_"  # a token that is to be made
BETWEEN = "-" * 8  # a line between two texts of a file


def plain(values: Tensor, schema: Schema) -> list[str]:
    """(N, T) tokens -> texts; where one of the data's texts ends inside, a new line begins."""
    vocabulary = read_vocabulary(schema.target.tokenizer)
    return ["\n".join(_texts(row, vocabulary)) for row in values.long().tolist()]


def _texts(tokens: Sequence[int], vocabulary: Vocabulary) -> Iterator[str]:
    begun: list[int] = []
    for token in [*tokens, END]:
        if token != END:
            begun.append(token)
        elif begun:
            yield vocabulary.decode(begun)
            begun = []


def write(path: Path, texts: Any, labels: Sequence[str] | None, schema: Schema) -> None:
    """One .txt file of all, JSON lines with a text each (which `sonde train` reads), or a folder with a .txt file each."""
    if path.suffix == ".jsonl":
        lines = (json.dumps({"text": text}, ensure_ascii=False) for text in texts)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    elif path.suffix:
        path.write_text(printed(texts), encoding="utf-8")
    else:
        path.mkdir(parents=True, exist_ok=True)
        for number, text in enumerate(texts):
            (path / f"{number:05d}.txt").write_text(text, encoding="utf-8")


def printed(texts: Any) -> str:
    """All texts, a line of hyphens between two."""
    ended = [text if text.endswith("\n") else f"{text}\n" for text in texts]
    return f"{BETWEEN}\n".join(ended)


def gaps(given: str, schema: Schema) -> tuple[Tensor, Tensor]:
    """A text, or the .txt file of one, with `GAP` for each token that is to be made.

    Returns: (tokens (1, T), 1 where they are kept (1, T))
    Raises: DataError for a text without a gap, that is too long, or with characters that the model does not know
    """
    path = place_in(given)
    text = (
        read_text(path).removesuffix("\n") if path is not None and path.suffix == ".txt" and path.is_file() else given
    )
    vocabulary = read_vocabulary(schema.target.tokenizer)
    tokens: list[int] = []
    for part in re.split(f"({re.escape(GAP)})", text):
        tokens += [PAD] if part == GAP else vocabulary.encode(part)
    check_prompt(tokens, text.replace(GAP, ""), shown(text), vocabulary)
    if PAD not in tokens:
        raise DataError(f"--known {shown(text)!r} has no gap; write {GAP} for each token that is to be made")
    if len(tokens) > schema.input.shape[0]:
        raise DataError(
            f"--known has {len(tokens):,} tokens, and the model reads {schema.input.shape[0]:,}; shorten it"
        )
    found = torch.tensor([tokens])
    return found, (found != PAD).float()


def chosen(texts: Any, rows: np.ndarray) -> list[str]:
    """Those of some numbers."""
    return [texts[row] for row in rows.tolist()]


MADE = Made(
    plain=plain,
    endings=(".txt", ".jsonl", "/"),
    write=write,
    texts=plain,
    reported=8,
    printed=printed,
    gaps=gaps,
    joined=lambda parts: [text for part in parts for text in part],
    chosen=chosen,
)
