"""Rows that are the same row again: grouping by content, and how many would meet by chance."""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np


def digests(rows: np.ndarray) -> list[bytes]:
    """16 bytes per row of (n, …) that stand for its content; equal content has equal bytes, other content has not."""
    if not len(rows):
        return []
    flat = np.ascontiguousarray(rows).reshape(len(rows), -1)
    if flat.dtype.kind == "f":
        flat = flat + 0.0  # -0.0 and 0.0 are one value with two patterns
    return [hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in flat]


def quick_keys(rows: np.ndarray) -> np.ndarray:
    """(n,) 64-bit numbers for rows of (n, …): equal rows have equal ones, others hardly ever; many times as fast as `digests`.

    A sum, modulo 2^64, of the content's words times odd numbers drawn at random, each mixed as SplitMix64 does (Steele, Lea and
    Flood, 2014).
    """
    if not len(rows):
        return np.zeros(0, np.uint64)
    flat = np.ascontiguousarray(rows).reshape(len(rows), -1)
    if flat.dtype.kind == "f":
        flat = flat + flat.dtype.type(0)  # as in `digests`
    size = flat.shape[1] * flat.dtype.itemsize
    padded = np.zeros((len(flat), -(-size // 8) * 8), np.uint8)
    padded[:, :size] = flat.view(np.uint8)
    words = padded.view(np.uint64)
    factors = np.random.default_rng(0).integers(0, 2**63, words.shape[1], dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    words *= factors
    words ^= words >> np.uint64(
        32
    )  # of numbers that differ in their high bits alone, as floats do, few bits would reach the sum
    words *= np.uint64(0xBF58476D1CE4E5B9)
    return words.sum(1, dtype=np.uint64)


def repeated(rows: np.ndarray) -> np.ndarray:
    """Places of rows that are there more than once, in order, and hardly any others."""
    keys, places, counts = np.unique(quick_keys(rows), return_inverse=True, return_counts=True)
    return np.flatnonzero(counts[places] > 1) if len(keys) < len(rows) else np.zeros(0, np.int64)


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
