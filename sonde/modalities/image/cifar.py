"""CIFAR's binary archives as one NPZ of arrays. The binary ones, because the others are pickles, which run code."""

import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent

SIDE = 32
PIXEL_BYTES = 3 * SIDE * SIDE  # red, green and blue planes, each row by row
MEMBER_LIMIT_BYTES = 1 << 29  # three times CIFAR-100's largest; guards against an archive that inflates without end


@dataclass(frozen=True, kw_only=True)
class CifarLayout:
    """Where things stand in an archive. A record is `label_bytes` labels, the last the one to predict, then the pixels.

    Source: Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html, "Binary version"
    """

    train: tuple[str, ...]
    test: tuple[str, ...]
    names: str
    label_bytes: int


def convert(archive: Path, layout: CifarLayout, target: Path, *, tick: Tick = silent) -> None:
    """Write `target` (.npz): x_train, x_test uint8 (n, 32, 32, 3), y_train, y_test int64 (n,), names (classes,) str.

    Nothing is extracted to disk: the wanted members are read by name and every other one, links included, is passed by.

    Raises: DataError for a member that is missing, no regular file or not a whole number of records
    """
    content = _members(archive, {*layout.train, *layout.test, layout.names}, tick)
    names = [line.strip() for line in content[layout.names].decode("utf-8").splitlines() if line.strip()]
    arrays: dict[str, np.ndarray] = {"names": np.array(names)}
    for split, members in (("train", layout.train), ("test", layout.test)):
        pieces = [_records(archive, member, content.pop(member), layout.label_bytes) for member in members]
        arrays[f"x_{split}"] = np.concatenate([pixels for pixels, _ in pieces])
        arrays[f"y_{split}"] = labels = np.concatenate([labels for _, labels in pieces])
        if labels.max(initial=0) >= len(names):
            raise DataError(
                f"{archive}: {split} holds label {labels.max()}, but {layout.names} names {len(names)} classes"
            )
    with target.open("wb") as out:  # an open file, or numpy appends .npz to the name
        np.savez(out, allow_pickle=False, **arrays)


def _members(archive: Path, wanted: set[str], tick: Tick) -> dict[str, bytes]:
    """Content of the regular files called `wanted`, whatever folder they stand in."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                name = PurePosixPath(member.name).name
                if name not in wanted or not member.isreg():
                    continue
                if member.size > MEMBER_LIMIT_BYTES:
                    raise DataError(f"{archive}: {member.name} would take {member.size:,} bytes; this is not CIFAR")
                stream = tar.extractfile(member)
                assert stream is not None  # a regular file
                found[name] = stream.read()
                tick(f"unpacking {archive.name}", len(found), len(wanted))
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DataError(f"{archive} cannot be unpacked ({error}); delete it, to have it downloaded again") from None
    if missing := sorted(wanted - set(found)):
        raise DataError(f"{archive} lacks {', '.join(missing)}; it is not the binary version of this dataset")
    return found


def _records(archive: Path, member: str, content: bytes, label_bytes: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels uint8 (n, 32, 32, 3) and labels int64 (n,)."""
    length = label_bytes + PIXEL_BYTES
    if not content or len(content) % length:
        raise DataError(f"{archive}: {member} has {len(content):,} bytes, not a whole number of {length}-byte records")
    rows = np.frombuffer(content, np.uint8).reshape(-1, length)
    pixels = rows[:, label_bytes:].reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(pixels), rows[:, label_bytes - 1].astype(np.int64)
