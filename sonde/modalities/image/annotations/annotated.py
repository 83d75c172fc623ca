"""What annotation files say: images, and of each the boxes and names of the objects marked in it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from sonde.core.errors import DataError
from sonde.data.listing import Listing
from sonde.data.splits import SPLIT_NAMES, in_order
from sonde.data.unzipped import text_of
from sonde.modalities.image.files import is_image
from sonde.modalities.image.modality import FILES

NAMELESS = "object"  # the class of boxes in files that give none
SNIFFED = 1 << 16  # bytes of a file that are looked at to tell its form


@dataclass(frozen=True, kw_only=True)
class Annotated:
    """One image and the objects marked in it.

    file:  the image, which need not be there
    place: what an error calls the annotation: "Annotations/17.xml", "instances.json image 17"
    boxes: (n, 4) float64 left, top, right, bottom in pixels of the upright image, or as shares of its width and height
    names: (n,) each object's class
    size:  (height, width) that the annotation gives the image, 0 where it gives none
    """

    file: Path
    place: str
    boxes: np.ndarray
    names: tuple[str, ...]
    size: tuple[float, float] = (0, 0)


@dataclass(frozen=True, kw_only=True)
class Annotations:
    """All that was found in one place.

    form:      "Pascal VOC", …
    why:       how the splits are known, or which files were read
    splits:    "train" always
    names:     classes in the order the files number them; empty where files only name them
    shares:    whether boxes are shares of the image's width and height
    files:     annotation files, by which changed data is noticed
    set_aside: what was left out by its own mark -> how many: "crowds", …
    notes:     other oddities that do not stop anything
    """

    form: str
    why: str
    splits: Mapping[str, Sequence[Annotated]]
    names: tuple[str, ...] = ()
    shares: bool = False
    files: Sequence[Path] = ()
    set_aside: Mapping[str, int] = field(default_factory=dict)
    notes: Sequence[str] = ()


Skipped = list[str] | None
"""Collects what cannot be read where it is to be passed over; None where it is to stop."""


def pass_over(trouble: DataError, skipped: Skipped) -> None:
    """Count what cannot be read. Raises: the trouble, where nothing is to be skipped."""
    if skipped is None:
        raise trouble
    skipped.append(str(trouble))


def annotated(
    file: Path, place: str, objects: Sequence[tuple[str, Sequence[float]]], *, size: tuple[float, float] = (0, 0)
) -> Annotated:
    """An image with (name, (left, top, right, bottom)) of each object, and the (height, width) it is said to have.

    Raises: DataError for sides that are not finite
    """
    boxes = np.array([box for _, box in objects], np.float64).reshape(-1, 4)
    for number, box in enumerate(boxes, start=1):
        if not np.isfinite(box).all():
            raise DataError(f"{place}: box {number} has a coordinate that is not a finite number; fix the file")
    return Annotated(file=file, place=place, boxes=boxes, names=tuple(name for name, _ in objects), size=size)


def size_in(entry: Any, height: str = "height", width: str = "width") -> tuple[float, float]:
    """(height, width) that an entry gives its image; zeros where it gives none, as many programs do.

    >>> size_in({"height": 48, "width": "64"}), size_in({"height": None, "width": 64}), size_in({})
    ((48.0, 64.0), (0, 0), (0, 0))
    """
    try:
        found = float(entry.get(height) or 0), float(entry.get(width) or 0)
    except (TypeError, ValueError):
        return 0, 0
    return found if min(found) > 0 and max(found) < float("inf") else (0, 0)


def number(text: str | None, what: str, place: str) -> float:
    """A number in a file. Raises: DataError naming the place."""
    try:
        return float(text or "")
    except ValueError:
        raise DataError(f"{place}: {what} is {text!r}, which is not a number; fix the file") from None


def folders_in(path: Path) -> list[Path]:
    """Folders directly below, hidden ones left out, in natural order."""
    return [folder.path for folder in Listing(path).folders]


def images_below(folder: Path) -> list[Path]:
    """All images at any depth, hidden entries left out, in natural order."""
    return [folder / name for name in Listing(folder).below if is_image(Path(name))]


def split_of(name: str) -> str | None:
    """The split that a file's or folder's name tells, perhaps among other words.

    >>> split_of("instances_val2017"), split_of("Training"), split_of("cells")
    ('validation', 'train', None)
    """
    words = "".join(letter if letter.isalpha() else " " for letter in name.lower()).split()
    return next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), None)


def files_by_split(place: Path, files: Sequence[Path], split_of_file: Callable[[Path], str | None]) -> dict[str, Path]:
    """Split -> file, by what its name tells; a single one is train, and without one for train there are none.

    Raises: DataError for two files of a split
    """
    if len(files) == 1:
        return {"train": files[0]}
    splits: dict[str, Path] = {}
    for file in files:
        split = split_of_file(file)
        if split is not None and split in splits:
            raise DataError(f"{place}: {splits[split].name} and {file.name} both hold the {split} split; keep one")
        if split is not None:
            splits[split] = file
    return splits if "train" in splits else {}


def unnamed(listing: Listing, splits: Mapping[str, Sequence[Annotated]]) -> list[str]:
    """A note on the images below a folder that no annotation names; empty where there are none."""
    if not listing.is_dir:
        return []
    used = {image.file for images in splits.values() for image in images}
    left = [name for name in listing.below_ending(FILES) if listing.path / name not in used]
    return [f"{len(left):,} images have no annotation and are not used, such as {left[0]}"] if left else []


def split_lists(folder: Listing | None) -> dict[str, Path]:
    """Split -> text file that lists what belongs to it, such as train.txt; empty unless there is one for train."""
    files = folder.ending(".txt") if folder is not None else []
    lists = {SPLIT_NAMES[file.stem.lower()]: file for file in files if file.stem.lower() in SPLIT_NAMES}
    return in_order(lists) if "train" in lists else {}


def names_by_key(names: Iterable[str]) -> dict[str, list[str]]:
    """What a list may write for a name (a path with forward slashes, or a file's name, with or without its ending) -> names."""
    found: dict[str, list[str]] = {}
    for name in names:
        pure = PurePosixPath(name)
        for key in {name, str(pure.with_suffix("")), pure.name, pure.stem}:
            found.setdefault(key, []).append(name)
    return found


def chosen_by(lists: Mapping[str, Path], names: Sequence[str], skipped: Skipped) -> dict[str, list[str]]:
    """Split -> those of `names` (paths with forward slashes) that its list names, by path, file name or stem.

    Raises: DataError for a line that names none or several, and for a name in two lists
    """
    by_key = names_by_key(names)
    owner: dict[str, str] = {}
    for split, file in lists.items():
        for line, text in enumerate(text_of(file).splitlines(), start=1):
            key = text.strip().replace("\\", "/").removeprefix("./")
            matches = by_key.get(key) or by_key.get(PurePosixPath(key).name, [])
            if not key:
                continue
            if len(matches) != 1:
                what = "no annotated image" if not matches else f"{len(matches)} files"
                pass_over(DataError(f"{file} line {line}: {key!r} names {what}; fix the list"), skipped)
                continue
            if owner.setdefault(matches[0], split) != split:
                raise DataError(
                    f"{matches[0]} is in the lists of {owner[matches[0]]} and {split}; an image belongs to one split"
                )
    return {split: [name for name in names if owner.get(name) == split] for split in lists}


def unlisted(names: Sequence[str], chosen: Mapping[str, Sequence[str]], lists: Mapping[str, Path]) -> list[str]:
    """A note on what is in no list; empty where there is nothing to say."""
    left = len(names) - sum(map(len, chosen.values()))
    files = ", ".join(file.name for file in lists.values())
    return [f"{left:,} annotated images are in none of {files} and are not used"] if lists and left else []
