"""Lines of text in .txt files, each with its label: fastText's, or a label before or behind a tab, a semicolon, a bar, a comma.

reviews.txt                          __label__pos a fine film
emotions/train.txt  val.txt  test.txt    i feel well;joy
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, Schema, TargetSpec
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data.assemble import About
from sonde.data.listing import Listing
from sonde.data.ragged import Numbered
from sonde.data.splits import SPLIT_NAMES, in_order, sizes_in_words
from sonde.data.targets import RawTarget, infer
from sonde.modalities.modality import Wanted
from sonde.modalities.text.dataset import TextPart, assemble_texts, texts_like
from sonde.modalities.text.files import lone_text, read_text
from sonde.modalities.text.labelled_lines import (
    NUMBER,
    Writing,
    blank_lines,
    head_lines,
    is_numbers,
    is_tagged_words,
    table_mark,
    writing_of,
)
from sonde.tasks.table import target_kind

ENDING = ".txt"
AS_TEXT = "to continue it as text all the same, add --task language-model"


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a .txt file, or a folder of such named for their splits, holds labelled lines; None if it does not.

    Raises: DataError for words with tags, rows of numbers and tables, which are no text to continue either
    """
    if wanted.task in ("language-model", "masked-language-model", "masked-diffusion", "translation"):
        return None
    if wanted.like is not None and wanted.like.target.kind not in ("class", "labels", "value"):
        return None
    file = _files(listing).get("train")
    if file is None:
        return None
    lines = listing.once(head_lines, file)
    if (writing := writing_of(lines)) is not None:
        return f"{file.name} has {writing.words}"
    _refuse_tagged(listing, file, lines)
    if listing.is_file or lone_text(listing):
        _refuse_numbers(file, lines)
        _refuse_table(file, lines)
    return None


def _refuse_tagged(listing: Listing, file: Path, lines: list[str]) -> None:
    if is_tagged_words(lines, listing.once(blank_lines, file)):
        raise DataError(
            f"{file} holds words with tags (CoNLL), and tagging words is not supported: write the sentences, each with "
            f"one label, into a CSV file; {AS_TEXT}"
        )


def _refuse_numbers(file: Path, lines: list[str]) -> None:
    if is_numbers(lines):
        if "\t" in lines[0] or "," in lines[0]:
            copy = f"cp {file.name} {file.stem}{'.tsv' if '	' in lines[0] else '.csv'}"
        else:
            copy = f"sed 's/^ *//; s/ *$//; s/  */,/g' {file.name} > {file.stem}.csv"
        raise DataError(f"{file} holds rows of numbers, which are a table: {copy}; {AS_TEXT}")


def _refuse_table(file: Path, lines: list[str]) -> None:
    if mark := table_mark(lines):
        ending, name = (".tsv", "tabs") if mark == "\t" else (".csv", repr(mark))
        raise DataError(
            f"{file} holds a table, whose cells are separated by {name}: cp {file.name} {file.stem}{ending}, and name "
            f"that; {AS_TEXT}"
        )


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """Each line is a text with its class, or with any number of labels where some line of fastText's has several.

    Raises: DataError for a file that is not UTF-8, a line without a label, and a class that a trained model does not know
    """
    files = _files(listing, alone="train" if like is None else "test")
    first = next(iter(files.values()))
    writing = writing_of(listing.once(head_lines, first))
    assert writing is not None
    cut = {split: _cut(file, writing) for split, file in files.items()}
    several = like.target.kind == "labels" if like is not None else _several(cut)
    names = _names(cut) if like is None else like.target.names
    kind = target_kind(task)
    values = kind == "value" if like is None else like.target.kind == "value"
    parts = {split: _part(files[split], rows, names if several else (), values=values) for split, rows in cut.items()}
    about = About.at(listing, form="labelled lines", why=first.name, files=list(files.values()))
    if like is not None:
        return texts_like(parts, about, like)
    if several:
        spec, fact = TargetSpec(kind="labels", names=names), Fact(f"{len(names)} labels", "lines have several")
    else:
        spec, fact = infer({split: part.target for split, part in parts.items()}, kind=kind, task=task)
    sizes = sizes_in_words({split: part.texts for split, part in parts.items()})
    size = Fact(f"{sizes} texts", f"{about.form}: {writing.words}; {AS_TEXT}")
    return assemble_texts(parts, spec, replace(about, facts=[size, fact]), config, tick=tick)


Rows = list[tuple[int, str, list[str]]]
"""Of each line its number, its text and its labels."""


def _files(listing: Listing, *, alone: str = "train") -> dict[str, Path]:
    """Split -> file; a folder's by their names, where all .txt files are named so but those that say something of the others."""
    if listing.is_file:
        return {alone: listing.path} if listing.ending(ENDING) else {}
    if (one := lone_text(listing)) is not None:
        return {alone: one}
    found: dict[str, Path] = {}
    for file in listing.ending(ENDING):
        words = [word for word in re.split(r"[^a-z]+", file.stem.lower()) if word in SPLIT_NAMES]
        if len(words) == 1:
            found.setdefault(SPLIT_NAMES[words[0]], file)
    return in_order(found)


def _cut(file: Path, writing: Writing) -> Rows:
    rows = [
        (number, *writing.cut(line)) for number, line in enumerate(read_text(file).split("\n"), start=1) if line.strip()
    ]
    bare = next((number for number, _, labels in rows if not labels), None)
    if bare is not None:
        raise DataError(
            f"{file.name} line {bare:,} has no label, and the others have {writing.words}; add it or remove the line"
        )
    return rows


def _several(cut: Mapping[str, Rows]) -> bool:
    return any(len(labels) > 1 for rows in cut.values() for _, _, labels in rows)


def _names(cut: Mapping[str, Rows]) -> tuple[str, ...]:
    return tuple(sorted({label for _, _, labels in cut.get("train", []) for label in labels}))


def _part(file: Path, rows: Rows, names: tuple[str, ...], *, values: bool) -> TextPart:
    """names: of the labels where lines may have several, else ();  values: whether labels are numbers to predict"""
    given = np.array([labels[0] for _, _, labels in rows])
    if names:
        given = np.array([[float(name in labels) for name in names] for _, _, labels in rows])
    elif values and all(map(NUMBER.fullmatch, given.tolist())):
        given = given.astype(np.float64)
    numbers = Numbered(file.name, np.array([number for number, _, _ in rows]), "line")
    return TextPart(texts=[text for _, text, _ in rows], names=numbers, target=RawTarget(values=given, place=file.name))
