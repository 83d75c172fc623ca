"""Tables whose input is one column of text, or of chains of letters (nucleotides, residues)."""

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.data_warning import warn
from sonde.core.dataset import Dataset, Fact, Schema, TargetSpec
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data.assemble import About
from sonde.data.listing import Listing
from sonde.data.ragged import Numbered
from sonde.data.splits import sizes_in_words
from sonde.data.targets import RawTarget
from sonde.modalities.modality import Wanted
from sonde.modalities.table.config import TableConfig
from sonde.modalities.table.forms.tables import (
    about_frames,
    about_tables,
    read_tables,
    row_numbers,
    split_files,
    without_target,
)
from sonde.modalities.table.read import Table, notes_of
from sonde.modalities.table.target import infer_target, read_target, target_columns
from sonde.modalities.text.biological import chain_kind, without_blanks
from sonde.modalities.text.columns import TextColumns, find_text, text_cells
from sonde.modalities.text.dataset import TextPart, assemble_texts, texts_like

NUMBERS = re.compile(r"\s*[+-]?\d+(\.\d+)?([eE][+-]?\d+)?(\s+[+-]?\d+(\.\d+)?([eE][+-]?\d+)?)+\s*")
FEWEST, LOOKED_AT = 8, 20  # numbers of a cell; rows


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a table, or a folder of them, is one of texts, None if it is not; whole tables are looked at for that, once."""
    if not split_files(listing):
        return None
    try:
        tables = read_tables(listing, wanted.config, like=wanted.like)
        if wanted.like is not None:
            return "the model reads texts" if wanted.like.input.kind == "tokens" else None
        found = find_text(tables["train"], wanted.config.of(TableConfig).target) if "train" in tables else None
    except DataError:
        return None  # what is wrong with the file is reported when it is read as a table
    return None if found is None else f"column {found.input!r} is text"


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """Tables by split as texts with targets. Tables other than train that lack the target are left out, with a warning.

    Raises: DataError naming the file (and row), what is wrong and what to do
    """
    tables, about = read_tables(listing, config, like=like, tick=tick), about_tables(listing, like=like)
    if like is not None:
        return _as_trained(tables, about, config, like)
    found = find_text(tables["train"], config.of(TableConfig).target)
    assert found is not None
    return tables_of_texts(tables, found, about, config, task=task, tick=tick)


def read_frames(tables: Mapping[str, Table], wanted: Wanted) -> Dataset | None:
    """Tables in memory by split, None where they hold no text to be read. Raises: DataError as `read`"""
    about = about_frames(tables)
    if wanted.like is not None:
        return _as_trained(tables, about, wanted.config, wanted.like) if wanted.like.input.kind == "tokens" else None
    if (found := find_text(tables["train"], wanted.config.of(TableConfig).target)) is None:
        return None
    return tables_of_texts(dict(tables), found, about, wanted.config, task=wanted.task)


def tables_of_texts(
    tables: dict[str, Table],
    found: TextColumns,
    about: About,
    config: DataConfig,
    *,
    task: str | None = None,
    tick: Tick = silent,
) -> Dataset:
    """Tables by split as texts with targets, the columns of which are known. Raises: DataError as `read`"""
    train = tables["train"]
    if not found.chain:
        refuse_numbers(train, found.input, found.targets[0])
    target = infer_target(train, target_columns(train, found.targets), task)
    warnings = without_target(tables, target)
    parts = {split: _part(table, found.input, target.columns, target.spec) for split, table in tables.items()}
    what = "sequences" if found.chain else "texts"
    facts = [Fact(f"{sizes_in_words(tables)} {what}", f"{about.form}: column {found.input!r}")]
    if train.headless and not config.of(TableConfig).columns:
        names = ", ".join(train.columns)
        facts.append(Fact(f"no header, so the columns are called {names}", "the first row looks like data"))
    if found.guessed:
        facts.append(Fact(f"column {found.targets[0]!r} is to be predicted", found.guessed))
    if found.aside:
        facts.append(Fact(f"left out {', '.join(found.aside)}", "only the text column is an input of the model"))
    prints = about.fingerprint or {
        split: hashlib.sha256("\0".join(part.texts).encode()).hexdigest() for split, part in parts.items()
    }
    about = replace(about, facts=[*facts, target.fact], warnings=[*about.warnings, *warnings], fingerprint=prints)
    return assemble_texts(parts, target.spec, about, config, chain=found.chain, column=found.input, tick=tick)


def refuse_numbers(table: Table, column: str, target: str) -> None:
    """Raises: DataError for a column of lists of numbers, such as the pixels of images, which are no words"""
    cells = [cell for cell in text_cells(table, column)[:LOOKED_AT] if cell]
    counts = {len(cell.split()) for cell in cells}
    if not cells or len(counts) > 1 or counts.pop() < FEWEST or not all(NUMBERS.fullmatch(cell) for cell in cells):
        return
    each = len(cells[0].split())
    side = math.isqrt(each)
    pixels = side * side == each and all(cell.replace(" ", "").isdigit() for cell in cells)
    shaped = f".reshape(-1, {side}, {side}).astype('uint8')" if pixels else ""
    stem = table.name.rpartition(".")[0]
    raise DataError(
        f"{table.name}: column {column!r} holds {each:,} numbers a row, which are not words; write them as an array: "
        f"python -c \"import numpy, pandas; t = pandas.read_csv('{table.name}'); x = "
        f"numpy.stack([numpy.array(c.split(), float) for c in t['{column}']]){shaped}; numpy.savez('{stem}.npz', x=x, "
        f"y=t['{target}'])\""
    )


def _as_trained(tables: Mapping[str, Table], about: About, config: DataConfig, like: Schema) -> Dataset:
    """Tables to evaluate a trained model of texts on. Raises: DataError as `read`, and for a class the model does not know"""
    columns = {split: text_column(table, like) for split, table in tables.items()}
    truths = {split: _truth(table, columns[split], config, like.target) for split, table in tables.items()}
    parts = {split: _part(table, columns[split], truths[split], like.target) for split, table in tables.items()}
    return texts_like(parts, replace(about, warnings=[*about.warnings, *notes_of(tables.values())]), like)


def tables_as_trained(
    tables: Mapping[str, Table], truths: Mapping[str, Sequence[str]], column: str, about: About, like: Schema
) -> Dataset:
    """Tables to evaluate a trained model on, whose column of text and columns of the truth are known. Raises: DataError"""
    parts = {split: _part(table, column, truths[split], like.target) for split, table in tables.items()}
    return texts_like(parts, replace(about, warnings=[*about.warnings, *notes_of(tables.values())]), like)


def text_column(table: Table, like: Schema) -> str:
    """The column that a trained model reads: of the name it was trained on, else the only one that is text.

    Raises: DataError when there is none, or several
    """
    if like.input.column in table.columns:
        return like.input.column
    found = find_text(table, ()) if len(table.columns) > 1 else None
    if found is not None:
        return found.input
    if len(table.columns) == 1:
        return next(iter(table.columns))
    raise DataError(
        f"{table.name} has no column {like.input.column or 'text'!r}, which the model reads; it has "
        f"{', '.join(map(repr, list(table.columns)[:12]))}"
    )


def _truth(table: Table, column: str, config: DataConfig, spec: TargetSpec) -> tuple[str, ...]:
    """The columns of the truth: those given, those a target is called after, else the only other column."""
    settings = config.of(TableConfig)
    if spec.kind == "labels" and len(settings.target) == 1 and settings.target[0] not in spec.names:
        return settings.target  # its cells join labels
    if spec.kind != "class":
        return spec.names
    if settings.target:
        return settings.target[:1]
    found = find_text(table, ())
    if found is None or found.input != column:
        raise DataError(f"{table.name}: which column holds the true class? Use --target COLUMN")
    return found.targets


def _part(table: Table, column: str, targets: Sequence[str], spec: TargetSpec) -> TextPart:
    """Texts and targets of a table as they stand, gaps and all. Raises: DataError"""
    if column not in table.columns:
        raise DataError(f"{table.name} has no column {column!r}, which holds the text elsewhere; fix the names")
    values = read_target(table, targets, spec)
    if spec.kind == "class":
        values = np.array([*spec.names, ""])[values]
    names = Numbered(table.name, row_numbers(table))
    raw = RawTarget(values=values, place=table.name, first=table.first_row)
    return TextPart(texts=_cells(table, column), names=names, target=raw)


def _cells(table: Table, column: str) -> list[str]:
    """The texts of a column, or its chains without blanks."""
    cells = text_cells(table, column)
    return without_blanks(cells) if chain_kind(cells[:LOOKED_AT]) else cells


def texts_in(table: Table, like: Schema) -> tuple[list[str], list[str]]:
    """The texts of a table for prediction, and what to call each; rows without one are left out, and counted in a warning.

    Raises: DataError where no row has a text
    """
    texts = _cells(table, text_column(table, like))
    names = [table.place(row) for row in range(len(texts))]
    empty = [name for text, name in zip(texts, names, strict=True) if not text]
    if len(empty) == len(texts):
        raise DataError(f"{table.name}: no row has a text to predict on; fill the column {text_column(table, like)!r}")
    if empty:
        warn([f"{len(empty):,} of {len(texts):,} rows have no text and are not predicted on, first {empty[0]}"])
    there = [(text, name) for text, name in zip(texts, names, strict=True) if text]
    return [text for text, _ in there], [name for _, name in there]
