"""FiftyOne's image datasets: labels.json beside data/, with classes by number and boxes by shares of the image.

{"classes": ["cat"], "labels": {"000001": [{"label": 0, "bounding_box": [left, top, width, height]}]}}   detection
{"classes": ["cat"], "labels": {"000001": 0}}                                                         classification
Source: docs.voxel51.com, FiftyOneImageDetectionDataset and FiftyOneImageClassificationDataset
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sonde.core.errors import DataError
from sonde.data.listing import Listing
from sonde.modalities.image.annotations.annotated import (
    Annotated,
    Annotations,
    Skipped,
    annotated,
    pass_over,
    unnamed,
)
from sonde.modalities.image.annotations.exported import json_of, marked_files, one_a_split, written_by
from sonde.modalities.image.annotations.locate import Locator

PROGRAM = "FiftyOne"


def recognise(listing: Listing) -> str | None:
    """Why a file or folder holds boxes that FiftyOne exported, None if it does not."""
    files = files_of(listing)
    boxes = [file for file in files.values() if _boxes_in(file)]
    return f"{', '.join(file.name for file in boxes)} by {PROGRAM}" if files and len(boxes) == len(files) else None


def read(listing: Listing, skipped: Skipped) -> Annotations:
    """All images that have an entry. Raises: DataError for entries that are not as FiftyOne writes them"""
    files, locator = files_of(listing), Locator(listing.path if listing.is_dir else listing.path.parent)
    splits: dict[str, list[Annotated]] = {}
    names: dict[str, None] = {}
    for split, file in files.items():
        content = json_of(file)
        known = content.get("classes") or []
        names |= dict.fromkeys(map(str, known))
        splits[split] = []
        for key, objects in content["labels"].items():
            place = f"{file.name} {key}"
            try:
                with written_by(PROGRAM, place):
                    found = [
                        (name_of(one["label"], known, place), _corners(one["bounding_box"])) for one in objects or []
                    ]
                splits[split].append(annotated(locator.find(file.parent / "data", key), place, found))
            except DataError as trouble:
                pass_over(trouble, skipped)
    used = {name for images in splits.values() for image in images for name in image.names}
    return Annotations(
        form=f"{PROGRAM}'s export",
        why=", ".join(file.name for file in files.values()),
        splits=splits,
        names=tuple(name for name in names if name in used) + tuple(sorted(used - set(names))),
        shares=True,
        files=list(files.values()),
        notes=unnamed(listing, splits),
    )


def files_of(listing: Listing) -> dict[str, Path]:
    """Split -> file. Raises: DataError for two files of a split"""
    found = marked_files(listing, ".json", _is_one)
    called = [file for file in found if file.name == "labels.json" or listing.is_file]
    return one_a_split(listing, [file for file in called if isinstance(json_of(file).get("labels"), Mapping)])


def labels_in(listing: Listing) -> Iterator[tuple[str, Path, str, list[str]]]:
    """(split, file, image, its classes) of files that give images classes; none where objects are marked."""
    for split, file in files_of(listing).items():
        if _boxes_in(file):
            continue
        content = json_of(file)
        for key, label in content["labels"].items():
            if label is not None:
                place = f"{file.name} {key}"
                several = label if isinstance(label, list) else [label]
                with written_by(PROGRAM, place):
                    yield split, file, key, [name_of(one, content.get("classes") or [], place) for one in several]


def name_of(label: Any, classes: Sequence[str], place: str) -> str:
    """A class by its number or name. Raises: DataError for a number without a name"""
    if isinstance(label, str):
        return label
    if not isinstance(label, int) or not classes:
        return str(label)
    if not 0 <= label < len(classes):
        raise DataError(f"{place}: label {label} has no name; there are {len(classes)} classes, counted from 0")
    return str(classes[label])


def _is_one(seen: bytes) -> bool:
    return seen.lstrip().startswith(b"{") and b'"labels"' in seen and b'"classes"' in seen and b'"images"' not in seen


def _boxes_in(file: Path) -> bool:
    entries = json_of(file)["labels"].values()
    return any(isinstance(entry, list) and any(isinstance(one, dict) for one in entry) for entry in entries)


def _corners(box: Sequence[float]) -> tuple[float, float, float, float]:
    left, top, width, height = map(float, box)
    return left, top, left + width, top + height
