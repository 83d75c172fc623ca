"""What is in some data, and what is wrong with it: facts, tables for a person, and findings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, Rows
from sonde.core.findings import Finding
from sonde.core.progress import Tick, silent
from sonde.core.units import count, number
from sonde.data.copies import Kind, Survey, copy_findings
from sonde.data.duplicates import digests, pairs_by_chance, same_groups
from sonde.data.feed.layout import lengths_of, pieces_of
from sonde.data.listing import Listing as Place
from sonde.data.sequence_lengths import length_tables, row_digests
from sonde.data.splits import SubsetRows, targets_of
from sonde.modalities.arrays.forms.memory import by_split
from sonde.modalities.image import near_duplicates as recoded
from sonde.modalities.image.box_targets import object_counts
from sonde.modalities.open import open_data, place_of
from sonde.modalities.table.column_summary import ColumnSummary, cell_codes, summarise
from sonde.modalities.table.config import TableConfig
from sonde.modalities.table.forms.tables import read_tables
from sonde.modalities.table.leaks import leaking_columns
from sonde.modalities.table.read import Table, frame_table
from sonde.modalities.table.rows import TableRows

READ_AT_ONCE = 1024  # rows
FEW_OF_A_CLASS = 10  # training rows: below it a tenth held back holds none
MEETING_BY_CHANCE = 0.5  # expected pairs of equal rows from which on equal rows say nothing


@dataclass(frozen=True)
class Listing:
    """A table for a person."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """All that `sonde inspect` says."""

    name: str
    form: str
    facts: tuple[Fact, ...]
    tables: tuple[Listing, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _Content:
    """What one pass over the rows left: per row its digest, and small pictures of images."""

    survey: Survey
    keys: list[bytes]
    pictures: np.ndarray | None


def inspect(data: Any, config: DataConfig, *, tick: Tick = silent) -> Inspection:
    """Open `data` as training would, read every row once, and say what is there and what is wrong.

    Unreadable images are a finding here, whatever `config.skip_unreadable` says.

    Raises: DataError where the data cannot be opened at all
    """
    dataset = open_data(data, replace(config, skip_unreadable=True), tick=tick)
    files = _tables(data, dataset, config) if dataset.schema.input.kind == "table" else []
    summaries = {table.name: summarise(table) for table in files}
    content = _read(dataset, tick)
    findings = [*_warnings(dataset), *_classes(dataset, content.survey), *_silent_columns(summaries, config)]
    if files:
        findings += _table_copies(dataset, content.survey, files) + _leaks(dataset)
    else:
        findings += _copies(dataset, content, tick)
    listings = [_class_listing(dataset, content.survey), *_object_listing(dataset)]
    listings += [*_column_listings(summaries), *_size_listing(data, dataset)]
    listings += [Listing(*told) for told in length_tables(dataset)]
    return Inspection(
        name=dataset.name,
        form=dataset.form,
        facts=tuple(dataset.facts),
        tables=tuple(listing for listing in listings if listing.rows),
        findings=tuple(findings),
    )


def _read(dataset: Dataset, tick: Tick) -> _Content:
    images = dataset.schema.input.kind == "image"
    total = sum(len(rows) for rows in dataset.splits.values())
    keys: list[bytes] = []
    pictures: list[np.ndarray] = []
    for rows in dataset.splits.values():
        if (of_sequences := row_digests(rows)) is not None:
            keys += of_sequences
            continue
        for start in range(0, len(rows), READ_AT_ONCE):
            input = rows.read(np.arange(start, min(start + READ_AT_ONCE, len(rows))))["input"]
            keys += digests(input)
            if images:
                pictures.append(recoded.small(input))
            tick("reading rows", len(keys), total)
    return _Content(_survey(dataset), keys, np.concatenate(pictures) if pictures else None)


def _survey(dataset: Dataset) -> Survey:
    spec = dataset.schema.target
    labels = None
    if spec.kind == "class":
        labels = np.concatenate([targets_of(rows) for rows in dataset.splits.values()]).astype(np.int64)
    return Survey(
        splits=tuple(dataset.splits.items()), labels=labels, class_names=spec.names if spec.kind == "class" else ()
    )


def _warnings(dataset: Dataset) -> list[Finding]:
    """What opening the data counted without stopping."""
    return [
        Finding(
            check="unreadable files" if "unreadable" in warning else "data",
            severity="warning",
            evidence=warning,
            action="mend or remove them; training stops at them, or leaves them out with --skip-unreadable"
            if "unreadable" in warning
            else "look whether that is meant",
        )
        for warning in dataset.warnings
    ]


def _classes(dataset: Dataset, survey: Survey) -> list[Finding]:
    """Classes with next to nothing to learn from."""
    names, what = survey.class_names, "rows"
    if dataset.schema.target.kind == "boxes":
        names, what = dataset.schema.target.names, "objects"
        counts = object_counts(targets_of(dataset.splits["train"]), len(names))
    elif survey.labels is not None:
        counts = np.bincount(survey.labels[survey.split_of == "train"], minlength=len(names))
    else:
        return []
    tiny = [f"{names[place]!r} ({counts[place]})" for place in np.flatnonzero(counts < FEW_OF_A_CLASS)]
    if not tiny:
        return []
    more = f" and {len(tiny) - 6} more" if len(tiny) > 6 else ""
    return [
        Finding(
            check="tiny classes",
            severity="warning",
            evidence=f"fewer than {FEW_OF_A_CLASS} training {what}: {', '.join(tiny[:6])}{more}",
            action="bring more of them, join them with another class, or leave them out",
        )
    ]


def _silent_columns(summaries: dict[str, list[ColumnSummary]], config: DataConfig) -> list[Finding]:
    """Columns that are the same, or missing, in every row."""
    findings = []
    for table, columns in summaries.items():
        inputs = [column for column in columns if column.name not in config.of(TableConfig).target]
        for check, chosen in (
            ("empty columns", [c.name for c in inputs if c.holds == "nothing"]),
            ("constant columns", [c.name for c in inputs if c.constant]),
        ):
            if chosen:
                what = "every cell is missing" if check == "empty columns" else "one value in every row"
                findings.append(
                    Finding(
                        check=check,
                        severity="note",
                        evidence=f"{table}: {', '.join(map(repr, chosen))}: {what}",
                        action="they are left out of training; look whether the export lost something",
                    )
                )
    return findings


def _copies(dataset: Dataset, content: _Content, tick: Tick) -> list[Finding]:
    """Equal inputs, and for images those that were saved anew."""
    images = dataset.schema.input.kind == "image"
    noun = "images" if images else "rows"
    groups = same_groups(content.keys)
    sequences = any(lengths_of(rows) is not None for rows in dataset.splits.values())  # which do not meet by chance
    if groups and not images and not sequences and _meet_by_chance(dataset):
        return []
    findings = copy_findings(groups, Kind("exact", noun), content.survey)
    if content.pictures is None:
        return findings
    tick("looking for copies that were saved anew", 0, 0)
    first = np.array(sorted({key: place for place, key in reversed(list(enumerate(content.keys)))}.values()))

    for _, rows in content.survey.splits:
        if pieces := pieces_of(rows):
            pieces.keep()  # pairs stand anywhere

    def read(places: np.ndarray) -> np.ndarray:
        return np.concatenate([content.survey.read(int(first[place])) for place in places])

    again = [first[copies.places] for copies in recoded.find(content.pictures[first], read)]
    return findings + copy_findings(again, Kind("re-encoded", noun), content.survey)


def _meet_by_chance(dataset: Dataset) -> bool:
    """Whether rows of numbers are coarse enough to be equal without having been copied."""
    arrays = [rows.read(np.arange(len(rows)))["input"] for rows in dataset.splits.values()]
    flat = np.concatenate([array.reshape(len(array), -1) for array in arrays])
    return pairs_by_chance(list(flat.T)) >= MEETING_BY_CHANCE


def _table_copies(dataset: Dataset, survey: Survey, files: Sequence[Table]) -> list[Finding]:
    """Rows of the tables that are equal in every cell, the target's too, row numbers aside."""
    codes = list(cell_codes(list(files)).values())
    if not codes or pairs_by_chance(codes) >= MEETING_BY_CHANCE:
        return []
    starts = dict(zip((t.name for t in files), np.cumsum([0, *map(len, files)]).tolist(), strict=False))
    first_rows = {table.name: table.first_row for table in files}
    places = []
    for rows in dataset.splits.values():
        table, numbers = _row_numbers(rows)
        places.append(starts[table] + numbers - first_rows[table])
    matrix = np.stack(codes, axis=1)[np.concatenate(places)]
    return copy_findings(same_groups(digests(matrix)), Kind("exact", "rows"), survey)


