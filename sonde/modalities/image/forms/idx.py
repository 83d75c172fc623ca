"""IDX files, MNIST's form: a header that says type and axes, then the numbers; gzipped or not.

Source: http://yann.lecun.com/exdb/mnist/, "The IDX file format"
"""

import re
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import RawIOBase
from math import prod
from pathlib import Path

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Schema
from sonde.core.errors import DataError
from sonde.core.memory import free_bytes
from sonde.core.progress import Tick, silent
from sonde.core.units import size
from sonde.data.assemble import About
from sonde.data.listing import Listing
from sonde.data.splits import SPLIT_NAMES, in_order, no_training_part
from sonde.data.targets import raw_target
from sonde.data.unzipped import text_of
from sonde.modalities.arrays.dataset import ArrayPair, assemble_arrays
from sonde.modalities.modality import Wanted

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
NAME = re.compile(
    r"(?P<stem>.*?)(?P<role>images|labels)([-.]idx(?P<axes>\d)([-.]ubyte)?|[-.]ubyte)(?P<gz>\.gz)?$", re.I
)
GZIP = 31  # zlib's window bits for a gzip header and trailer
BLOCK = 1 << 16  # bytes read at a time
PIECE = 1 << 20  # bytes inflated at a time, of which a block may hold a thousand times its own
LONGEST_HEADER = 4 + 4 * 255


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The images file of a split and its labels."""

    images: Path
    labels: Path


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a path holds IDX files, None if it does not. Takes a folder, its `raw` subfolder, or an images file."""
    if listing.is_file:
        match = NAME.match(listing.name)
        return "its name is one of an IDX file" if match else None
    images = [file.name for file in _files(listing) if _role(file) == "images"]
    return f"it holds {', '.join(images[:2])}" + (" …" if len(images) > 2 else "") if images else None


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """Images and labels of each split, in memory.

    Raises: DataError for files that are truncated, no IDX, without their labels, or not as long as them
    """
    path, pairs = listing.path, _pairs(listing, evaluated=like is not None)
    root = next(iter(pairs.values())).images.parent
    files = [file for pair in pairs.values() for file in (pair.images, pair.labels)]
    tick("reading IDX files", 0, len(files))
    with ThreadPoolExecutor(2) as pool:  # inflating leaves the interpreter's lock
        arrays = dict(zip(files, pool.map(read_idx, files), strict=True))
    tick("reading IDX files", len(files), len(files))
    found = {}
    for split, pair in pairs.items():
        images, labels = arrays[pair.images], arrays[pair.labels]
        if len(images) != len(labels):
            raise DataError(
                f"{pair.labels.name} has {len(labels):,} labels, but {pair.images.name} {len(images):,} images; "
                "they do not belong together"
            )
        found[split] = ArrayPair(images, raw_target(labels, pair.labels.name), pair.images.name)
    about = About.at(
        listing,
        form="IDX files",
        why=", ".join(pair.images.name for pair in pairs.values()),
        files=files,
        name=path.resolve().name if path.is_dir() else _stem(path).strip("-._") or "idx",
        root=root,
        class_names=_class_names(root),
    )
    return assemble_arrays(found, about, config, task=task, tick=tick, like=like)


def read_idx(path: Path) -> np.ndarray:
    """The array of one IDX file, in the machine's byte order.

    Raises: DataError when it is truncated or no IDX file
    """
    content = _content(path)
    dtype, shape, header = _header(content, path)
    promised = prod(shape) * dtype.itemsize
    if len(content) - header != promised:
        raise _not_as_promised(path, f"{max(0, len(content) - header):,} bytes of data", promised)
    array = np.frombuffer(content, dtype, offset=header).reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)


def _header(content: bytes | bytearray, path: Path) -> tuple[np.dtype, tuple[int, ...], int]:
    """(type, shape, bytes before the numbers) that a file's beginning says. Raises: DataError for the beginning of no IDX file"""
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in TYPES or content[3] == 0:
        raise DataError(
            f"{path} is not an IDX file: it starts with {content[:4].hex(' ') or 'nothing'} instead of 00 00, a type and the "
            "number of axes; download it again"
        )
    header = 4 + 4 * content[3]
    shape = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, header, 4))
    return np.dtype(TYPES[content[2]]), shape, header


def _not_as_promised(path: Path, holds: str, promised: int) -> DataError:
    return DataError(f"{path} holds {holds}, but its header promises {promised:,}; download it again")


