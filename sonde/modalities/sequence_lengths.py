"""What a look at sequences shows: how long rows are, which are the longest, what a vocabulary does not know."""

import hashlib
from collections.abc import Sequence

import numpy as np

from sonde.core.dataset import Dataset, Rows
from sonde.core.units import count, share
from sonde.core.vocabulary import PAD, UNKNOWN
from sonde.data.feed.layout import lengths_of
from sonde.data.rows import chunks
from sonde.modalities.catalogue import modality
from sonde.modalities.molecule.graphs import names_of
from sonde.modalities.text.rows import shortened, texts_of

READ_AT_ONCE = 1024  # rows
EXTREMES = 3  # shortest and longest rows that are shown, of each

Table = tuple[str, tuple[str, ...], tuple[tuple[str, ...], ...]]
"""A title, columns and rows, for a person."""


def own_names(rows: Rows) -> Sequence[str] | None:
    """The text of each row, or the SMILES of a molecule; None for other rows."""
    return texts_of(rows) or names_of(rows)


def row_digests(rows: Rows) -> list[bytes] | None:
    """16 bytes per row that stand for its content without padding: its text where it has one, the SMILES of
    a molecule. None for rows of one shape."""
    texts, lengths = own_names(rows), lengths_of(rows)
    if texts is not None:
        return [hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts]
    if lengths is None:
        return None
    found = []
    for places in chunks(rows, READ_AT_ONCE):
        inputs = rows.read(places)["input"]
        found += [
            hashlib.blake2b(row[:length].tobytes(), digest_size=16).digest()
            for row, length in zip(inputs, lengths[places], strict=True)
        ]
    return found


def length_tables(dataset: Dataset) -> list[Table]:
    """How long the rows of each split are and how much of them is unknown, and of texts the shortest and longest."""
    found = {split: lengths_of(rows) for split, rows in dataset.splits.items()}
    lengths = {split: each for split, each in found.items() if each is not None and len(each)}
    if not lengths:
        return []
    unit = modality(dataset.schema.input.kind).unit or "steps"
    tokens = unit == "tokens"  # of which a vocabulary may not know some
    columns = ("split", "shortest", "median", "longest", *(("unknown",) if tokens else ()))
    rows = []
    for split, each in lengths.items():
        cells = (split, count(int(each.min())), count(float(np.median(each))), count(int(each.max())))
        rows.append((*cells, share(_unknown(dataset.splits[split]), 2)) if tokens else cells)
    return [(f"lengths in {unit}", columns, tuple(rows)), *_extremes(dataset, lengths)]


def _unknown(rows: Rows) -> float:
    """Share of the tokens that have no number of their own."""
    tokens = unknown = 0
    for some in chunks(rows, READ_AT_ONCE):
        inputs = rows.read(some)["input"]
        tokens += int((inputs != PAD).sum())
        unknown += int((inputs == UNKNOWN).sum())
    return unknown / max(1, tokens)


def _extremes(dataset: Dataset, lengths: dict[str, np.ndarray]) -> list[Table]:
    """The shortest and the longest texts of training, with where they stand."""
    rows = dataset.splits["train"]
    texts = texts_of(rows)
    if texts is None or len(texts) <= 2 * EXTREMES:
        return []
    order = np.argsort(lengths["train"], kind="stable")
    places = [*order[:EXTREMES], *order[-EXTREMES:]]
    shown = tuple((rows.describe(int(i)), count(int(lengths["train"][i])), shortened(texts[int(i)])) for i in places)
    return [("shortest and longest training rows", ("row", "tokens", "text"), shown)]
