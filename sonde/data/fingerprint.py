"""Content hashes, by which a resumed run knows its data again."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from sonde.data.mapped import is_mapped, spans

WHOLE_LIMIT = 1_000_000_000  # bytes in all; above, blocks are sampled
MANY_FILES = 100  # more are hashed together, one digest a folder
BLOCK = 1 << 16
BLOCKS = 16  # per file or array, first and last included
SAMPLED = "sampled:"  # prefix of a hash that did not see every byte


def of_files(files: Sequence[Path], root: Path) -> dict[str, str]:
    """Name relative to `root` -> sha256 of each file; above `MANY_FILES`, of each folder: names, sizes and contents.

    Above `WHOLE_LIMIT` bytes in all, sizes, modification times and sampled blocks are hashed, and the value starts with
    "sampled:": a change in a byte between the blocks is then seen only by the file's time.
    """
    ordered = sorted(files, key=lambda file: file.as_posix())
    sizes = [file.stat().st_size for file in ordered]
    sampled = sum(sizes) > WHOLE_LIMIT
    alone = len(ordered) <= MANY_FILES
    groups: dict[str, list[tuple[Path, int]]] = {}
    for file, size in zip(ordered, sizes, strict=True):
        path = file if alone else file.parent
        name = (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()
        groups.setdefault(name, []).append((file, size))
    return {name: _digest(members, sampled, named=not alone) for name, members in groups.items()}


def of_arrays(arrays: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Name -> sha256 of each array's shape, type and bytes; sampled, and prefixed so, above `WHOLE_LIMIT` in all."""
    sampled = sum(array.nbytes for array in arrays.values()) > WHOLE_LIMIT
    found = {}
    for name, array in arrays.items():
        digest = hashlib.sha256(f"{array.shape} {array.dtype}".encode())
        if sampled:
            rows = np.linspace(0, len(array) - 1, min(len(array), BLOCKS * 64)).astype(np.int64)
            digest.update(np.ascontiguousarray(array[rows]).tobytes())
        else:
            for part in spans(array) if is_mapped(array) else (array,):
                digest.update(np.ascontiguousarray(part).tobytes() if part.dtype.kind == "U" else _bytes_of(part))
        found[name] = SAMPLED * sampled + digest.hexdigest()
    return found


def _digest(members: Sequence[tuple[Path, int]], sampled: bool, *, named: bool) -> str:
    digest = hashlib.sha256()
    for file, size in members:
        if named:
            digest.update(f"{file.name}\0{size}\0".encode())
        with file.open("rb") as content:
            if not sampled:
                while block := content.read(1 << 20):
                    digest.update(block)
                continue
            digest.update(f"{size} {file.stat().st_mtime_ns}\0".encode())
            for start in np.linspace(0, max(0, size - BLOCK), BLOCKS).astype(np.int64):
                content.seek(int(start))
                digest.update(content.read(BLOCK))
    return SAMPLED * sampled + digest.hexdigest()


def _bytes_of(array: np.ndarray) -> memoryview:
    """The array's bytes, without a copy where it is contiguous."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