def _content(path: Path) -> bytes | bytearray:
    """All of a file, unpacked; its header is compared with what memory holds before more is read.

    Raises: DataError for one that is larger, or goes on after what its header promises
    """
    try:
        with path.open("rb", buffering=0) as file:  # a buffer would be joined with the rest: all of it twice
            zipped = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if not zipped:
                _check_room(path, path.stat().st_size)
                return file.read()
            content, header, most = bytearray(), 0, 0
            for piece in inflated(file, path):
                content += piece
                if not most and len(content) >= LONGEST_HEADER:
                    dtype, shape, header = _header(content, path)
                    most = header + prod(shape) * dtype.itemsize
                    _check_room(path, most)
                if most and len(content) > most:
                    raise _not_as_promised(path, "more data", most - header)
            return content
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None


def _check_room(path: Path, number: int) -> None:
    if number > free_bytes():
        raise DataError(
            f"{path} needs {size(number)} of memory, and {size(free_bytes())} are free; use a part of it, or write it "
            "as an NPY file, which is not read whole"
        )


def inflated(file: RawIOBase, path: Path) -> Iterator[bytes]:
    """The content of a gzip file, all its members, in pieces; it is never in memory twice.

    Raises: DataError when it is truncated or damaged
    """
    member = None
    while block := file.read(BLOCK):
        while block := block if member else block.lstrip(b"\0"):  # zeros may stand between members and at the end
            member = member or zlib.decompressobj(GZIP)
            try:
                yield member.decompress(block, PIECE)
            except zlib.error as error:
                raise DataError(f"{path} is damaged ({error}); download it again") from None
            block = member.unconsumed_tail or member.unused_data
            member = None if member.eof else member
    if member is not None:
        raise DataError(f"{path} is truncated: the gzip stream ends early; download it again")


def _files(listing: Listing) -> list[Path]:
    """IDX files of a folder, or of the `raw` folder that torchvision makes in it; plain ones before gzipped twins."""
    inside = listing.folder("mnist")
    for place in (listing, listing.folder("raw"), inside and inside.folder("raw")):
        found = [file for file in place.files if NAME.match(file.name)] if place else []
        plain = {file.name for file in found}
        if found:
            return [file for file in found if not (file.suffix == ".gz" and file.stem in plain)]
    return []


def _role(file: Path) -> str:
    match = NAME.match(file.name)
    return match["role"].lower() if match else ""


def _pairs(listing: Listing, *, evaluated: bool) -> Mapping[str, Pair]:
    """Split -> its files, train where a name says none; of a single images file only its own pair, as the train split.

    evaluated: whether a trained model is to be evaluated on them, which needs no training part
    Raises: DataError where there are test images alone, which are not to be trained on
    """
    path = listing.path
    if listing.is_file:
        images = path if _role(path) == "images" else _partner(path, "images")
        if not evaluated and _split_of(images) != "train":
            raise no_training_part(str(path), f"{_split_of(images)} images", "train-images… and train-labels…")
        return {"train": Pair(images=images, labels=_partner(images, "labels"))}
    found: dict[str, Pair] = {}
    for file in _files(listing):
        if _role(file) != "images":
            continue
        split = _split_of(file)
        if split in found:
            raise DataError(f"{path}: {found[split].images.name} and {file.name} both are {split} images; keep one")
        found[split] = Pair(images=file, labels=_partner(file, "labels"))
    if "train" not in found and not evaluated:
        raise no_training_part(str(path), f"{' and '.join(found)} images", "train-images… and train-labels…")
    return in_order(found)


def _split_of(file: Path) -> str:
    """The split that a file's name says, train where it says none."""
    words = re.split(r"[^a-z0-9]+", _stem(file).lower())
    return next((SPLIT_NAMES[word] for word in reversed(words) if word in SPLIT_NAMES), "train")


def _partner(file: Path, role: str) -> Path:
    """The labels of an images file, or its images.

    Raises: DataError when they are not beside it
    """
    stem = _stem(file).lower()
    candidates = [
        other
        for other in _files(Listing(file.parent))
        if _role(other) == role and other.name.lower().startswith(stem + role)
    ]
    if not candidates:
        raise DataError(
            f"{file} has no {role} beside it; put {stem}{role}-idx{1 if role == 'labels' else 3}-ubyte there"
        )
    return candidates[0]


def _class_names(root: Path) -> tuple[str, ...]:
    """One name a line from labels.txt or classes.txt beside the files."""
    for name in ("labels.txt", "classes.txt"):
        if (root / name).is_file():
            lines = text_of(root / name).splitlines()
            return tuple(line.strip() for line in lines if line.strip())
    return ()


def _stem(path: Path) -> str:
    """What stands before "images" or "labels" in a file's name, "" where it has neither."""
    match = NAME.match(path.name)
    return match["stem"] if match else ""
