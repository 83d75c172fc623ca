"""Prompts of a language model: texts as they are, or the texts in files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sonde.core.dataset import Rows, Schema
from sonde.core.errors import DataError
from sonde.core.vocabulary import UNKNOWN, Characters, Vocabulary, read_vocabulary
from sonde.data.ragged import RaggedRows, end_to_end
from sonde.modalities.inputs import ENDINGS, place_in
from sonde.modalities.table.noted import read_noted
from sonde.modalities.table.read import Table, table_suffix
from sonde.modalities.text.columns import text_cells
from sonde.modalities.text.continued import texts_to_continue
from sonde.modalities.text.long_text import read_text

SHOWN = 40  # characters of a text that name it


def rows_for_prompts(inputs: Any, schema: Schema) -> tuple[Rows, list[str]]:
    """Rows of the last tokens of each text, as many as the model reads, and what to call each.

    inputs: a text, the path of a .txt file, or a list of either
    Raises: DataError for what is no text, is empty, or holds characters that the model does not know
    """
    given = [inputs] if isinstance(inputs, str | Path) else list(inputs) if isinstance(inputs, Sequence) else None
    if not given or not all(isinstance(item, str | Path) for item in given):
        raise DataError("the model continues texts; give a text, a .txt file or a list of them")
    vocabulary, names, rows = read_vocabulary(schema.input.tokenizer), [], []
    for text, name in (pair for item in given for pair in _texts(item)):
        tokens = vocabulary.encode(text)
        check_prompt(tokens, text, name, vocabulary)
        names.append(name)
        rows.append(tokens[-schema.input.shape[0] :])
    return RaggedRows(ragged={"input": end_to_end(rows)}, names=names), names


def _texts(item: str | Path) -> list[tuple[str, str]]:
    """Texts, and what to call each: that given, that of a file, or of a table one a row."""
    path = place_in(item)
    if path is not None and path.suffix.lower() in ENDINGS and path.is_file():  # a word may be the name of a folder
        if table_suffix(path):
            return _of_table(read_noted(path))
        return [(read_text(path), str(item))]
    text = str(item)
    return [(text, shown(text))]


def shown(text: str) -> str:
    """A text as it is named: its beginning."""
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _of_table(table: Table) -> list[tuple[str, str]]:
    """Prompts of a table: its column of that name, else its texts. Raises: DataError where it has none"""
    lower = {name.strip().lower(): name for name in table.columns}
    if "prompt" in lower:
        return [(text, table.place(row)) for row, text in enumerate(text_cells(table, lower["prompt"]))]
    found = texts_to_continue(table, asked=True)
    if found is None:
        raise DataError(f"{table.name} has no column of texts to continue; call it text, or give a .txt file")
    return [(text, f"{table.name} text {number}") for number, text in enumerate(found.texts, start=1)]


def check_prompt(tokens: Sequence[int], text: str, name: str, vocabulary: Vocabulary) -> None:
    """Raises: DataError for a text without a token, or with characters that the model does not know."""
    if not tokens:
        raise DataError(f"{name!r}: there is no text in it")
    if UNKNOWN in tokens and isinstance(vocabulary, Characters):
        missing = " ".join(repr(character) for character in sorted(set(text) - set(vocabulary.symbols)))
        raise DataError(f"{name!r} has {missing}, which does not occur in the training text; leave it out")
