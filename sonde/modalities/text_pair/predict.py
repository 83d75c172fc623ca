"""What `predict` takes with a model of pairs: two texts, or a table with both columns."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sonde.core.data_warning import warn
from sonde.core.dataset import Rows, Schema
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.core.units import counted
from sonde.core.vocabulary import read_vocabulary
from sonde.data.targets import first_few
from sonde.modalities.inputs import single
from sonde.modalities.table.noted import part_to_predict, read_noted
from sonde.modalities.table.read import Table, frame_table, is_frame, table_suffix
from sonde.modalities.text.columns import text_cells
from sonde.modalities.text.rows import shortened, text_rows
from sonde.modalities.text_pair.columns import columns_like
from sonde.modalities.text_pair.rows import encoded_pairs, joined

SHOWN = 5  # rows in a warning
LONGEST = 2**31  # tokens, which no pair has
KNOWN = "give two texts, a list of pairs of texts, or a table with both columns"

Pairs = tuple[list[str], list[str], list[str]]
"""First texts, second texts, and what to call each pair."""


def rows_to_predict(inputs: Any, schema: Schema, tick: Tick = silent) -> tuple[Rows, list[str]]:
    """Rows of tokens by a model's vocabulary, and what to call each: the beginnings of its texts, or its place in a file.

    inputs: two texts, a pair or a list of pairs of texts, a dict of both by column, a data frame, or the path of a table
    A row of a table that lacks a text keeps its place, and has no answer.

    Raises: DataError for anything else, a file that cannot be read, and an empty text
    """
    names = [column.name for column in schema.input.columns]
    inputs = single(inputs)
    first, second, called = _pairs(inputs, names)
    empty = [row for row, both in enumerate(zip(first, second, strict=True)) if not all(both)]
    if empty and (len(empty) == len(called) or not _is_table(inputs)):
        raise DataError(f"the pair {called[empty[0]]!r} lacks a text; {KNOWN}")
    if empty:
        rows = counted(len(empty), "pair lacks", "pairs lack")
        warn([f"{rows} a text, and the answer stays empty: {first_few([called[row] for row in empty], SHOWN)}"])
    most = schema.input.shape[0]
    vocabulary = read_vocabulary(schema.input.tokenizer)
    tokens, cut = encoded_pairs(first, second, vocabulary, most=most)
    if cut:
        whole, _ = encoded_pairs(first, second, vocabulary, most=LONGEST)
        called = [
            f"{name} (truncated to {most} of {length} tokens)" if length > most else name
            for name, length in zip(called, whole.lengths().tolist(), strict=True)
        ]
    rows = text_rows(tokens, [joined(*both) for both in zip(first, second, strict=True)], called, {})
    return replace(rows, unanswered=frozenset(empty)), called


def _is_table(inputs: Any) -> bool:
    """Whether rows have their places in a table, whose other rows are meant where one cannot be read."""
    return isinstance(inputs, str | Path) or (is_frame(inputs) and not isinstance(inputs, Mapping))


def _pairs(inputs: Any, names: Sequence[str]) -> Pairs:
    if isinstance(inputs, str | Path):
        path = part_to_predict(Path(inputs).expanduser())
        if not table_suffix(path):
            raise DataError(f"{shortened(str(inputs))!r} is one text, and the model reads two; {KNOWN}")
        return _of_table(read_noted(path), names)
    if isinstance(inputs, Mapping) and all(isinstance(value, str) for value in inputs.values()):
        inputs = {name: [value] for name, value in inputs.items()}
    if is_frame(inputs):
        return _of_table(frame_table(inputs, "the input"), names)
    items = [inputs] if _is_pair(inputs) else inputs
    if not isinstance(items, Sequence) or not items or not all(map(_is_pair, items)):
        raise DataError(f"the model reads pairs of texts, and the input is something else; {KNOWN}")
    first, second = ([str(item[side]).strip() for item in items] for side in (0, 1))
    return first, second, [f"{shortened(a, 30)} | {shortened(b, 30)}" for a, b in zip(first, second, strict=True)]


def _of_table(table: Table, names: Sequence[str]) -> Pairs:
    first, second = (text_cells(table, name) for name in columns_like(table, names))
    return first, second, [table.place(row) for row in range(len(table))]


def _is_pair(item: Any) -> bool:
    return isinstance(item, tuple | list) and len(item) == 2 and all(isinstance(part, str) for part in item)
