"""Classes whose rows show nothing: all of one colour or silent, or one and the same row again and again."""

import time

import numpy as np

from sonde.core.dataset import Dataset, Rows
from sonde.core.errors import DataError
from sonde.core.findings import Finding
from sonde.core.units import count
from sonde.data.feed.layout import held, lengths_of, pieces_of
from sonde.data.rows import InputRows, OfEncoded
from sonde.data.splits import SubsetRows, targets_of

FIRST = 6  # rows of a class, of which one that differs from the rest settles it
THEN = 30  # rows of a class that is suspect
FEWEST = 5  # training rows of a class: fewer may well be alike
MOST_CLASSES = 200
SECONDS = 0.3  # from which on no further class is looked at


def alike_classes(dataset: Dataset, *, seconds: float = SECONDS) -> list[Finding]:
    """A finding where all training images, or recordings, of a class that were looked at are alike or show nothing.

    Only rows in memory and files are read: a Dataset of the caller's may draw random numbers.
    """
    spec, rows = dataset.schema.target, dataset.splits["train"]
    noun = "images" if dataset.schema.input.has_planes else "recordings" if dataset.schema.input.rate else ""
    if not noun or not spec.has_classes or len(spec.names) > MOST_CLASSES or not _cheap(rows):
        return []
    until, targets, said = time.monotonic() + seconds, targets_of(rows), []
    for place, name in enumerate(spec.names):
        own = np.flatnonzero(targets == place)
        if len(own) < FEWEST:
            continue
        if time.monotonic() > until:
            break
        try:
            how, looked = _how(rows, own, noun)
        except DataError:  # training stops there, and says so
            break
        if how:
            said.append(
                Finding(
                    check="class without content",
                    name="class-without-content",
                    severity="warning",
                    certainty="certain" if looked == len(own) else "likely",
                    where=f"class {name}",
                    evidence=f"all {count(looked)} training {noun} of class {name!r} "
                    f"{f'that were examined (of {count(len(own))}) ' if looked < len(own) else ''}{how}: "
                    f"{rows.describe(int(own[0]))}, …",
                    action=f"check how these {noun} were written or exported",
                )
            )
    return said


def _how(rows: Rows, own: np.ndarray, noun: str) -> tuple[str, int]:
    """(in what way the rows of a class are alike, "" where they are not; how many were looked at)."""
    how = ""
    for most in (FIRST, THEN):
        chosen = own[np.unique(np.linspace(0, len(own) - 1, min(most, len(own))).astype(np.int64))]
        read = rows.read(chosen)
        input = read["input"]
        lengths = read.get("lengths", lengths_of(rows))
        if (input == input[:1]).all():
            how = "are the same"
        elif noun == "images":
            planes = input.reshape(*input.shape[:2], -1)
            how = "are of one colour each" if (planes == planes[:, :, :1]).all() else ""
        else:  # zeros stand behind the end of a recording
            how = "are silent" if lengths is not None and not input.any() else ""
        if not how or len(chosen) == len(own):
            return how, len(chosen)
    return how, len(chosen)


def _cheap(rows: Rows) -> bool:
    """Whether some rows can be read at little cost, and nothing of the caller's runs."""
    if pieces_of(rows) is not None:
        return False
    below = rows.rows if isinstance(rows, SubsetRows) else rows
    files = isinstance(below.inputs if isinstance(below, InputRows) else below, OfEncoded)
    return files or held(rows) is not None or lengths_of(rows) is not None
