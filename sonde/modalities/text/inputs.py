"""Texts to predict on: given as they are, or in files of lines and tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sonde.core.dataset import Rows, Schema
from sonde.core.errors import DataError
from sonde.core.vocabulary import read_vocabulary
from sonde.modalities.fasta import read_records, sequence_suffix
from sonde.modalities.inputs import place_in
from sonde.modalities.table.noted import read_noted
from sonde.modalities.table.read import frame_table, is_frame, table_suffix
from sonde.modalities.text.files import read_text
from sonde.modalities.text.forms.tables import texts_in
from sonde.modalities.text.labelled_lines import writing_of
from sonde.modalities.text.rows import encoded, shortened, text_rows

LOOKED_AT = 1000  # lines, to see whether they have labels on them


def rows_to_predict(inputs: Any, schema: Schema) -> tuple[Rows, list[str]]:
    """Rows of tokens by a model's vocabulary, and what to call each: its beginning, or its place in a file.

    inputs: a text, a .txt file with one in each line (the label on it left out), FASTA, a table with the column the model was
            trained on, a folder of .txt files, a data frame, or a list of these
    Raises: DataError for a file that is not there or not UTF-8, a text that is empty, and what is no text
    """
    texts, names = _found(inputs, schema)
    if not texts:
        raise DataError("there is nothing to predict on: the list is empty")
    vocabulary = read_vocabulary(schema.input.tokenizer)
    most = schema.input.shape[0]
    lengths = [len(ids) for ids in vocabulary.encode_all(texts)]
    tokens, _ = encoded(texts, vocabulary, most=most)
    shown = [
        f"{name} (the first {most} of {length} tokens)" if length > most else name
        for name, length in zip(names, lengths, strict=True)
    ]
    return text_rows(tokens, texts, shown, {}), shown


def _found(item: Any, schema: Schema) -> tuple[list[str], list[str]]:
    """Texts and their names. Raises: DataError"""
    if isinstance(item, str | Path):
        if (path := place_in(item)) is not None:
            return _of_place(path, schema)
        text = str(item).strip()
        if not text:
            raise DataError("there is no text to predict on: it is empty")
        return [text], [shortened(text)]
    if is_frame(item):
        if isinstance(item, Mapping) and all(isinstance(value, str | int | float | None) for value in item.values()):
            item = {name: [value] for name, value in item.items()}  # one row
        return texts_in(frame_table(item, "table"), schema)
    if isinstance(item, Sequence) or hasattr(item, "tolist"):
        each = [_found(one, schema) for one in (item if isinstance(item, Sequence) else item.tolist())]
        return [text for texts, _ in each for text in texts], [name for _, names in each for name in names]
    raise DataError(
        f"an input of type {type(item).__name__} is not text; give text, files of text, a table, or a list of these"
    )


def _of_place(path: Path, schema: Schema) -> tuple[list[str], list[str]]:
    if path.is_dir():
        files = sorted(path.rglob("*.txt"))
        if not files and any(table_suffix(file) for file in path.rglob("*")):
            return texts_in(read_noted(path), schema)
        if not files:
            raise DataError(f"{path} holds no .txt files to predict on")
        texts = {str(file): read_text(file).strip() for file in files}
        if (empty := next((file for file, text in texts.items() if not text), None)) is not None:
            raise DataError(f"{empty} is empty; add text or remove it")
        return list(texts.values()), list(texts)
    if table_suffix(path):
        return texts_in(read_noted(path), schema)
    if sequence_suffix(path):
        records = read_records(path)
        return [record.letters for record in records], [f"{path.name} {record.name}" for record in records]
    if path.suffix.lower() == ".json":
        raise DataError(
            f"{path} holds JSON, and its texts are not known; write them into JSON lines: one object a line (.jsonl)"
        )
    lines = read_text(path).split("\n")
    if (writing := writing_of([line for line in lines[:LOOKED_AT] if line.strip()])) is not None:  # labels are no text
        lines = [writing.cut(line)[0] for line in lines]
    filled = [(number, line.strip()) for number, line in enumerate(lines, start=1) if line.strip()]
    if not filled:
        raise DataError(f"{path} holds no text; write one in each line")
    return [line for _, line in filled], [f"{path.name} line {number}" for number, _ in filled]
