"""NPZ and NPY files: arrays named for their split and role (x_train, y_test, images, labels, …)."""

import re
import struct
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Schema
from sonde.core.errors import DataError
from sonde.core.memory import free_bytes
from sonde.core.progress import Tick, silent
from sonde.data.assemble import About
from sonde.data.listing import Listing
from sonde.data.splits import ORDER, SPLIT_NAMES, no_training_part
from sonde.data.targets import raw_target
from sonde.data.unzipped import BAD_CONTENT
from sonde.modalities.arrays.dataset import ArrayPair, assemble_arrays
from sonde.modalities.arrays.shapes import as_array
from sonde.modalities.modality import Wanted
from sonde.modalities.video.axes import WORDS as CLIPS
from sonde.tasks.table import spec

INPUT_WORDS = frozenset({"x", "image", "images", "img", "imgs", "data", "input", "inputs", "features", *CLIPS})
TARGET_WORDS = frozenset({"y", "label", "labels", "target", "targets"})
NAMES_KEYS = frozenset({"names", "class_names", "label_names", "classes", "target_names"})
MAPPED = 1 << 26  # bytes; larger arrays are mapped and read as they are needed, where they are not compressed
LONGEST_HEADER = 1 << 16  # bytes of an NPY header
LENGTHS = 26  # bytes of a ZIP file's entry before the lengths of its name and of what else stands before the content
KEYS_HINT = "call them x and y, or x_train, y_train, x_test, y_test"


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Which arrays make a split."""

    inputs: str
    target: str  # "" where there is none, for tasks that learn from inputs alone


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a path is an NPZ file, an NPY file or a folder of such, None if it is not."""
    path = listing.path
    if listing.is_file:
        return f"its name ends in {path.suffix.lower()}" if path.suffix.lower() in (".npz", ".npy") else None
    npz, npy = listing.ending(".npz"), listing.ending(".npy")
    if len(npz) == 1:
        return f"it holds {npz[0].name}"
    return f"it holds {', '.join(file.name for file in npy[:3])}" if len(npy) > 1 else None


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """Arrays of each split, in memory.

    Raises: DataError for damaged files, pickled objects, and keys that do not tell inputs from targets
    """
    tick("reading arrays", 0, 0)
    labels = like.target.kind != "none" if like is not None else task is None or spec(task).labels
    arrays, files, place = _load(listing, labels=labels)
    keys = find_keys(
        {name: array for name, array in arrays.items() if name not in NAMES_KEYS},
        str(place),
        evaluated=like is not None,
        labels=labels,
    )
    pairs = {}
    for split, key in keys.items():
        where = f"{place.name} {key.target!r}" if place.suffix == ".npz" else f"{key.target}.npy"
        origin = f"{place.name} {key.inputs!r}" if place.suffix == ".npz" else f"{key.inputs}.npy"
        target = raw_target(arrays[key.target], where) if key.target else None
        pairs[split] = ArrayPair(as_array(arrays[key.inputs], origin), target, origin)
    about = About.at(
        listing,
        form="NPZ file" if place.suffix == ".npz" else "NPY files",
        why=", ".join(f"{key.inputs} and {key.target}" if key.target else key.inputs for key in keys.values()),
        files=files,
        class_names=_class_names(arrays),
    )
    return assemble_arrays(pairs, about, config, task=task, tick=tick, like=like)


