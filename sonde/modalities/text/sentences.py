"""What `predict` takes with a translation model: sentences as they are typed, or files with one a line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sonde.core.data_warning import warn
from sonde.core.dataset import Rows, Schema
from sonde.core.errors import DataError
from sonde.core.vocabulary import read_vocabulary
from sonde.modalities.inputs import place_in
from sonde.modalities.table.noted import read_noted
from sonde.modalities.table.read import Table, table_suffix
from sonde.modalities.text.columns import text_cells
from sonde.modalities.text.forms.parallel import lines_of
from sonde.modalities.text.pair_table import is_tabbed_pairs, read_tmx, sides_of
from sonde.modalities.text.parallel import MOST_TOKENS, source_rows


def rows_to_translate(inputs: Any, schema: Schema) -> tuple[Rows, list[str]]:
    """Rows of `input` tokens, and the sentences themselves.

    inputs: a sentence, a path of a text file (gzipped or not) with one a line, or a list of either; empty lines are passed over
    Raises: DataError for files that are not there or not UTF-8, and where nothing is left
    """
    items = list(inputs) if isinstance(inputs, Sequence) and not isinstance(inputs, str) else [inputs]
    source = schema.target.names[0] if schema.target.names else ""
    lines = [sentence for item in items for sentence in _sentences(item, source)]
    sentences = [sentence for sentence in lines if sentence]
    if not sentences:
        raise DataError("there is nothing to translate: give a sentence, or a file with one a line")
    if gone := len(lines) - len(sentences):
        first = next(number for number, sentence in enumerate(lines, start=1) if not sentence)
        warn([f"{gone:,} of {len(lines):,} lines are empty and are not translated, first line {first:,}"])
    vocabulary = read_vocabulary(schema.input.tokenizer)
    rows = source_rows(sentences, sentences, vocabulary, most=max(MOST_TOKENS, schema.input.shape[0]))
    return rows, sentences


def _sentences(item: Any, source: str) -> list[str]:
    """source: the language that a model translates from, which columns of tables and of TMX are called after"""
    if not isinstance(item, str | Path):
        raise DataError(
            f"the model takes sentences, and the input is of type {type(item).__name__}; give text or a file"
        )
    path = place_in(item)
    if path is not None and path.is_file():
        if path.name.lower().removesuffix(".gz").endswith(".tmx"):
            return _side(read_tmx(path), source)
        if table_suffix(path):
            return _side(read_noted(path), source)
        lines = lines_of(path)
        return [line.split("\t")[0].strip() for line in lines] if is_tabbed_pairs([li for li in lines if li]) else lines
    return [" ".join(str(item).split())]


def _side(table: Table, source: str) -> list[str]:
    """The sentences of a table to be translated. Raises: DataError where it has several columns and none of that name"""
    sides = sides_of(table, asked=True)
    if source in sides:
        return sides[source]
    if source in table.columns or len(table.columns) == 1:
        return text_cells(table, source if source in table.columns else next(iter(table.columns)))
    raise DataError(
        f"{table.name} has no column {source!r}, which the model translates from; it has {', '.join(map(repr, table.columns))}"
    )
