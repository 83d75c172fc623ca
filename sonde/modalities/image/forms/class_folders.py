"""Class folders: one folder of images per class, under train, validation and test folders or with lists, or neither."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Schema
from sonde.core.errors import DataError, nearest
from sonde.core.natural_order import in_natural_order
from sonde.core.progress import Tick, silent
from sonde.data.assemble import About
from sonde.data.listing import Listing, split_folders
from sonde.data.splits import in_order
from sonde.data.targets import raw_target
from sonde.data.unzipped import text_of
from sonde.modalities.catalogue import check_kind
from sonde.modalities.image.annotations.annotated import names_by_key, split_lists
from sonde.modalities.image.files import SUFFIXES
from sonde.modalities.image.modality import IMAGE_FOLDERS
from sonde.modalities.image.rows import Files, assemble_images
from sonde.modalities.modality import Wanted

ANNOTATION_FOLDERS = frozenset({"annotations", "masks", "labels", "segmentationclass"})
LISTED = 4


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a folder holds images in class folders, None if it does not."""
    splits = split_folders(listing)
    if "train" in splits:
        classes = _classes(splits["train"])
        flat = not classes and bool(splits["train"].ending(*SUFFIXES))
        named = ", ".join(splits[split].name for split in splits)
        return f"folders {named}, with {len(classes)} class folders" if classes or flat else None
    classes = _classes(listing)
    return f"{len(classes)} folders of images" if classes and not _other_form(listing) else None


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """Images decoded as they are read; the folder's name is the class.

    Raises: DataError for unreadable images, a single class, and images that stand in no class folder
    """
    path = listing.path
    check_kind("image", str(path), like)
    names, why, warnings = _names(listing)
    depth = int("train" in split_folders(listing))
    classes = {split: [_class_of(name, depth) for name in found] for split, found in names.items()}
    _check_classes(path, classes, like)
    encoded = {split: Files(path, tuple(found)) for split, found in names.items()}
    targets = {split: raw_target(np.array(found, dtype=str), "the folders") for split, found in classes.items()}
    tick("hashing files", 0, 0)
    files = [path / name for found in names.values() for name in found]
    about = About.at(listing, form="class folders", why=why, files=files, warnings=warnings)
    return assemble_images(encoded, targets, about, config, every_header=True, task=task, tick=tick, like=like)


def _names(listing: Listing) -> tuple[dict[str, list[str]], str, list[str]]:
    """Split -> names of images relative to the listing's path in natural order; what tells splits apart; warnings."""
    path, splits = listing.path, split_folders(listing)
    if "train" in splits:
        found = {split: images_below(folder, path) for split, folder in in_order(splits).items()}
        _no_empty(path, {splits[split].name: names for split, names in found.items()})
        return found, "a folder per split", []
    everything = images_below(listing, path)
    _no_empty(path, {path.name: everything})
    loose = [name for name in everything if "/" not in name]
    inside = [name for name in everything if "/" in name]
    warnings = [f"{len(loose):,} images are outside the class folders and are not used"] if loose else []
    lists = split_lists(listing)
    chosen, unlisted = by_lists(lists, inside)
    return chosen, "a list of files per split" if lists else path.name, warnings + unlisted


def _class_of(name: str, depth: int) -> str:
    """The class folder of an image's relative name, which lies below so many other folders.

    Raises: DataError for an image that stands beside the class folders of its split
    """
    parts = PurePosixPath(name).parts
    if len(parts) < depth + 2:
        raise DataError(f"{name} is not in a class folder; move it into one, {parts[0]}/CLASS/{parts[-1]}")
    return parts[depth]


def _check_classes(path: Path, classes: Mapping[str, Sequence[str]], like: Schema | None) -> None:
    """Raises: DataError for a single class, and for one that a trained model does not know."""
    known = in_natural_order(set(classes.get("train", [])) if like is None else set(like.target.names))
    if like is None and len(known) == 1:
        raise DataError(
            f"{path} has images of one class only ({known[0]}); a classifier needs a folder of images for each of two or more"
        )
    for split, names in classes.items():
        for strange in in_natural_order(set(names) - set(known)):
            near = nearest(strange, known, count=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known[:8])}"
            whose = "train does not have" if like is None else "the model was not trained on"
            raise DataError(f"{path}: {split} has a class {strange!r} that {whose}; {hint}")


def images_below(listing: Listing, root: Path) -> list[str]:
    """Names relative to `root` of the images at any depth, in natural order."""
    before = listing.path.relative_to(root).as_posix()
    return [name if before == "." else f"{before}/{name}" for name in listing.below_ending(SUFFIXES)]


def _classes(listing: Listing) -> list[Listing]:
    """The folders directly below that hold images."""
    return [folder for folder in listing.folders if not folder.endings.isdisjoint(SUFFIXES)]


def _other_form(listing: Listing) -> bool:
    """Whether images stand beside their masks or annotations, here or one folder below: the form of another task."""
    for folder in (listing, *listing.folders):
        names = {below.name.lower() for below in folder.folders}
        if not names.isdisjoint(IMAGE_FOLDERS) and names & ANNOTATION_FOLDERS:
            return True
    return False


def _no_empty(path: Path, found: Mapping[str, Sequence[str]]) -> None:
    for name, images in found.items():
        if not images:
            raise DataError(f"{path}: {name} holds no images; add files or remove it")


def by_lists(lists: Mapping[str, Path], names: Sequence[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Names of each split's images as its list (`split_lists`) has them, else all as train; a warning of those in no list.

    Raises: DataError for a line that names no image or several, and for an image in two lists
    """
    if not lists:
        return {"train": list(names)}, []
    chosen = {split: _listed(file, names) for split, file in lists.items()}
    counts = Counter(name for found in chosen.values() for name in found)
    twice = next((name for name, number in counts.items() if number > 1), None)
    if twice is not None:
        files = [lists[split].name for split, found in chosen.items() if twice in found]
        raise DataError(f"{twice} is in {' and in '.join(files)}; an image belongs to one split")
    left, files = len(names) - len(counts), [file.name for file in lists.values()]
    return chosen, [f"{left:,} images are in none of {', '.join(files)} and are not used"] if left else []


def _listed(file: Path, names: Sequence[str]) -> list[str]:
    """The images that a list names, by path or by file name, with or without its ending.

    Raises: DataError for a line that names none, or several
    """
    by_name = names_by_key(names)
    chosen: dict[str, None] = {}
    for number, line in enumerate(text_of(file).splitlines(), start=1):
        key = line.strip().replace("\\", "/").removeprefix("./")
        if not key:
            continue
        matches = by_name.get(key, [])
        if len(matches) != 1:
            what = "no image here" if not matches else f"{len(matches)} images: {', '.join(matches[:LISTED])}"
            raise DataError(f"{file} line {number}: {key!r} names {what}; write its path from {file.parent.name}/")
        chosen[matches[0]] = None
    if not chosen:
        raise DataError(f"{file} names no images; add some or remove it")
    return in_natural_order(chosen)
