"""Class folders: one folder of images per class, under train, validation and test folders or with lists, or neither."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from sonde.data.targets import first_few, raw_target
from sonde.data.unzipped import text_of
from sonde.modalities.catalogue import check_kind
from sonde.modalities.image.annotations.annotated import names_by_key, split_lists
from sonde.modalities.image.files import SUFFIXES
from sonde.modalities.image.folder_roles import UNLABELLED, is_role, masks_among, roles_among, strangers
from sonde.modalities.image.modality import IMAGE_FOLDERS
from sonde.modalities.image.rows import Files, assemble_images
from sonde.modalities.image.split_names import (
    NUMBERED,
    alone_in,
    empty_folders,
    folders_in_classes,
    joined_classes,
    numbered_split,
    told_splits,
    with_images,
)
from sonde.modalities.modality import Wanted
from sonde.modalities.table.modality import FILES as TABLES
from sonde.tasks.table import one_class_is_enough

ANNOTATION_FOLDERS = frozenset({"annotations", "masks", "labels", "segmentationclass", "label", "mask"})
LISTED = 4


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a folder's images are laid out.

    root:     the folder that class folders or split folders stand in: the path, or its only folder of images
    splits:   split -> folder of class folders
    loose:    class folders outside of those, which are train where no folder is
    unlabelled: splits' folders whose images are in no class folder
    roles:    folders that are named for a role, not for a class
    beside:   other folders of images beside the split folders
    """

    root: Listing
    splits: Mapping[str, Listing]
    loose: Sequence[Listing]
    unlabelled: Sequence[Listing] = ()
    roles: Sequence[Listing] = ()
    beside: Sequence[Listing] = ()

    @property
    def split(self) -> bool:
        """Whether train has a folder of its own."""
        return "train" in self.splits


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a folder holds images in class folders, None if it does not."""
    found = _layout(listing)
    if found.split:
        classes = with_images(found.splits["train"])
        flat = not classes and bool(found.splits["train"].ending(*SUFFIXES))
        named = ", ".join(folder.name for folder in (*found.splits.values(), *found.unlabelled))
        return f"folders {named}, with {len(classes)} class folders" if classes or flat else None
    if _other_form(listing) or not (found.loose or found.roles):
        return None
    if not found.loose:
        return f"folders of images named for a role: {_named(found.roles)}"
    return f"{len(found.loose)} folders of images"


def has_labels(listing: Listing) -> bool:
    """Whether folders in a folder give images their classes."""
    found = _layout(listing)
    return bool(with_images(found.splits["train"]) if found.split else found.loose)


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """Images decoded as they are read; the folder's name is the class.

    Raises: DataError for unreadable images, a single class, and images that stand in no class folder
    """
    path = listing.path
    check_kind("image", str(path), like)
    found = _layout(listing)
    _refuse_roles(listing, found)
    names, why, warnings = _names(found, path)
    classes = {
        split: [_class_of(name, _depth(found, split, path)) for name in members] for split, members in names.items()
    }
    if like is not None or not one_class_is_enough(task):
        _check_classes(found, path, classes, like)
    encoded = {split: Files(path, tuple(members)) for split, members in names.items()}
    targets = {split: raw_target(np.array(members, dtype=str), "the folders") for split, members in classes.items()}
    tick("hashing files", 0, 0)
    files = [path / name for members in names.values() for name in members]
    about = About.at(listing, form="class folders", why=why, files=files, warnings=warnings)
    return assemble_images(encoded, targets, about, config, every_header=True, task=task, tick=tick, like=like)


def _layout(listing: Listing) -> Layout:
    """Raises: DataError when two folders mean one split"""
    splits = split_folders(listing)
    if "train" not in splits:
        splits = told_splits(listing) or splits
    if "train" in splits:
        classes = {folder.name for folder in with_images(splits["train"])}
        bare = [split for split in splits if split != "train" and _unlabelled(splits[split], classes)]
        kept = {split: folder for split, folder in splits.items() if split not in bare}
        known = [folder.path for folder in splits.values()]
        beside = [one for one in with_images(listing) if not any(path.is_relative_to(one.path) for path in known)]
        return Layout(root=listing, splits=kept, loose=(), unlabelled=[splits[split] for split in bare], beside=beside)
    inside = [folder for folder in with_images(listing) if folder.path not in {s.path for s in splits.values()}]
    named = set(roles_among([folder.name for folder in inside]))
    roles = [folder for folder in inside if folder.name in named]
    loose = [folder for folder in inside if folder.name not in named]
    if not loose and len(roles) == 1 and not splits and len(with_images(roles[0])) > 1:
        return _layout(roles[0])  # images/cat, images/dog
    held = {split: folder for split, folder in splits.items() if not folder.endings.isdisjoint(SUFFIXES)}
    bare = [split for split in held if _unlabelled(held[split], {folder.name for folder in loose})]
    kept = {split: folder for split, folder in held.items() if split not in bare}
    return Layout(root=listing, splits=kept, loose=loose, unlabelled=[held[split] for split in bare], roles=roles)


def _unlabelled(split: Listing, classes: set[str]) -> bool:
    """Whether a split's images are in no class folder: beside each other, or all in one folder that is named so."""
    inside = with_images(split)
    if not inside:
        return bool(split.ending(*SUFFIXES))
    (only, *more) = (folder.name for folder in inside)
    bare = only.lower() in UNLABELLED or only.lower() == split.name.lower() or is_role(only)
    return not more and bare and only not in classes


