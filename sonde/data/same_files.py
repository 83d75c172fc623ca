"""Files that are judged and stand among those trained on too, byte for byte, found within a fraction of a second."""

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

SECONDS = 0.5
BLOCK = 4096  # bytes in the middle of a file, by which files of one size are told apart before they are read whole
MOST_STATED = 20_000  # files of a part whose sizes are asked for, evenly over all


def same_files(train: Sequence[Path], judged: Sequence[Path], *, seconds: float = SECONDS) -> tuple[int, int]:
    """(how many of the judged files are in train too, how many were looked at).

    All are looked at where that takes no longer than `seconds`, else those that chance brings first. Of more than MOST_STATED
    training files only that many are known, so that fewer copies are found than there are.
    """
    until = time.monotonic() + seconds
    by_size: dict[int, list[Path]] = {}
    for path in _some(train):
        by_size.setdefault(_size(path), []).append(path)
    blocks: dict[int, dict[bytes, list[Path]]] = {}
    again, looked = 0, 0
    for path in _some(judged):
        if time.monotonic() > until:
            break
        size = _size(path)
        if size not in blocks:
            blocks[size] = {}
            for other in by_size.get(size, ()):
                if time.monotonic() > until:
                    return again, looked
                blocks[size].setdefault(_block(other, size), []).append(other)
        candidates = blocks[size].get(_block(path, size), []) if blocks[size] else []
        again += bool(candidates) and any(_digest(other) == _digest(path) for other in candidates[:3])
        looked += 1
    return again, looked


def _some(paths: Sequence[Path]) -> list[Path]:
    """At most MOST_STATED of them, in an order drawn at random."""
    return [paths[place] for place in np.random.default_rng(0).permutation(len(paths))[:MOST_STATED]]


def _size(path: Path) -> int:
    """In bytes; -1 of what cannot be read, at which reading the data stops."""
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _block(path: Path, size: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(max(0, (size - BLOCK) // 2))
            return hashlib.blake2b(file.read(BLOCK), digest_size=16).digest()
    except OSError:
        return str(path).encode()  # like no other


def _digest(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "blake2b").digest()
    except OSError:
        return str(path).encode()
