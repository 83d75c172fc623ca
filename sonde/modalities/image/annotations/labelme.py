"""LabelMe: a JSON file an image with polygons, rectangles and circles.

{"shapes": [{"label": "cat", "points": [[x, y], …], "shape_type": "polygon"}], "imagePath": "a.jpg", "imageHeight": …}
Source: github.com/wkentaro/labelme
"""

from collections.abc import Mapping, Sequence
from math import hypot
from pathlib import Path
from typing import Any

from sonde.core.errors import DataError
from sonde.data.listing import Listing, head_and_tail
from sonde.modalities.image.annotations.annotated import (
    SNIFFED,
    Annotated,
    Annotations,
    Skipped,
    annotated,
    pass_over,
    size_in,
    unnamed,
)
from sonde.modalities.image.annotations.exported import OUTLINES, PLACES, by_folder, hull, json_of, written_by
from sonde.modalities.image.annotations.locate import Locator
from sonde.modalities.image.files import is_image
from sonde.modalities.image.modality import IMAGE_FOLDERS

PROGRAM = "LabelMe"
THIN = ("point", "points", "line", "linestrip")  # shapes without an area


def recognise(listing: Listing) -> str | None:
    """Why a folder holds LabelMe's JSON files, None if it does not."""
    files = files_of(listing)
    return f"{len(files):,} JSON files by {PROGRAM}" if files else None


def read(listing: Listing, skipped: Skipped) -> Annotations:
    """All annotated images; folders tell the splits, else all are train.

    Raises: DataError for files that are not as LabelMe writes them
    """
    files = files_of(listing)
    locator = Locator(listing.path if listing.is_dir else listing.path.parent)
    shapes: set[str] = set()
    aside: dict[str, int] = {}
    splits: dict[str, list[Annotated]] = {}
    for split, members in by_folder(listing, files).items():
        splits[split] = []
        for file in members:
            try:
                splits[split].append(_read_one(file, locator, shapes, aside))
            except DataError as trouble:
                pass_over(trouble, skipped)
    return Annotations(
        form=f"{PROGRAM} JSON",
        why=f"{len(files):,} files",
        splits=splits,
        files=files,
        set_aside=aside,
        notes=[
            *([f"{OUTLINES}; --task segmentation learns the outlines"] if shapes - {"rectangle"} else []),
            *unnamed(listing, splits),
        ],
    )


def files_of(listing: Listing) -> list[Path]:
    """Its JSON files, where the first is LabelMe's: beside images, or in folders of a split or of annotations."""
    named = (*PLACES, *IMAGE_FOLDERS)
    below = [folder for folder in listing.folders if any(map(is_image, folder.files)) or folder.name.lower() in named]
    deeper = [inner for folder in listing.folders for inner in folder.folders if inner.name.lower() in named]
    found = [file for folder in (listing, *below, *deeper) for file in folder.ending(".json")]
    if not found:
        return []
    seen = b"".join(listing.once(head_and_tail, found[0], SNIFFED))
    return list(dict.fromkeys(found)) if b'"shapes"' in seen and b'"imagePath"' in seen else []


def _read_one(file: Path, locator: Locator, shapes: set[str], aside: dict[str, int]) -> Annotated:
    content, objects = json_of(file), []
    with written_by(PROGRAM, file.name):
        for shape in content["shapes"]:
            kind = shape.get("shape_type") or "polygon"
            if kind in THIN:
                aside[f"shapes of kind {kind}"] = aside.get(f"shapes of kind {kind}", 0) + 1
                continue
            shapes.add(kind)
            objects.append((str(shape["label"]), _box(kind, shape["points"])))
        image = locator.find(file.parent, content["imagePath"])
        size = size_in(content, "imageHeight", "imageWidth")
    return annotated(image, file.name, objects, size=size)


def _box(kind: str, points: Sequence[Sequence[float]]) -> tuple[float, float, float, float]:
    if kind != "circle":
        return hull(points)
    (x, y), (a, b) = points
    radius = hypot(a - x, b - y)
    return x - radius, y - radius, x + radius, y + radius


def outlines_in(content: Mapping[str, Any]) -> list[tuple[str, list[list[float]]]]:
    """(class, polygons as COCO writes them) of each shape that has an area. Raises: KeyError and others for odd content"""
    found = []
    for shape in content["shapes"]:
        kind, points = shape.get("shape_type") or "polygon", shape["points"]
        if kind in THIN:
            continue
        if kind != "polygon":
            left, top, right, bottom = _box(kind, points)
            points = [(left, top), (right, top), (right, bottom), (left, bottom)]
        found.append((str(shape["label"]), [[float(side) for point in points for side in point]]))
    return found
