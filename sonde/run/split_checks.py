"""What is wrong with the parts of some data, told before training: classes that no row judges, rows trained on and judged.

`sonde inspect` looks closer; this is what costs little, and makes scores say less than they seem to.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from sonde.acting.evaluation.evaluated import read_alone
from sonde.core.dataset import Dataset, Rows
from sonde.core.findings import Finding
from sonde.data.alike import alike_classes
from sonde.data.duplicates import digests, same_groups
from sonde.data.facts import MANY, SPLIT_FIRST, class_without_rows, contradicting_rows, copied_rows, fine
from sonde.data.feed.layout import lengths_of
from sonde.data.rows import InMemory, InputRows, StandardisedInputs
from sonde.data.same_files import same_files
from sonde.data.splits import SubsetRows, class_counts, targets_of
from sonde.modalities.inspect import meet_by_chance
from sonde.modalities.sequence_lengths import own_names, row_digests
from sonde.modalities.table.leaks import leaks_before_training

SILENT = ("every cell is missing", "missing in every training row", "the same value in every training row")
LISTED = 5  # classes named
MOST_BYTES = 256 << 20  # of rows in memory that are compared; hashing them takes a quarter of a second
ENOUGH = 0.01  # of a part's rows; fewer copies hardly change a score


def checked(dataset: Dataset) -> Dataset:
    """The dataset with what is wrong with its parts."""
    found = [*alike_classes(dataset), *leaks_before_training(dataset), *left_out(dataset), *absent_classes(dataset)]
    return replace(dataset, findings=[*dataset.findings, *found, *copies(dataset), *contradictory(dataset)])


def data_findings(warnings: Iterable[str], found: Iterable[Finding] = ()) -> list[Finding]:
    """Findings of data: what was read otherwise than it stands, and what is wrong with the rows."""
    read = [
        Finding(
            check="data read otherwise", name="data-read-otherwise", severity="warning", evidence=warning, action=""
        )
        for warning in warnings
    ]
    return [*read, *found]


def absent_classes(dataset: Dataset) -> list[Finding]:
    """Classes with rows to train on and none in a part that is judged."""
    spec = dataset.schema.target
    if not spec.has_classes or "train" not in dataset.splits:
        return []
    train = class_counts(dataset.splits["train"], spec)
    said = []
    for split, rows in dataset.splits.items():
        counts = class_counts(rows, spec) if split != "train" else None
        if counts is None or train is None or not len(rows):
            continue
        gone = np.flatnonzero((counts == 0) & (train > 0))
        if not len(gone):
            continue
        names = ", ".join(f"{spec.names[place]!r} ({train[place]:,} to train on)" for place in gone[:LISTED])
        more = f" and {len(gone) - LISTED} more classes" if len(gone) > LISTED else ""
        way = f"add rows{_or_more(dataset, split, train[gone])}"
        said.append(class_without_rows(split, names + more, len(gone) > 1, way, split))
    return said


def _or_more(dataset: Dataset, split: str, counts: np.ndarray) -> str:
    """The share to hold out by which classes with so many rows to train on have one in a split; "" where none is held out.

    A class leaves floor(share x rows), and keeps its last row.
    """
    if not _drawn(dataset, split) or counts.min() < 2:
        return ""
    return f", or hold out more with --{split} {math.ceil(100 / counts.min()) / 100:g}"


def _drawn(dataset: Dataset, split: str) -> bool:
    """Whether a part was taken from the training rows here."""
    return any(f"kept for {'testing' if split == 'test' else split}" in fact.what for fact in dataset.facts)


def copies(dataset: Dataset) -> list[Finding]:
    """Rows that are judged and equal to some that are trained on."""
    if "train" not in dataset.splits or len(dataset.splits) < 2 or dataset.schema.input.step:
        return []  # windows of a series overlap as they should
    said = _copied_files(dataset)
    if said is not None:
        return said  # files do not meet by chance
    trained = _keys(dataset.splits["train"])
    if trained is None:
        return _oversampled(dataset)
    seen, said = set(trained), list[Finding]()
    for split, rows in dataset.splits.items():
        if split != "train" and (found := _keys(rows)) is not None:
            said += _again(split, sum(key in seen for key in found), len(found), len(rows))
    named = any(lengths_of(rows) is not None or own_names(rows) is not None for rows in dataset.splits.values())
    return said if named or not said or not meet_by_chance(dataset) else []


def _oversampled(dataset: Dataset) -> list[Finding]:
    """Copies across parts that were drawn from the same rows in memory, of numbers too fine to be equal without having been
    copied, and so many that rows were repeated before the split: texts, and rows of coarse numbers, are equal by nature."""
    held = {split: _numbers(rows) for split, rows in dataset.splits.items()}
    train = held.pop("train")
    if train is None:
        return []
    seen, said = set[bytes](), list[Finding]()
    for split, numbers in held.items():
        if numbers is None or not len(numbers) or numbers.shape[1:] != train.shape[1:]:
            continue
        if not seen and not fine(train):
            return []
        seen = seen or set(digests(train))
        again = sum(key in seen for key in digests(numbers))
        if again >= MANY * len(numbers):
            said += _again(split, again, len(numbers), len(numbers), SPLIT_FIRST)
    return said


def _copied_files(dataset: Dataset) -> list[Finding] | None:
    """The same of image files, byte for byte; None where the training rows are no such."""
    if not dataset.schema.input.has_planes:
        return None
    from sonde.modalities.image.rows import paths_of  # with Pillow, for images alone

    files = paths_of(dataset.splits["train"])
    if files is None:
        return None
    said: list[Finding] = []
    for split, rows in dataset.splits.items():
        if split != "train":
            said += _again(split, *same_files(files, paths_of(rows) or ()), len(rows))
    return said


def _again(split: str, again: int, looked: int, rows: int, action: str = "remove the copies") -> list[Finding]:
    """A finding where `again` of the rows that were looked at are trained on too."""
    if not looked or again <= max(1, ENOUGH * looked):
        return []
    of = f"{looked:,} {split} rows" + (f" that were compared (of {rows:,})" if looked < rows else "")
    return [copied_rows(split, again, of, again / looked, action)]


def contradictory(dataset: Dataset) -> list[Finding]:
    """Training rows that are equal and of different classes, which no network can get right."""
    rows, spec = dataset.splits["train"], dataset.schema.target
    if not spec.has_classes or dataset.schema.input.step or (keys := _keys(rows)) is None:
        return []
    labels = targets_of(rows)
    groups = [group for group in same_groups(keys) if len(set(labels[group].tolist())) > 1]
    several = sum(map(len, groups))
    fine = lengths_of(rows) is not None or own_names(rows) is not None
    if several < max(2, ENOUGH * len(rows)) or (not fine and meet_by_chance(dataset)):
        return []
    named = ", ".join(f"{rows.describe(int(row))} is {spec.names[labels[row]]!r}" for row in _apart(groups[0], labels))
    return [contradicting_rows(several, len(rows), named)]


def _apart(group: np.ndarray, labels: np.ndarray) -> list[int]:
    """Of a group the first row, and the first of another label."""
    return [int(group[0]), int(group[labels[group] != labels[group[0]]][0])]


def left_out(dataset: Dataset) -> list[Finding]:
    """A note on columns of a table that are the same, or missing, in every training row."""
    return [
        Finding(
            check="constant columns",
            name="constant-columns",
            severity="note",
            evidence=f"{fact.what.removeprefix('left out ')}: {fact.why}",
            action="nothing is learned from these; check whether the export lost something",
        )
        for fact in dataset.facts
        if fact.what.startswith("left out ") and fact.why in SILENT
    ]


def rows_again(dataset: Dataset, rows: Rows) -> int | None:
    """How many of some rows are equal to training rows of a dataset; 0 where equal rows are a matter of coarse columns.

    None where the rows of either would have to be read first.
    """
    trained, found = _keys(dataset.splits["train"]), _keys(rows)
    if trained is None or found is None or dataset.schema.input.step:
        return None
    seen = set(trained)
    again = sum(key in seen for key in found)
    by_chance = again and own_names(rows) is None and lengths_of(rows) is None and meet_by_chance(read_alone(dataset))
    return 0 if by_chance and again < len(found) else again


def _keys(rows: Rows) -> list[bytes] | None:
    """A digest for each row that is a text, or is in memory; None for others, which would have to be read."""
    if own_names(rows) is not None:
        return row_digests(rows)
    if lengths_of(rows) is not None:
        return row_digests(rows) if rows.nbytes() <= MOST_BYTES else None
    held: Mapping[str, np.ndarray] | None = rows.held() if isinstance(rows, InMemory) else None
    if held is None or "input" not in held or held["input"].nbytes > MOST_BYTES:
        return None
    return digests(held["input"])


def _numbers(rows: Rows) -> np.ndarray | None:
    """The inputs (n, …) of rows that are a part of arrays in memory, as they were before they were standardised."""
    if not isinstance(rows, SubsetRows) or own_names(rows) is not None:
        return None
    whole = rows.rows
    if isinstance(whole, InputRows) and isinstance(whole.inputs, StandardisedInputs):
        whole = InputRows(whole.inputs.inputs)
    held: Mapping[str, np.ndarray] | None = whole.held() if isinstance(whole, InMemory) else None
    if held is None or "input" not in held or held["input"].nbytes > MOST_BYTES or held["input"].dtype.kind != "f":
        return None
    return held["input"][rows.indices]
