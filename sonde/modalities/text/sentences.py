"""What `predict` takes with a translation model: sentences as they are typed, or files with one a line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sonde.core.dataset import Rows, Schema
from sonde.core.errors import DataError
from sonde.core.vocabulary import read_vocabulary
from sonde.modalities.inputs import place_in
from sonde.modalities.text.forms.parallel import lines_of
from sonde.modalities.text.parallel import MOST_TOKENS, source_rows


def rows_to_translate(inputs: Any, schema: Schema) -> tuple[Rows, list[str]]:
    """Rows of `input` tokens, and the sentences themselves.

    inputs: a sentence, a path of a text file (gzipped or not) with one a line, or a list of either; empty lines are passed over
    Raises: DataError for files that are not there or not UTF-8, and where nothing is left
    """
    items = list(inputs) if isinstance(inputs, Sequence) and not isinstance(inputs, str) else [inputs]
    sentences = [sentence for item in items for sentence in _sentences(item) if sentence]
    if not sentences:
        raise DataError("there is nothing to translate: give a sentence, or a file with one a line")
    vocabulary = read_vocabulary(schema.input.tokenizer)
    rows = source_rows(sentences, sentences, vocabulary, most=max(MOST_TOKENS, schema.input.shape[0]))
    return rows, sentences


def _sentences(item: Any) -> list[str]:
    if not isinstance(item, str | Path):
        raise DataError(
            f"the model takes sentences, and the input is of type {type(item).__name__}; give text or a file"
        )
    path = place_in(item)
    if path is not None and path.is_file():
        return lines_of(path)
    return [" ".join(str(item).split())]
