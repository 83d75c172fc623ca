"""Class folders: one folder of images per class, under train, validation and test folders or with lists, or neither."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Schema
from sonde.core.errors import DataError, nearest
from sonde.core.natural_order import natural
from sonde.core.progress import Tick, silent
from sonde.data import fingerprint
from sonde.data.assemble import About, check_kind
from sonde.data.splits import ORDER, SPLIT_NAMES
from sonde.data.targets import raw_target
from sonde.modalities.image.files import is_image
from sonde.modalities.image.rows import Files, assemble_images

IGNORED = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
IMAGE_FOLDERS = frozenset({"images", "jpegimages", "imgs"})
ANNOTATION_FOLDERS = frozenset({"annotations", "masks", "labels", "segmentationclass"})
LISTED = 4


def recognise(path: Path) -> str | None:
    """Why a folder holds images in class folders, None if it does not."""
    if not path.is_dir():
        return None
    splits = split_folders(path)
    if "train" in splits:
        classes = [folder for folder in subfolders(splits["train"]) if _has_image(folder)]
        flat = not classes and any(is_image(file) for file in splits["train"].iterdir())
        named = ", ".join(splits[split].name for split in splits)
        return f"folders {named}, with {len(classes)} class folders" if classes or flat else None
    classes = [folder for folder in subfolders(path) if _has_image(folder)]
    return f"{len(classes)} folders of images" if classes and not _other_form(path) else None


def read(
    path: Path, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """Images decoded as they are read; the folder's name is the class.

    Raises: DataError for unreadable images, a single class, and images that stand in no class folder
    """
    check_kind("image", str(path), like)
    names, how, warnings = _listing(path)
    classes = {split: [_class_of(name, split, how) for name in found] for split, found in names.items()}
    _check_classes(path, classes, like)
    encoded = {split: Files(path, tuple(found)) for split, found in names.items()}
    targets = {split: raw_target(np.array(found, dtype=str), "the folders") for split, found in classes.items()}
    tick("hashing files", 0, 0)
    about = About(
        name=path.resolve().name,
        source=str(path.resolve()),
        form="class folders",
        why={"folders": "a folder per split", "lists": "a list of files per split", "none": path.name}[how],
        warnings=warnings,
        fingerprint=fingerprint.of_files([path / name for found in names.values() for name in found], path),
    )
    return assemble_images(encoded, targets, about, config, every_header=True, task=task, tick=tick, like=like)


def _listing(path: Path) -> tuple[dict[str, list[str]], str, list[str]]:
    """Split -> names of images relative to `path` in natural order; how splits are told; warnings."""
    splits = split_folders(path)
    if "train" in splits:
        found = {split: images_below(splits[split], path) for split in ORDER if split in splits}
        _no_empty(path, {splits[split].name: names for split, names in found.items()})
        return found, "folders", []
    everything = images_below(path, path)
    _no_empty(path, {path.name: everything})
    loose = [name for name in everything if "/" not in name]
    inside = [name for name in everything if "/" in name]
    warnings = [f"{len(loose):,} images stand beside the class folders and are left out"] if loose else []
    lists = split_lists(path)
    if "train" not in lists:
        return {"train": inside}, "none", warnings
    chosen = {split: listed(file, inside) for split, file in lists.items()}
    no_overlap(lists, chosen)
    unlisted = len(inside) - len({name for names in chosen.values() for name in names})
    warnings += [f"{unlisted:,} images are in none of {', '.join(f.name for f in lists.values())} and are left out"] * (
        unlisted > 0
    )
    return chosen, "lists", warnings


def _class_of(name: str, split: str, how: str) -> str:
    """The class folder of an image's relative name.

    Raises: DataError for an image that stands beside the class folders of its split
    """
    parts = PurePosixPath(name).parts
    depth = 1 if how == "folders" else 0
    if len(parts) < depth + 2:
        raise DataError(f"{name} stands in no class folder; put it into one, {parts[0]}/CLASS/{parts[-1]}")
    return parts[depth]


def _check_classes(path: Path, classes: Mapping[str, Sequence[str]], like: Schema | None) -> None:
    """Raises: DataError for a single class, and for one that a trained model does not know."""
    known = sorted(set(classes.get("train", [])) if like is None else set(like.target.names), key=natural)
    if like is None and len(known) == 1:
        raise DataError(
            f"{path} has images of one class only ({known[0]}); a classifier needs a folder of images for each of two or more"
        )
    for split, names in classes.items():
        for strange in sorted(set(names) - set(known), key=natural):
            near = nearest(strange, known, count=1)
            hint = f"is it {near[0]!r}?" if near else f"there are {', '.join(known[:8])}"
            whose = "train does not have" if like is None else "the model does not know"
            raise DataError(f"{path}: {split} has a class {strange!r} that {whose}; {hint}")


def split_folders(path: Path) -> dict[str, Path]:
    """Split -> the folder named for it. Raises: DataError when two folders mean one split."""
    found: dict[str, Path] = {}
    for folder in subfolders(path):
        split = SPLIT_NAMES.get(folder.name.lower())
        if split is None:
            continue
        if split in found:
            raise DataError(
                f"{path}: folders {found[split].name} and {folder.name} both hold the {split} split; keep one"
            )
        found[split] = folder
    return found


def subfolders(path: Path) -> list[Path]:
    """Folders directly below, in the order a person would list them; hidden ones and the system's own left out."""
    return sorted(
        (entry for entry in path.iterdir() if entry.is_dir() and not _is_ignored(entry.name)),
        key=lambda folder: natural(folder.name),
    )


