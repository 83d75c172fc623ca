"""Tables with two columns of text that are read together."""

from collections.abc import Mapping
from dataclasses import replace

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Schema
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data.listing import Listing
from sonde.modalities.modality import Wanted
from sonde.modalities.table.config import TableConfig
from sonde.modalities.table.forms.tables import about_frames, about_tables, read_tables, split_files
from sonde.modalities.table.read import Table, notes_of
from sonde.modalities.text_pair.columns import PairColumns, find_pair
from sonde.modalities.text_pair.config import TextPairConfig
from sonde.modalities.text_pair.dataset import evaluate_on, train_on


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a table, or a folder of them, holds pairs of texts, None if it does not; whole tables are looked at for that, once."""
    if not split_files(listing):
        return None
    if wanted.like is not None:
        return "the model reads pairs of texts" if wanted.like.input.kind == "text-pair" else None
    try:
        tables = read_tables(listing, wanted.config)
    except DataError:
        return None  # what is wrong with the file is reported when it is read as a table
    found = _found(tables["train"], wanted.config) if "train" in tables else None
    return None if found is None else f"columns {found.first!r} and {found.second!r} are pairs of texts: {found.why}"


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """Tables by split as pairs of texts with targets. Raises: DataError naming the file (and row), and what to do"""
    tables, about = read_tables(listing, config, like=like, tick=tick), about_tables(listing, like=like)
    if like is not None:
        about = replace(about, warnings=[*about.warnings, *notes_of(tables.values())])
        return evaluate_on(tables, about, config, like)
    found = _found(tables["train"], config)
    assert found is not None
    return train_on(tables, found, about, config, task=task, tick=tick)


def read_frames(tables: Mapping[str, Table], wanted: Wanted) -> Dataset | None:
    """Tables in memory by split, None where they hold no pairs of texts. Raises: DataError as `read`"""
    about = about_frames(tables)
    if wanted.like is not None:
        return (
            evaluate_on(dict(tables), about, wanted.config, wanted.like)
            if wanted.like.input.kind == "text-pair"
            else None
        )
    found = _found(tables["train"], wanted.config)
    if found is None:
        return None
    return train_on(dict(tables), found, about, wanted.config, task=wanted.task, tick=silent)


def _found(table: Table, config: DataConfig) -> PairColumns | None:
    return find_pair(table, config.of(TextPairConfig).pair, config.of(TableConfig).target)