def _row_numbers(rows: Rows) -> tuple[str, np.ndarray]:
    """The table some rows came from, and what a person calls each."""
    if isinstance(rows, SubsetRows):
        table, numbers = _row_numbers(rows.rows)
        return table, numbers[rows.indices]
    assert isinstance(rows, TableRows)
    return rows.table, rows.numbers


def _leaks(dataset: Dataset) -> list[Finding]:
    """Columns that give the target away."""
    train = dataset.splits["train"]
    fields = train.read(np.arange(len(train)))
    schema = dataset.schema
    leaks = leaking_columns(
        fields["input"], schema.input.columns, fields["target"], schema.target, mask=fields.get("mask")
    )
    return [
        Finding(
            check="target leak",
            severity="warning",
            evidence=f"column {leak.column!r} alone predicts {leak.target} with {leak.measure} {number(leak.score, 4)} "
            f"({count(leak.rows)} rows, each held out once)",
            action=f"remove {leak.column!r} if it is a copy of the target or not yet known when predicting",
        )
        for leak in leaks
    ]


def _tables(data: Any, dataset: Dataset, config: DataConfig) -> list[Table]:
    """The tables as they stand, for what encoding hides; only those whose rows are in the dataset."""
    used = {_row_numbers(rows)[0] for rows in dataset.splits.values()}
    path = _path(data)
    if path is None:
        given = by_split(data)["train"]
        frame = given[0] if isinstance(given, tuple) else given  # of (inputs, targets)
        return [frame_table(frame, name) for name in used]
    tables = list(read_tables(Place(path), config).values())
    return [table for table in tables if table.name in used]