def _is_ignored(name: str) -> bool:
    return name.startswith(".") or name.lower() in IGNORED


def images_below(folder: Path, root: Path) -> list[str]:
    """Relative names of the images below a folder; links are followed, hidden entries are not."""
    found = []
    prefix = len(str(root)) + 1
    for place, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not _is_ignored(name)]
        found += [os.path.join(place, name)[prefix:] for name in files if is_image(Path(name))]
    return sorted((name.replace(os.sep, "/") for name in found), key=natural)


def _has_image(folder: Path) -> bool:
    for _, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not _is_ignored(name)]
        if any(is_image(Path(name)) for name in files):
            return True
    return False


def _other_form(path: Path) -> bool:
    """Whether images stand beside their masks or annotations, here or one folder below: the form of another task."""
    for folder in (path, *subfolders(path)):
        names = {below.name.lower() for below in subfolders(folder)}
        if names & IMAGE_FOLDERS and names & ANNOTATION_FOLDERS:
            return True
    return False


def _no_empty(path: Path, found: Mapping[str, Sequence[str]]) -> None:
    for name, images in found.items():
        if not images:
            raise DataError(f"{path}: {name} holds no images; fill it or take it away")


def split_lists(path: Path) -> dict[str, Path]:
    """Split -> text file naming its images, such as train.txt."""
    found = {SPLIT_NAMES[f.stem.lower()]: f for f in sorted(path.glob("*.txt")) if f.stem.lower() in SPLIT_NAMES}
    return {split: found[split] for split in ORDER if split in found}


def listed(file: Path, names: Sequence[str]) -> list[str]:
    """The images that a list names, by path or by file name, with or without its ending.

    Raises: DataError for a line that names none, or several
    """
    by_name: dict[str, list[str]] = {}
    for name in names:
        pure = PurePosixPath(name)
        for key in {name, str(pure.with_suffix("")), pure.name, pure.stem}:
            by_name.setdefault(key, []).append(name)
    chosen: dict[str, None] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        key = line.strip().replace("\\", "/").removeprefix("./")
        if not key:
            continue
        matches = by_name.get(key, [])
        if len(matches) != 1:
            what = "no image here" if not matches else f"{len(matches)} images: {', '.join(matches[:LISTED])}"
            raise DataError(f"{file} line {number}: {key!r} names {what}; write its path from {file.parent.name}/")
        chosen[matches[0]] = None
    if not chosen:
        raise DataError(f"{file} names no images; fill it or take it away")
    return sorted(chosen, key=natural)


def no_overlap(lists: Mapping[str, Path], chosen: Mapping[str, Sequence[str]]) -> None:
    """Raises: DataError when a name stands in the lists of two splits."""
    counts = Counter(name for names in chosen.values() for name in names)
    twice = next((name for name, number in counts.items() if number > 1), None)
    if twice is not None:
        files = [lists[split].name for split, names in chosen.items() if twice in names]
        raise DataError(f"{twice} is in {' and in '.join(files)}; an image belongs to one split")