def find_keys(
    arrays: Mapping[str, np.ndarray], place: str, *, evaluated: bool = False, labels: bool = True
) -> dict[str, Keys]:
    """Split -> its arrays, by their names; where the names say nothing, by their shapes if those leave one choice.

    evaluated: whether a trained model is to be evaluated on them, which needs no training part
    labels:    whether there must be targets: where there must not and no split has any, inputs are enough
    Raises: DataError listing what is there, and for arrays named for testing alone

    >>> find_keys({"x_train": np.zeros((2, 3)), "y_train": np.zeros(2)}, "a.npz")
    {'train': Keys(inputs='x_train', target='y_train')}
    """
    roles: dict[tuple[str, str], str] = {}
    for name in sorted(arrays):
        split, role = meaning(name)
        if role:
            if (split, role) in roles:
                raise DataError(f"{place}: {roles[split, role]!r} and {name!r} both look like {split} {role}; keep one")
            roles[split, role] = name
    found = {
        split: Keys(inputs=roles[split, "inputs"], target=roles[split, "targets"])
        for split in ORDER
        if (split, "inputs") in roles and (split, "targets") in roles
    }
    if not labels and not any(role == "targets" for _, role in roles):
        found = {split: Keys(inputs=roles[split, "inputs"], target="") for split in ORDER if (split, "inputs") in roles}
    if "train" in found or (found and evaluated):
        return found
    by_shape = None if found else _by_shape(arrays)
    if not evaluated:
        _refuse_test_alone(found or ({} if by_shape is None else {meaning(by_shape.inputs)[0]: by_shape}), place)
    if by_shape is None:
        listing = ", ".join(f"{name} {array.shape}" for name, array in sorted(arrays.items())) or "nothing"
        raise DataError(f"{place} has no array named as the input or target; it holds {listing}; {KEYS_HINT}")
    return {"train": by_shape}


def _refuse_test_alone(found: Mapping[str, Keys], place: str) -> None:
    """Raises: DataError for arrays of which none is to train on"""
    if found and "train" not in found:
        named = ", ".join(name for keys in found.values() for name in (keys.inputs, keys.target) if name)
        raise no_training_part(place, f"arrays for {' and '.join(found)} ({named})", "x_train and y_train")


def load_npy(path: Path) -> np.ndarray:
    """The array of one NPY file. Raises: DataError when it is damaged or holds pickled objects."""
    try:
        with path.open("rb") as file:
            check_header(file, path.stat().st_size)
        large = path.stat().st_size > MAPPED
        return np.load(path, allow_pickle=False, mmap_mode="r" if large else None)
    except BAD_CONTENT as error:
        raise _unloadable(str(path), error) from None


def meaning(name: str) -> tuple[str, str]:
    """(split, "inputs", "targets" or "") that an array's name says.

    >>> meaning("val_images"), meaning("X"), meaning("xtest"), meaning("ids")
    (('validation', 'inputs'), ('train', 'inputs'), ('test', 'inputs'), ('train', ''))
    """
    lower = name.lower()
    glued = re.fullmatch(r"([xy])(train|test|val|valid|validation|dev)", lower)
    words = list(glued.groups()) if glued else re.split(r"[^a-z0-9]+", lower)
    split = next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), "train")
    if any(word in TARGET_WORDS for word in words):
        return split, "targets"
    return split, "inputs" if any(word in INPUT_WORDS for word in words) else ""


def _by_shape(arrays: Mapping[str, np.ndarray]) -> Keys | None:
    """The one array with several axes and the one with a single axis of the same length, if there are just those."""
    inputs = [name for name, array in arrays.items() if array.ndim >= 2]
    targets = [name for name, array in arrays.items() if array.ndim == 1]
    if len(inputs) == 1:
        targets = [name for name in targets if len(arrays[name]) == len(arrays[inputs[0]])]
        if len(targets) == 1:
            return Keys(inputs=inputs[0], target=targets[0])
    return None


def _load(listing: Listing, *, labels: bool) -> tuple[dict[str, np.ndarray], list[Path], Path]:
    """Arrays by name, the files they are from, and what to call the place. labels: whether targets are needed"""
    path = listing.path
    if listing.is_dir:
        npz = listing.ending(".npz")
        if len(npz) != 1:
            files = listing.ending(".npy")
            return {file.stem: load_npy(file) for file in files}, files, path
        path = npz[0]
    if path.suffix.lower() == ".npz":
        return _load_npz(path), [path], path
    return _with_partner(path, labels=labels)


def _load_npz(path: Path) -> dict[str, np.ndarray]:
    name = ""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            found = {}
            for name in archive.files:
                _check_member(archive.zip, f"{name}.npy")
                held = _mapped_member(path, archive.zip, f"{name}.npy")
                found[name] = archive[name] if held is None else held
            return found
    except BAD_CONTENT as error:
        raise _unloadable(f"{path} {name!r}" if name else str(path), error) from None