def _path(data: Any) -> Path | None:
    """Where the data stands on disk, if it does."""
    return place_of(data).path if isinstance(data, str | Path) else None


def _class_listing(dataset: Dataset, survey: Survey) -> Listing:
    """Rows per class and split; per split alone where there are no classes."""
    splits = tuple(dataset.splits)
    if survey.labels is None:
        return Listing("rows", ("split", "rows"), tuple((s, count(len(dataset.splits[s]))) for s in splits))
    names = survey.class_names
    counts = {s: np.bincount(survey.labels[survey.split_of == s], minlength=len(names)) for s in splits}
    rows = tuple((name, *(count(int(counts[s][place])) for s in splits)) for place, name in enumerate(names))
    return Listing("classes", ("class", *splits), rows)


def _object_listing(dataset: Dataset) -> list[Listing]:
    """Objects of each class per split, and how large they are in the middle, where boxes mark them."""
    spec = dataset.schema.target
    if spec.kind != "boxes":
        return []
    targets = {split: targets_of(rows).reshape(-1, 5) for split, rows in dataset.splits.items()}
    everything = np.concatenate(list(targets.values()))
    rows = []
    for place, name in enumerate(spec.names):
        counts = [count(int((target[:, 0] == place).sum())) for target in targets.values()]
        boxes = everything[everything[:, 0] == place]
        height, width = np.median(boxes[:, 3:] - boxes[:, 1:3], axis=0)[::-1] if len(boxes) else (0, 0)
        rows.append((name, *counts, f"{height:.0f}x{width:.0f}"))
    return [Listing("objects", ("class", *targets, "median size, stored pixels"), tuple(rows))]


def _column_listings(summaries: dict[str, list[ColumnSummary]]) -> list[Listing]:
    """One listing per table file."""
    return [
        Listing(
            f"columns of {table}",
            ("column", "holds", "missing", "distinct", "range"),
            tuple((c.name, c.holds, count(c.missing), count(c.distinct), c.range) for c in columns),
        )
        for table, columns in summaries.items()
    ]


def _size_listing(data: Any, dataset: Dataset) -> list[Listing]:
    """Sizes of image files, where the rows are files below the source."""
    source = _path(data)
    if dataset.schema.input.kind != "image" or source is None or not source.is_dir():
        return []
    from PIL import Image, UnidentifiedImageError

    sizes: dict[str, int] = {}
    for rows in dataset.splits.values():
        for index in range(len(rows)):
            path = source / rows.describe(index)
            if not path.is_file():
                return []
            try:
                with Image.open(path) as image:
                    size = f"{image.height}x{image.width} {image.mode}"
            except (OSError, UnidentifiedImageError):
                size = "unreadable"
            sizes[size] = sizes.get(size, 0) + 1
    common = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
    rows_shown = tuple((size, count(n)) for size, n in common[:12])
    return [Listing(f"image sizes ({count(len(common))} kinds, height x width)", ("size", "images"), rows_shown)]
