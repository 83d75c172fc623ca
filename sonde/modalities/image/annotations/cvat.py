"""CVAT for images 1.1: one XML file a task, which names images and lists boxes and polygons in them.

Source: docs.cvat.ai, Formats, CVAT for image
"""

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from sonde.core.errors import DataError
from sonde.data.listing import Listing, head_and_tail
from sonde.data.splits import SPLIT_NAMES
from sonde.modalities.image.annotations.annotated import (
    SNIFFED,
    Annotated,
    Annotations,
    Skipped,
    annotated,
    files_by_split,
    number,
    pass_over,
    size_in,
    split_of,
)
from sonde.modalities.image.annotations.locate import Locator

CORNERS = ("xtl", "ytl", "xbr", "ybr")


def recognise(listing: Listing) -> str | None:
    """Why a file or folder holds CVAT's XML, None if it does not."""
    files = _files(listing)
    return f"{', '.join(file.name for file in files.values())} by CVAT" if files else None


def read(listing: Listing, skipped: Skipped) -> Annotations:
    """All images of all files; the files' names tell the splits, or where there is one file, its images' subsets.

    Raises: DataError for files that are no such XML
    """
    files = _files(listing)
    path = listing.path
    root = path if path.is_dir() else path.parent
    locator = Locator(root)
    splits: dict[str, list[Annotated]] = {}
    for split, file in files.items():
        for subset, image in _read_file(file, locator, skipped):
            own = SPLIT_NAMES.get(subset.lower(), split) if len(files) == 1 else split
            splits.setdefault(own, []).append(image)
    if "train" not in splits and splits:
        splits = {"train": [image for images in splits.values() for image in images]}
    why = ", ".join(file.name for file in files.values())
    return Annotations(form="CVAT XML", why=why, splits=splits, files=list(files.values()))


def _files(listing: Listing) -> dict[str, Path]:
    """Split -> file. Raises: DataError for two files of a split."""
    below = [folder for folder in listing.folders if folder.name.lower() in ("annotations", "labels")]
    found = [
        file
        for folder in (listing, *below)
        for file in folder.ending(".xml")
        if re.search(rb"<annotations[\s>]", head := listing.once(head_and_tail, file, SNIFFED)[0])
        and b"<image " in head
    ]
    return files_by_split(listing.path, found, lambda file: split_of(file.stem))


def _read_file(file: Path, locator: Locator, skipped: Skipped) -> list[tuple[str, Annotated]]:
    """(subset, image) of each."""
    try:
        root = ElementTree.parse(file).getroot()
    except ElementTree.ParseError as error:
        raise DataError(f"{file} is not valid XML ({error}); fix the file") from None
    found = []
    for row, image in enumerate(root.iter("image"), start=1):
        place = f"{file.name} image {row}"
        try:
            if not (name := image.get("name")):
                raise DataError(f"{place} has no name; fix {file.name}")
            objects = [_object(shape, place) for shape in image if shape.tag in ("box", "polygon")]
            found.append(
                (
                    image.get("subset", ""),
                    annotated(locator.find(file.parent, name), place, objects, size=size_in(image)),
                )
            )
        except DataError as trouble:
            pass_over(trouble, skipped)
    return found


def _object(shape: ElementTree.Element, place: str) -> tuple[str, Sequence[float]]:
    label = shape.get("label", "").strip()
    if not label:
        raise DataError(f"{place} has a {shape.tag} without a label; fix the file")
    if shape.tag == "box":
        return label, [number(shape.get(side), side, place) for side in CORNERS]
    points = [number(value, "a point", place) for value in re.split("[,;]", shape.get("points", ""))]
    return label, (min(points[::2]), min(points[1::2]), max(points[::2]), max(points[1::2]))
