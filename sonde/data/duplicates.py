"""Rows that are the same row again: grouping by content, and how many would meet by chance."""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np


def digests(rows: np.ndarray) -> list[bytes]:
    """16 bytes per row of (n, …) that stand for its content; equal content has equal bytes, other content has not."""
    flat = np.ascontiguousarray(rows).reshape(len(rows), -1)
    if flat.dtype.kind == "f":
        flat = flat + 0.0  # -0.0 and 0.0 are one value with two patterns
    return [hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in flat]


def same_groups(keys: Iterable[bytes]) -> list[np.ndarray]:
    """The places that share a key, for keys that occur more than once, in order of first appearance.

    >>> [group.tolist() for group in same_groups([b"a", b"b", b"a", b"c", b"b"])]
    [[0, 2], [1, 4]]
    """
    places: dict[bytes, list[int]] = {}
    for place, key in enumerate(keys):
        places.setdefault(key, []).append(place)
    return [np.array(group) for group in places.values() if len(group) > 1]


def pairs_by_chance(columns: Sequence[np.ndarray]) -> float:
    """Pairs of rows expected to agree everywhere if columns were drawn independently, each (n,) of codes or numbers.

    n (n - 1) / 2 times the product over columns of the chance that two cells agree, sum_v (count_v / n)^2. Where this is
    a half or more, equal rows are a matter of coarse columns, not of copying.

    >>> pairs_by_chance([np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])])
    1.5
    """
    n = len(columns[0]) if columns else 0
    expected = n * (n - 1) / 2
    for column in columns:
        if expected < 1e-9:
            break  # more columns only make it rarer
        _, counts = np.unique(column, return_counts=True)
        expected *= float(((counts / n) ** 2).sum())
    return expected
