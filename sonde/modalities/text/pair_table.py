"""Sentences in two languages in one file: which columns of a table are which side, TMX, and lines with tabs (Tatoeba)."""

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from sonde.core.errors import DataError
from sonde.data.unzipped import content_of
from sonde.modalities.table.read import Table
from sonde.modalities.text.columns import is_text_column, looked_at, mean_words
from sonde.modalities.text.files import read_text
from sonde.modalities.text.forms.parallel import LANGUAGES
from sonde.modalities.text.labelled_lines import FEWEST, writing_of
from sonde.modalities.text.parallel import Pairs

NESTED = "translation"  # the column of Hugging Face's sets: {"en": …, "de": …}
SIDES = (("source", "target"), ("src", "tgt"), ("src", "trg"), ("prompt", "completion"), ("input", "output"))
FEW_WORDS = 2  # mean words of sentences, from which on two columns may be translations
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


def sides_of(table: Table, *, asked: bool) -> dict[str, list[str]]:
    """Language, or name of a side, -> its sentences, in the order of the columns; {} for a table of something else.

    asked: whether translation is wanted, so that any two columns of text are the sides
    """
    if NESTED in table.columns and (nested := _nested(table)):
        return nested
    texts = [name for name in table.columns if is_text_column(table, name)]
    coded = [name for name in texts if name.strip().lower().split("-")[0].split("_")[0] in LANGUAGES]
    coded = [
        name for name in coded if not all(map(str.isdecimal, looked_at(table, name)))
    ]  # `id` is a language, and not that
    prose = [name for name in coded if mean_words(looked_at(table, name)) >= FEW_WORDS]
    if len(prose) > 1 and len(prose) == len(coded):
        return _cells(table, coded)
    if not asked:
        return {}
    lower = {name.strip().lower(): name for name in texts}
    named = next((couple for couple in SIDES if all(side in lower for side in couple)), None)
    if named is not None:
        return _cells(table, [lower[side] for side in named])
    return _cells(table, texts) if len(texts) == 2 else {}


def _nested(table: Table) -> dict[str, list[str]]:
    rows: list[Any] = table.columns[NESTED].to_pylist()
    if not all(isinstance(row, Mapping) for row in rows):
        return {}
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {name: [_plain(row.get(name)) for row in rows] for name in names} if len(names) > 1 else {}


def _cells(table: Table, names: Sequence[str]) -> dict[str, list[str]]:
    return {name: [_plain(cell) for cell in table.columns[name].to_pylist()] for name in names}


def _plain(cell: Any) -> str:
    return " ".join(str(cell).split()) if cell is not None else ""


def pairs_in(table: Table, sides: Mapping[str, Sequence[str]], languages: tuple[str, str]) -> tuple[Pairs, str]:
    """The rows with text on both sides, and a warning that counts the others. Raises: DataError where there are none"""
    source, target = (sides[side] for side in languages)
    filled = np.array([row for row, both in enumerate(zip(source, target, strict=True)) if all(both)], dtype=np.int64)
    if not len(filled):
        raise DataError(f"{table.name} has no row with text in {' and '.join(languages)}; fill them")
    numbers = np.arange(table.first_row, table.first_row + len(table))
    pairs = Pairs(sources=source, targets=target, numbers=numbers, place=table.name).chosen(filled)
    gone = len(table) - len(filled)
    if not gone:
        return pairs, ""
    first = next(row for row, both in enumerate(zip(source, target, strict=True)) if not all(both))
    return pairs, f"{gone:,} rows of {table.name} are empty on one side and are dropped, first row {numbers[first]:,}"


def read_tmx(path: Path) -> Table:
    """The segments of a translation memory (TMX 1.4), a column a language. Raises: DataError for what is no such file"""
    try:
        content = content_of(path)
        if b"<!ENTITY" in content:
            raise DataError(f"{path} defines entities, which are not expanded; write it without")
        root = ET.fromstring(content)
    except (ET.ParseError, ValueError, RecursionError) as error:
        raise DataError(f"{path} cannot be read as TMX ({error}); export it again") from None
    rows = []
    for unit in root.iter("tu"):
        segments = {}
        for variant in unit.iter("tuv"):
            language = (variant.get(LANGUAGE) or variant.get("lang") or "").lower().split("-")[0]
            segment = variant.find("seg")
            if language and segment is not None:
                segments[language] = "".join(segment.itertext())
        rows.append(segments)
    names = list(dict.fromkeys(name for row in rows for name in row))
    if len(names) < 2:
        raise DataError(f"{path} holds no segments in two languages; a TMX file has tu > tuv > seg")
    columns = {name: pa.chunked_array([pa.array([row.get(name) for row in rows], pa.string())]) for name in names}
    return Table(name=path.name, columns=columns, first_row=1)


def is_tabbed_pairs(lines: Sequence[str]) -> bool:
    """Whether lines are a sentence, a tab and its translation, perhaps with more behind (Tatoeba's attribution)."""
    cells = [line.split("\t") for line in lines]
    if len(lines) < FEWEST or min(map(len, cells)) < 2 or writing_of(lines) is not None:
        return False
    sides = [[row[side] for row in cells] for side in (0, 1)]
    return all(mean_words(side) >= FEW_WORDS for side in sides) and len(set(sides[1])) > 0.5 * len(lines)


def read_tabbed(path: Path) -> Table:
    """Lines with tabs as a table: columns source and target. Raises: DataError for a line without a tab"""
    rows = [(n, line.split("\t")) for n, line in enumerate(read_text(path).split("\n"), start=1) if line.strip()]
    short = next((n for n, cells in rows if len(cells) < 2), None)
    if short is not None:
        raise DataError(f"{path} line {short:,} has no tab between a sentence and its translation; fix or remove it")
    columns = {
        name: pa.chunked_array([pa.array([cells[place] for _, cells in rows], pa.string())])
        for place, name in enumerate(("source", "target"))
    }
    return Table(name=path.name, columns=columns, first_row=1)