def _header(file: Any) -> tuple[tuple[int, ...], bool, np.dtype]:
    """(shape, whether columns come first, type) of an NPY stream. Raises: ValueError, also for a header of a length that lies"""
    version = npy.read_magic(file)
    begin, counted = file.tell(), 2 if version == (1, 0) else 4
    length = int.from_bytes(file.read(counted), "little")
    if length > LONGEST_HEADER:  # which NumPy takes memory for before it looks
        raise ValueError(f"its header claims to be {length:,} bytes long")
    file.seek(begin)
    return (npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0)(file)


def check_header(file: Any, size: int) -> None:
    """Compare what the header of an NPY stream promises with the bytes that follow it, before memory is taken for them.

    Raises: ValueError
    """
    shape, _, dtype = _header(file)
    if dtype.hasobject:
        return  # which is refused where it is loaded
    promised, there = prod(shape) * dtype.itemsize, size - file.tell()
    if min(shape, default=0) < 0 or promised > there:
        raise ValueError(f"its header promises {promised:,} bytes for shape {shape}, and {max(0, there):,} follow")


def _check_member(archive: zipfile.ZipFile, name: str) -> None:
    """The same for an array of an NPZ file, whose directory says to how many bytes it unpacks. Raises: ValueError, DataError"""
    if name not in archive.namelist():
        return
    member = archive.getinfo(name)
    if member.compress_type != zipfile.ZIP_STORED and member.file_size > free_bytes():
        raise ValueError(f"it unpacks to {member.file_size:,} bytes, and {free_bytes():,} are free")
    with archive.open(member) as file:
        check_header(file, member.file_size)


def _mapped_member(path: Path, archive: zipfile.ZipFile, name: str) -> np.ndarray | None:
    """A large array of an NPZ file where it stands in that; None for one that is small, compressed or of other than numbers."""
    if name not in archive.namelist():
        return None
    member = archive.getinfo(name)
    if member.compress_type != zipfile.ZIP_STORED or member.file_size <= MAPPED:
        return None
    with path.open("rb") as file:
        file.seek(member.header_offset + LENGTHS)
        named, extra = struct.unpack("<HH", file.read(4))
        file.seek(named + extra, 1)
        shape, fortran, dtype = _header(file)
        if dtype.hasobject:
            return None  # which is refused where it is loaded
        return np.memmap(path, dtype, "r", file.tell(), shape, "F" if fortran else "C")


def _unloadable(place: str, error: Exception) -> DataError:
    if "allow_pickle" in str(error):
        return DataError(
            f"{place} holds pickled Python objects, which could run any code when read; save it as an array of numbers "
            "or of text with dtype=str"
        )
    return DataError(f"{place} is damaged or not a NumPy file ({str(error) or type(error).__name__}); save it again")


def _with_partner(path: Path, *, labels: bool) -> tuple[dict[str, np.ndarray], list[Path], Path]:
    """An NPY file and the one beside it that completes it to inputs and targets."""
    split, role = meaning(path.stem)
    wanted = {"inputs": "targets", "targets": "inputs"}.get(role)
    beside = Listing(path.parent).ending(".npy")
    partners = [file for file in beside if meaning(file.stem) == (split, wanted)]
    if not partners and role == "inputs" and not labels:
        return {path.stem: load_npy(path)}, [path], path.parent
    if len(partners) != 1:
        raise DataError(f"{path} has only inputs or only targets; the other file is missing; {KEYS_HINT}")
    files = [path, partners[0]]
    return {file.stem: load_npy(file) for file in files}, files, path.parent


def _class_names(arrays: Mapping[str, np.ndarray]) -> Sequence[str]:
    """Class names, where an array of text holds them."""
    for key in sorted(NAMES_KEYS & set(arrays)):
        if arrays[key].ndim == 1 and arrays[key].dtype.kind in "US":
            return tuple(str(name) for name in arrays[key].astype(str))
    return ()
