"""What is wrong with the parts of some data, told before training: classes that no row judges, rows trained on and judged.

`sonde inspect` looks closer; this is what costs little, and makes scores say less than they seem to.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from sonde.core.dataset import Dataset, Rows
from sonde.core.findings import Finding, of_split
from sonde.core.units import share
from sonde.data.duplicates import digests
from sonde.data.rows import InMemory
from sonde.data.splits import class_counts
from sonde.modalities.inspect import meet_by_chance
from sonde.modalities.sequence_lengths import own_names, row_digests

LISTED = 5  # classes named
MOST_BYTES = 256 << 20  # of rows in memory that are compared; hashing them takes a quarter of a second
ENOUGH = 0.01  # of a part's rows; fewer copies hardly change a score


def checked(dataset: Dataset) -> Dataset:
    """The dataset with what is wrong with its parts."""
    return replace(dataset, findings=[*dataset.findings, *absent_classes(dataset), *copies(dataset)])


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
        them = "them" if len(gone) > 1 else "it"
        way = f"add rows{_or_more(dataset, split, train[gone])}"
        said.append(
            Finding(
                check=f"class without {split} rows",
                name=of_split("class-without-validation-rows", split),
                severity="warning",
                where=split,
                evidence=f"{split} has no row of {names}{more}, so its scores say nothing of {them}",
                action=way,
            )
        )
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
    keys = {split: _keys(rows) for split, rows in dataset.splits.items()}
    trained = keys.pop("train")
    if trained is None:
        return []
    seen, said = set(trained), list[Finding]()
    for split, found in keys.items():
        again = sum(key in seen for key in found or ())
        if found and again > max(1, ENOUGH * len(found)):
            said.append(
                Finding(
                    check=f"{split} rows in training",
                    name=of_split("validation-rows-in-training", split),
                    severity="warning",
                    where=split,
                    evidence=f"{again:,} of {len(found):,} {split} rows ({share(again / len(found), 0)}) are in train too, so "
                    "their scores measure memorisation",
                    action="remove the copies",
                )
            )
    named = any(own_names(rows) is not None for rows in dataset.splits.values())
    return said if named or not said or not meet_by_chance(dataset) else []


def rows_again(dataset: Dataset, rows: Rows) -> int | None:
    """How many of some rows are equal to training rows of a dataset; 0 where equal rows are a matter of coarse columns.

    None where the rows of either would have to be read first.
    """
    trained, found = _keys(dataset.splits["train"]), _keys(rows)
    if trained is None or found is None or dataset.schema.input.step:
        return None
    seen = set(trained)
    again = sum(key in seen for key in found)
    by_chance = again and own_names(rows) is None and meet_by_chance(dataset)
    return 0 if by_chance and again < len(found) else again


def _keys(rows: Rows) -> list[bytes] | None:
    """A digest for each row that is a text, or is in memory; None for others, which would have to be read."""
    if own_names(rows) is not None:
        return row_digests(rows)
    held: Mapping[str, np.ndarray] | None = rows.held() if isinstance(rows, InMemory) else None
    if held is None or "input" not in held or held["input"].nbytes > MOST_BYTES:
        return None
    return digests(held["input"])
