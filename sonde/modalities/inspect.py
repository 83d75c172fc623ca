"""What is in some data, and what is wrong with it: facts, tables for a person, and findings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sonde.core.catalogue import load
from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, Rows
from sonde.core.errors import ConfigError
from sonde.core.findings import Finding
from sonde.core.progress import Tick, silent
from sonde.core.units import count
from sonde.data.alike import alike_classes
from sonde.data.copies import Kind, Survey, copy_findings
from sonde.data.duplicates import digests, pairs_by_chance, same_groups
from sonde.data.feed.layout import lengths_of
from sonde.data.rows import chunks
from sonde.data.splits import class_counts, targets_of
from sonde.modalities.catalogue import modality
from sonde.modalities.open import open_data, place_of
from sonde.modalities.sequence_lengths import length_tables, row_digests

PLAYED_S = 20.0
READ_AT_ONCE = 1024  # rows
FEW_OF_A_CLASS = 10  # training rows: below it a tenth held back holds none
MEETING_BY_CHANCE = 0.5  # expected pairs of equal rows from which on equal rows say nothing


@dataclass(frozen=True)
class InfoTable:
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
    tables: tuple[InfoTable, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class Look:
    """Opened data after one pass over their rows.

    keys:     of each row its digest, through the splits in their order
    pictures: (rows, …) what `Parts.thumbnails` left of each; None where there is no such
    """

    data: Any
    dataset: Dataset
    config: DataConfig
    tick: Tick
    survey: Survey
    keys: list[bytes]
    pictures: np.ndarray | None

    @property
    def path(self) -> Path | None:
        """Where the data stand on disk, if they do."""
        return place_of(self.data).path if isinstance(self.data, str | Path) else None


def equal_rows(look: Look) -> list[Finding]:
    """Rows that are equal, unless numbers are so coarse that rows meet by chance."""
    groups = same_groups(look.keys)
    sequences = any(
        lengths_of(rows) is not None for rows in look.dataset.splits.values()
    )  # which do not meet by chance
    if groups and not sequences and meet_by_chance(look.dataset):
        return []
    return copy_findings(groups, Kind("exact", "rows"), look.survey)


class Played(NamedTuple):
    """What is said of data without an end of rows."""

    facts: Sequence[Fact]
    findings: Sequence[Finding]
    tables: Sequence[InfoTable]


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a kind of data has to say in an inspection.

    look:       findings, those of rows that are there more than once too, and tables for a person
    thumbnails: a batch of inputs -> something small of each, kept for `look`
    splits:     of a dataset those whose rows are read
    played:     of data that are acted in, whose rows have no end: (dataset, seconds, tick) -> all that is said of them; None of
                others of the kind
    """

    look: Callable[[Look], tuple[list[Finding], list[InfoTable]]] = lambda look: (equal_rows(look), [])
    thumbnails: Callable[[np.ndarray], np.ndarray] | None = None
    splits: Callable[[Dataset], Mapping[str, Rows]] = lambda dataset: dataset.splits
    played: Callable[[Dataset, float, Tick], Played | None] = lambda dataset, seconds, tick: None


def inspect(
    data: Any, config: DataConfig, *, task: str | None = None, seconds: float | None = None, tick: Tick = silent
) -> Inspection:
    """Open `data` as training would, read every row once, and say what is there and what is wrong.

    task: what they are opened for, as `open_data` takes it;  seconds: for which data that are acted in are played

    Unreadable images are a finding here, whatever `config.skip_unreadable` says.

    Raises: DataError where the data cannot be opened at all; ConfigError for seconds and data that are not played
    """
    dataset = open_data(data, replace(config, skip_unreadable=True), task=task, tick=tick)
    own = modality(dataset.schema.input.kind).inspect
    parts: Parts = load(own) if own else Parts()
    if (found := parts.played(dataset, PLAYED_S if seconds is None else seconds, tick)) is not None:
        return Inspection(
            name=dataset.name,
            form=dataset.form,
            facts=(*dataset.facts, *found.facts),
            tables=tuple(table for table in found.tables if table.rows),
            findings=tuple(replace(each, name="") for each in found.findings),  # which silences what training says
        )
    if seconds is not None:
        raise ConfigError(f"--play-seconds is for environments, and {dataset.source} holds rows; leave it out")
    dataset = replace(dataset, splits=parts.splits(dataset))
    look = _read(data, dataset, config, parts, tick)
    more, shown = parts.look(look)
    findings = [*_warnings(dataset), *_classes(look), *alike_classes(dataset), *more]
    tables = [_class_table(dataset, look.survey), *shown]
    tables += [InfoTable(*table) for table in length_tables(dataset)]
    return Inspection(
        name=dataset.name,
        form=dataset.form,
        facts=tuple(dataset.facts),
        tables=tuple(table for table in tables if table.rows),
        findings=tuple(findings),
    )


