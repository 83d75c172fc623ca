"""Images named in a table with their labels: Kaggle's train.csv, metadata.csv of Hugging Face, _classes.csv, HAM10000, GTSRB.

train.csv   train_images/…   test_images/…          a table a split, by its name; or a column that tells the split
train/metadata.csv   train/a.jpg                    a table in each split's folder
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, Schema
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data.assemble import About
from sonde.data.listing import Listing
from sonde.data.splits import SPLIT_NAMES, in_order
from sonde.data.targets import RawTarget, first_few
from sonde.modalities.catalogue import check_kind
from sonde.modalities.image.annotations.annotated import split_of
from sonde.modalities.image.naming_tables import (
    Named,
    NamingTable,
    box_columns,
    cells_of,
    holds_regions,
    naming_tables,
    split_column,
)
from sonde.modalities.image.rows import Files, assemble_images
from sonde.modalities.image.table_labels import Labels, label_columns, labels_of_table, same_subject
from sonde.modalities.modality import Wanted
from sonde.modalities.table.config import TableConfig
from sonde.modalities.table.held_back import group_codes
from sonde.modalities.table.read import Table, read_table
from sonde.tasks.table import refuse_columns

LISTED = 4
YES = {"true": "validation", "1": "validation", "false": "train", "0": "train"}  # of a column is_valid


@dataclass
class Split:
    """Images of one split, their labels, and of which rows of which table they are."""

    images: list[str] = field(default_factory=list)
    values: list[np.ndarray] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a table, or a folder with one, names images by their files; None if it does not, or marks objects by boxes."""
    found = naming_tables(listing)
    if found is None or not found.by_split:
        return None
    train = found.by_split["train"]
    if (
        (box_columns(train.head) or holds_regions(train.head))
        and wanted.task != "classification"
        and not _classes(wanted)
    ):
        return None
    return f"column {train.column!r} of {train.path.name} names images"


def _classes(wanted: Wanted) -> bool:
    return wanted.like is not None and wanted.like.target.kind != "boxes"


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """Images decoded as they are read, each with what its row says.

    Raises: DataError for a table that does not say what to predict, and a row whose image is not there
    """
    check_kind("image", str(listing.path), like)
    found = naming_tables(listing)
    assert found is not None
    tick("reading tables", 0, 0)
    tables = {split: read_table(table.path) for split, table in in_order(found.by_split).items()}
    train = found.by_split["train"]
    if not config.of(TableConfig).target:
        refuse_columns(task, "image", train.path.name)
    columns = label_columns(tables["train"], train.column, config.of(TableConfig).target)
    labels = labels_of_table(tables["train"], columns, task, like)
    warnings = [*labels.warnings]
    splits = _splits(found, tables, labels, config, warnings)
    if "train" not in splits:
        raise DataError(
            f"{train.path} names no training image that is there; check the paths in column {train.column!r}"
        )
    _say_what_is_left(found, splits, warnings)
    root = found.root.path
    files = [root / name for split in splits.values() for name in split.images]
    about = About.at(
        listing,
        form="images named in a table",
        why=f"columns {train.column!r} and {', '.join(map(repr, columns[:LISTED]))}{' …' * (len(columns) > LISTED)}"
        f" of {', '.join(found.by_split[split].path.name for split in tables)}",
        files=[*(found.by_split[split].path for split in tables), *files],
        root=root,
        facts=[*labels.facts, *_left_out(tables["train"], train.column, columns, config)],
        outputs=labels.outputs,
        warnings=warnings,
    )
    encoded = {split: Files(root, tuple(part.images)) for split, part in splits.items()}
    targets = {
        split: RawTarget(values=np.array(part.values), place=found.by_split.get(split, train).path.name)
        for split, part in splits.items()
    }
    groups = _groups(tables["train"], splits["train"], columns, config, like, warnings)
    return assemble_images(
        encoded,
        targets,
        replace(about, warnings=warnings, groups=groups),
        config,
        every_header=True,
        task=task,
        tick=tick,
        like=like,
    )


def _splits(
    found: Named, tables: Mapping[str, Table], labels: Labels, config: DataConfig, warnings: list[str]
) -> dict[str, Split]:
    """The images of each split. Tables without labels are set aside, with a warning."""
    reading = Reading(found=found, labels=labels, skip=config.skip_unreadable, warnings=warnings)
    for split, table in tables.items():
        naming = found.by_split[split]
        if split != "train" and not set(labels.used) <= set(table.columns):
            warnings.append(
                f"{naming.path.name} has no {first_few(labels.used, 1)!r}: its {len(table):,} images cannot be "
                "evaluated on and are set aside; predict on them after training"
            )
            continue
        reading.add(split, naming, table)
    return reading.splits


