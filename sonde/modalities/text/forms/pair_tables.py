"""Sentences in two languages in one file: tables with a column a language, Hugging Face's JSON lines, TMX, Tatoeba's lines."""

from pathlib import Path

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, Schema
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data.assemble import About
from sonde.data.listing import Listing
from sonde.data.splits import SPLIT_NAMES, in_order
from sonde.modalities.catalogue import check_target
from sonde.modalities.modality import Wanted
from sonde.modalities.table.config import TableConfig
from sonde.modalities.table.forms.tables import read_tables, short_name, split_files
from sonde.modalities.table.read import Table, notes_of
from sonde.modalities.text.config import TextConfig
from sonde.modalities.text.files import text_files
from sonde.modalities.text.forms.parallel import FIRST, LANGUAGES
from sonde.modalities.text.labelled_lines import head_lines
from sonde.modalities.text.pair_table import is_tabbed_pairs, pairs_in, read_tabbed, read_tmx, sides_of
from sonde.modalities.text.parallel import assemble_pairs, pairs_like

TASK = "translation"


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a file holds sentences and their translations; None if it does not. Where a target is named, it is another table."""
    if wanted.task not in (None, TASK) or (wanted.like is not None and wanted.like.target.kind != "tokens"):
        return None
    if wanted.config.of(TableConfig).target and wanted.task is None:
        return None
    try:
        tables = _tables(listing, wanted.config, wanted.like)
        first = next(iter(tables.values()), None)
    except DataError:
        if listing.ending(".tmx"):
            raise
        return None  # what is wrong with the file is reported when it is read as a table
    if first is None:
        return None
    asked = wanted.task == TASK or wanted.like is not None or bool(listing.ending(".txt"))
    sides = sides_of(first, asked=asked)
    return f"{first.name} has sentences in {', '.join(sides)}" if sides else None


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """Tokens of both sides. Raises: DataError for columns that are absent, and languages that leave the direction open"""
    path = listing.path
    check_target("tokens", f"{path} holds sentences in two languages", like)
    tables = _tables(listing, config, like)
    sides = {split: sides_of(table, asked=True) for split, table in tables.items()}
    languages, why = _direction(path, list(next(iter(sides.values()))), config, like)
    parts, warnings = {}, notes_of(tables.values())
    for split, table in tables.items():
        if lacking := [name for name in languages if name not in sides[split]]:
            raise DataError(f"{table.name} has no column {lacking[0]!r}; it has {', '.join(map(repr, table.columns))}")
        parts[split], empty = pairs_in(table, sides[split], languages)
        warnings += [empty] if empty else []
    sizes = " + ".join(f"{len(pairs):,} {split}" for split, pairs in in_order(parts).items())
    files = [listing.path] if listing.is_file else list((split_files(listing) or _texts(listing, "train")).values())
    about = About.at(
        listing,
        form="pairs of sentences",
        why=why,
        files=files,
        name=short_name(path.resolve()),
        facts=[
            Fact(f"{sizes} pairs of sentences", f"columns of {files[0].name}"),
            Fact("from {} to {}".format(*languages), why),
        ],
        warnings=warnings,
    )
    if like is not None:
        return pairs_like(about, parts, like)
    return assemble_pairs(about, parts, languages, config, tick=tick)


def _tables(listing: Listing, config: DataConfig, like: Schema | None) -> dict[str, Table]:
    alone = "train" if like is None else "test"
    if listing.is_file and listing.path.name.lower().removesuffix(".gz").endswith(".tmx"):
        return {alone: listing.once(read_tmx, listing.path)}
    if split_files(listing):
        return read_tables(listing, config, like=like)
    texts = _texts(listing, alone)
    tabbed = texts and all(is_tabbed_pairs(listing.once(head_lines, file)) for file in texts.values())
    return {split: listing.once(read_tabbed, file) for split, file in texts.items()} if tabbed else {}


def _texts(listing: Listing, alone: str) -> dict[str, Path]:
    """Split -> file of lines: the .txt file that is given, the only one of a folder, or all of it, named for their splits."""
    files = listing.ending(".txt") if listing.is_file else text_files(listing)
    if len(files) == 1:
        return {alone: files[0]}
    named = {SPLIT_NAMES[file.stem.lower()]: file for file in files if file.stem.lower() in SPLIT_NAMES}
    return in_order(named) if len(named) == len(files) and "train" in named else {}


def _direction(path: Path, every: list[str], config: DataConfig, like: Schema | None) -> tuple[tuple[str, str], str]:
    """((from, to), why). Raises: DataError for languages that are not there, and for more than two where none is named"""
    if like is not None:
        given = like.target.names[0], like.target.names[1]
        return (
            (given, "as in training") if set(given) <= set(every) else ((every[0], every[1]), "the first two columns")
        )
    settings, target = config.of(TextConfig), config.of(TableConfig).target
    source, other = settings.source_language, settings.target_language or (target[0] if target else "")
    for flag, side in {"--source-language": source, "--target-language": other}.items():
        if side and side not in every:
            raise DataError(f"{path} has no sentences in {flag} {side}; there are {', '.join(every)}")
    if source and source == other:
        raise DataError(f"--source-language and --target-language are both {source}; give two languages")
    rest = [side for side in every if side not in (source, other)]
    if len(rest) + bool(source) + bool(other) > 2 and not (source and other):
        raise DataError(f"{path} has sentences in {', '.join(every)}; give --source-language and --target-language")
    if source or other:
        return (source or rest[0], other or rest[0]), "typed"
    first = next((side for side in FIRST if side in every), every[0])
    second = next(side for side in every if side != first)
    known = first.lower() in LANGUAGES and first in FIRST
    why = "English first" if known and first == "en" else "in the order of the columns"
    return (first, second), f"{why}; --source-language {second} reverses the direction"