def _read(data: Any, dataset: Dataset, config: DataConfig, parts: Parts, tick: Tick) -> Look:
    total = sum(len(rows) for rows in dataset.splits.values())
    keys: list[bytes] = []
    pictures: list[np.ndarray] = []
    for rows in dataset.splits.values():
        if (of_sequences := row_digests(rows)) is not None:
            keys += of_sequences
            continue
        for some in chunks(rows, READ_AT_ONCE):
            input = rows.read(some)["input"]
            keys += digests(input)
            if parts.thumbnails is not None:
                pictures.append(parts.thumbnails(input))
            tick("reading rows", len(keys), total)
    seen = np.concatenate(pictures) if pictures else None
    return Look(data=data, dataset=dataset, config=config, tick=tick, survey=_survey(dataset), keys=keys, pictures=seen)


def _survey(dataset: Dataset) -> Survey:
    spec = dataset.schema.target
    labels = None
    if spec.has_classes:
        labels = np.concatenate([targets_of(rows) for rows in dataset.splits.values()]).astype(np.int64)
    return Survey(
        splits=tuple(dataset.splits.items()), labels=labels, class_names=spec.names if spec.has_classes else ()
    )


def _warnings(dataset: Dataset) -> list[Finding]:
    """What opening the data counted without stopping."""
    return [
        Finding(
            check="unreadable files" if "unreadable" in warning else "data",
            severity="warning",
            evidence=warning,
            action="fix or remove them; training stops at them, or skips them with --skip-unreadable"
            if "unreadable" in warning
            else "check whether that is intended",
        )
        for warning in dataset.warnings
    ]


def _classes(look: Look) -> list[Finding]:
    """Classes with next to nothing to learn from."""
    spec = look.dataset.schema.target
    counts = class_counts(look.dataset.splits["train"], spec)
    if counts is None:
        return []
    what = "objects" if spec.has_boxes else "rows"
    tiny = [f"{spec.names[place]!r} ({counts[place]})" for place in np.flatnonzero(counts < FEW_OF_A_CLASS)]
    if not tiny:
        return []
    more = f" and {len(tiny) - 6} more" if len(tiny) > 6 else ""
    return [
        Finding(
            check="tiny classes",
            severity="warning",
            evidence=f"fewer than {FEW_OF_A_CLASS} training {what}: {', '.join(tiny[:6])}{more}",
            action="add more rows, merge them with another class, or remove them",
        )
    ]


def meet_by_chance(dataset: Dataset) -> bool:
    """Whether rows of numbers are coarse enough to be equal without having been copied."""
    arrays = [rows.read(np.arange(len(rows)))["input"] for rows in dataset.splits.values()]
    flat = np.concatenate([array.reshape(len(array), -1) for array in arrays])
    return pairs_by_chance(list(flat.T)) >= MEETING_BY_CHANCE


def _class_table(dataset: Dataset, survey: Survey) -> InfoTable:
    """Rows per class and split; per split alone where there are no classes."""
    splits = tuple(dataset.splits)
    if survey.labels is None:
        return InfoTable("rows", ("split", "rows"), tuple((s, count(len(dataset.splits[s]))) for s in splits))
    names = survey.class_names
    counts = {s: np.bincount(survey.labels[survey.split_of == s], minlength=len(names)) for s in splits}
    rows = tuple((name, *(count(int(counts[s][place])) for s in splits)) for place, name in enumerate(names))
    return InfoTable("classes", ("class", *splits), rows)
