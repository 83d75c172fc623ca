"""Folders and lists that tell the splits of class folders in other ways than train/ and train.txt."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from sonde.core.errors import DataError
from sonde.data.listing import Listing
from sonde.data.unzipped import text_of
from sonde.modalities.image.annotations.annotated import split_of
from sonde.modalities.image.modality import FILES

NUMBERED = ("images.txt", "train_test_split.txt")  # Caltech-UCSD Birds: a number and a path; the number and 1 for train


def with_images(listing: Listing) -> list[Listing]:
    """The folders directly below that hold images."""
    return [folder for folder in listing.folders if not folder.endings.isdisjoint(FILES)]


def unwrapped(listing: Listing) -> Listing:
    """The folder, or the one in it that is called so too, where it holds nothing else: seg_train/seg_train."""
    below = with_images(listing)
    alone = len(below) == 1 and below[0].name == listing.name and not listing.ending(*FILES)
    return unwrapped(below[0]) if alone else listing


def told_splits(listing: Listing) -> dict[str, Listing]:
    """Split -> folder whose name tells it among other words, as training_set and test_set; {} where these are no splits.

    All must hold folders of the same classes, two at least: "train station" beside "test bench" is a class.
    """
    found: dict[str, Listing] = {}
    for folder in with_images(listing):
        split = split_of(folder.name)
        if split in found:
            return {}
        if split is not None:
            found[split] = unwrapped(folder)
    if "train" not in found or len(found) < 2:
        return {}
    classes = [{inner.name for inner in with_images(folder)} for folder in found.values()]
    return found if len(set.intersection(*classes)) > 1 else {}


def numbered_split(listing: Listing, names: Sequence[str]) -> dict[str, list[str]]:
    """Split -> those of `names` that the lists of Caltech-UCSD Birds put there; {} where there are no such lists.

    Raises: DataError for a line that does not name one of the images
    """
    if not all((listing.path / name).is_file() for name in NUMBERED):
        return {}
    paths, told = (_pairs(listing.path / name) for name in NUMBERED)
    known = {"/".join(PurePosixPath(name).parts[-2:]): name for name in names}
    found: dict[str, list[str]] = {"train": [], "test": []}
    for number, path in paths.items():
        name = known.get("/".join(PurePosixPath(path).parts[-2:]))
        if name is None or told.get(number) not in ("0", "1"):
            raise DataError(
                f"{listing.path / NUMBERED[0]}: image {number} ({path}) is not there, or {NUMBERED[1]} does not say 0 or 1 of "
                "it; unpack the images again, or remove both lists"
            )
        found["train" if told[number] == "1" else "test"].append(name)
    return {split: members for split, members in found.items() if members}


def _pairs(file: Path) -> Mapping[str, str]:
    rows = (line.split(maxsplit=1) for line in text_of(file).splitlines())
    return {row[0]: row[1].strip() for row in rows if len(row) == 2}


def alone_in(listing: Listing) -> Listing:
    """The first folder below that holds more than a single folder of images: where data begin that were packed in folders."""
    below = with_images(listing)
    alone = len(below) == 1 and not listing.ending(*FILES) and split_of(below[0].name) is None
    return alone_in(below[0]) if alone else listing


def empty_folders(listing: Listing) -> list[str]:
    """A warning of folders without any file, which are no classes; empty where there are none."""
    bare = [f"{folder.name}/" for folder in listing.folders if not folder.endings]
    return [f"folders without files are not classes: {', '.join(bare[:4])}{' …' * (len(bare) > 4)}"] if bare else []


def folders_in_classes(classes: Sequence[Listing]) -> list[str]:
    """A warning where class folders hold several folders of images, which may be the classes; empty where none does."""
    inner = {folder.name: [one.name for one in with_images(alone_in(folder))] for folder in classes}
    deep = {name: names for name, names in inner.items() if len(names) > 1}
    if not deep:
        return []
    name, names = next(iter(deep.items()))
    return [
        f"{len(deep):,} class folders hold several folders, such as {name}/ with "
        f"{', '.join(names[:4])}{' …' * (len(names) > 4)}: the outer ones are the classes; if the inner ones are, give "
        "a folder that holds them"
    ]


def joined_classes(names: Sequence[str]) -> list[str]:
    """A warning of class folders that are named for several others; empty where there are none.

    >>> joined_classes(["cat", "cat_dog", "dog"])[0].split(" is ")[0], joined_classes(["hot", "hot_dog"])
    ('cat_dog', [])
    """
    known = {name.lower() for name in names}
    parts = {name: [one for one in re.split(r"[ _+&,-]+(?:and[ _]+)?", name.lower()) if one] for name in names}
    joined = [name for name, several in parts.items() if len(several) > 1 and set(several) <= known - {name.lower()}]
    if not joined:
        return []
    return [
        f"{', '.join(joined[:4])} is learned as a class of its own, though its name joins those of other classes; "
        "where an image has several labels, name them in a table: file_name,labels with a.jpg,cat|dog"
    ]