@dataclass(kw_only=True)
class Reading:
    """Rows as they are read. seen: image -> (where it was named first, bytes of its label)"""

    found: Named
    labels: Labels
    skip: bool
    warnings: list[str]
    splits: dict[str, Split] = field(default_factory=dict)
    seen: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    def add(self, split: str, naming: NamingTable, table: Table) -> None:
        """Add a table's rows to the splits that they are of. Raises: DataError for an image that is not there, or named twice."""
        values, missing = self.labels.read(table)
        own = self._splits_of(split, naming, table)
        gone, again = [], 0
        for row, cell in enumerate(cells_of(table, naming.column)):
            if missing[row]:
                continue
            name = _one(self.found, naming, cell, own[row], table.place(row), self.skip)
            if name is None:
                gone.append(f"{table.place(row)} ({cell})")
            elif self._is_new(name, table.place(row), values[row].tobytes()):
                part = self.splits.setdefault(own[row], Split())
                part.images.append(name)
                part.values.append(values[row])
                part.rows.append(row)
            else:
                again += 1
        file, bare = naming.path.name, int(missing.sum())
        self.warnings += [f"{bare:,} rows of {file} have no label and are not used"] if bare else []
        self.warnings += [f"{again:,} rows of {file} repeat an earlier one and are not used"] if again else []
        self.warnings += [f"{len(gone):,} images of {file} do not exist: {first_few(gone, LISTED)}"] if gone else []

    def _splits_of(self, split: str, naming: NamingTable, table: Table) -> Sequence[str]:
        """The split of each row: the table's, or where it is the only one and has a column for it, as that says."""
        telling = split_column(table.columns) if len(self.found.by_split) == 1 else None
        if telling is None or telling == naming.column or telling in self.labels.used:
            return [split] * len(table)
        return [_told(cell) for cell in cells_of(table, telling)]

    def _is_new(self, name: str, place: str, label: bytes) -> bool:
        """Whether an image was not named before. Raises: DataError where it was, with another label"""
        first, before = self.seen.setdefault(name, (place, label))
        if first == place:
            return True
        if before != label:
            raise DataError(
                f"{first} and {place} both name {name}, with different labels; write one row an image, several labels of one "
                "joined by |"
            )
        return False


def _told(cell: str) -> str:
    """The split that a cell tells; what tells none is train."""
    return YES.get(cell.lower()) or SPLIT_NAMES.get(cell.lower()) or split_of(cell) or "train"


def _one(found: Named, naming: NamingTable, cell: str, split: str, place: str, skip: bool) -> str | None:
    """The image that a cell names; None for one that is not there, with `skip`. Raises: DataError"""
    known = found.nearest(cell, naming, split)
    if len(known) == 1:
        return known[0]
    if known:
        raise DataError(f"{place}: {cell!r} names {len(known)} images, {first_few(known, LISTED)}; write its path")
    if skip:
        return None
    raise DataError(
        f"{place}: {cell!r} names no image below {found.root.path}; add it or remove the row; training skips such rows with "
        "--skip-unreadable"
    )


def _left_out(table: Table, image: str, used: Sequence[str], config: DataConfig) -> list[Fact]:
    """Columns beside image and label, of which nothing is learned."""
    read = {image, split_column(table.columns), config.of(TableConfig).group, *used}
    others = [name for name in table.columns if name and name not in read]
    return [Fact(f"left out {first_few(others, 2 * LISTED)}", "only the image itself is an input")] if others else []


def _say_what_is_left(found: Named, splits: Mapping[str, Split], warnings: list[str]) -> None:
    used = {name for split in splits.values() for name in split.images}
    left = [name for name in found.index.names if name not in used]
    if left:
        named = first_few(sorted({f"{Path(name).parent.as_posix()}/" for name in left}), LISTED)
        warnings.append(f"{len(left):,} images of {named} have no label in a table and are not used")
    read = {table.path for table in found.by_split.values()}
    others = [table.path.name for table in found.tables if table.path not in read]
    if others:
        warnings.append(f"{', '.join(others)} names images too and is not read; give it as DATA to train on it")


def _groups(
    table: Table, train: Split, columns: Sequence[str], config: DataConfig, like: Schema | None, warnings: list[str]
) -> np.ndarray | None:
    """(n,) which group each training row is in, by --group; without it a warning of a column that looks like one."""
    column = config.of(TableConfig).group
    if column is not None:
        return group_codes(table, column, np.array(train.rows, np.int64))
    likely = None if like is not None else same_subject(table, columns)
    if likely is not None:
        warnings.append(
            f"several images share a {likely!r}, and may be in train and test at once; --group {likely!r} keeps them together"
        )
    return None