def _refuse_roles(listing: Listing, found: Layout) -> None:
    """Raises: DataError where folders of images are named for what they are for, and none for a class."""
    roles = with_images(found.splits["train"]) if found.split else found.roles
    if found.loose or not roles or not all(is_role(folder.name) for folder in roles):
        return
    tables = listing.ending(*TABLES)
    raise DataError(
        f"{listing.path}: folders of images ({_named(roles)}) are named for what they hold, not for classes; "
        + (f"{tables[0].name} names none of their images: give it their file names, " if tables else "")
        + ("or" if tables else "name a table of images and labels train.csv beside them, or")
        + " move images into a folder for each class, CLASS/NAME; for masks, images/ and masks/ with equal names; boxes of "
        "another program can be exported as COCO or YOLO"
    )


def _named(folders: Sequence[Listing]) -> str:
    return first_few([f"{folder.name}/" for folder in folders], LISTED)


def _names(found: Layout, path: Path) -> tuple[dict[str, list[str]], str, list[str]]:
    """Split -> names of images relative to the path in natural order; what tells splits apart; warnings."""
    names = {split: images_below(folder, path) for split, folder in in_order(found.splits).items()}
    _no_empty(path, {found.splits[split].name: members for split, members in names.items()})
    outside, lists = found.root.ending(*SUFFIXES), {}
    if not found.split:
        names["train"] = [name for folder in found.loose for name in images_below(folder, path)]
        lists = split_lists(found.root)
        if not lists and set(names) == {"train"} and (chosen := numbered_split(Listing(path), names["train"])):
            lists = {"train": path / NUMBERED[1]}
            names, unlisted = chosen, []
        elif not lists or set(names) == {"train"}:
            chosen, unlisted = by_lists(lists, names["train"])
            names = {**names, **chosen}
        else:
            unlisted = [f"{_named_lists(lists)} are not read, since folders give the splits"]
    else:
        unlisted = []
    names, masks = _without_masks(names)
    warnings = [f"{len(outside):,} images are outside the class folders and are not used"] if outside else []
    kinds = [*strangers(found.root.below), *_odd_folders(found)]
    why = "a folder per split" if found.split else "a list of files per split" if lists else found.root.name
    return in_order(names), why, [*warnings, *unlisted, *_set_aside(found), *masks, *kinds]


def _odd_folders(found: Layout) -> list[str]:
    """Warnings of folders that are empty, and of those within class folders."""
    train = found.splits.get("train", found.root)
    classes = with_images(train) if found.split else found.loose
    joined = joined_classes([folder.name for folder in classes])
    return [*empty_folders(train), *folders_in_classes(classes), *joined]


def _named_lists(lists: Mapping[str, Path]) -> str:
    return ", ".join(file.name for file in lists.values())


def _without_masks(names: Mapping[str, list[str]]) -> tuple[dict[str, list[str]], list[str]]:
    """Names without those that are masks of others; a warning of how many."""
    masks = masks_among([name for members in names.values() for name in members])
    if not masks:
        return dict(names), []
    first = next(iter(masks))
    warning = (
        f"{len(masks):,} images are masks of others by their names, such as {first}, and are not trained on; "
        "--task segmentation learns them"
    )
    return {split: [name for name in members if name not in masks] for split, members in names.items()}, [warning]


def _set_aside(found: Layout) -> list[str]:
    """Warnings of folders that are not used."""
    bare = [
        f"{folder.name}/ is set aside: its {len(folder.below_ending(SUFFIXES)):,} images are in no class folder, so it cannot "
        "be evaluated on; predict on it after training"
        for folder in found.unlabelled
    ]
    roles = [
        f"{folder.name}/ is named for a role, not for a class: its {len(folder.below_ending(SUFFIXES)):,} images are not used"
        for folder in found.roles
    ]
    beside = [
        f"{folder.name}/ is beside the split folders: its {len(folder.below_ending(SUFFIXES)):,} images are not used"
        for folder in found.beside
    ]
    return bare + roles + beside


def _depth(found: Layout, split: str, path: Path) -> int:
    """How many folders stand before the class in the name of an image of a split, seen from the path."""
    place = found.splits.get(split, found.root)
    return len(place.path.relative_to(path).parts)


def _class_of(name: str, depth: int) -> str:
    """The class folder of an image's relative name, which lies below so many other folders.

    Raises: DataError for an image that stands beside the class folders of its split
    """
    parts = PurePosixPath(name).parts
    if len(parts) < depth + 2:
        raise DataError(f"{name} is not in a class folder; move it into one, {parts[0]}/CLASS/{parts[-1]}")
    return parts[depth]


def _check_classes(found: Layout, path: Path, classes: Mapping[str, Sequence[str]], like: Schema | None) -> None:
    """Raises: DataError for a single class, and for one that a trained model does not know."""
    known = in_natural_order(set(classes.get("train", [])) if like is None else set(like.target.names))
    if like is None and len(known) == 1:
        inner = alone_in(found.root)
        if inner.path != found.root.path and with_images(inner):
            held = _named(with_images(inner))
            raise DataError(
                f"{path} holds a single folder, and the data are in {inner.path} ({held}); give that as DATA"
            )
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
