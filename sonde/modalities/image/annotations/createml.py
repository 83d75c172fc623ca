"""Create ML: a JSON list of images, each with its objects' classes, middles and sizes in pixels.

[{"image": "a.jpg", "annotations": [{"label": "cat", "coordinates": {"x": 120, "y": 164, "width": 230, "height": 119}}]}]
Source: developer.apple.com, Building an object detector data source
"""

import re
from pathlib import Path

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
from sonde.modalities.image.annotations.exported import Box, json_of, marked_files, one_a_split, written_by
from sonde.modalities.image.annotations.locate import Locator

PROGRAM = "Create ML"


def recognise(listing: Listing) -> str | None:
    """Why a file or folder holds Create ML's JSON, None if it does not."""
    files = _files(listing)
    return f"{', '.join(file.name for file in files.values())} by {PROGRAM}" if files else None


def read(listing: Listing, skipped: Skipped) -> Annotations:
    """All images that are listed. Raises: DataError for entries that are not as Create ML has them"""
    files = _files(listing)
    locator = Locator(listing.path if listing.is_dir else listing.path.parent)
    splits: dict[str, list[Annotated]] = {}
    for split, file in files.items():
        splits[split] = []
        for row, entry in enumerate(json_of(file), start=1):
            place = f"{file.name} image {row}"
            try:
                with written_by(PROGRAM, place):
                    name = entry.get("image") or entry["imagefilename"]
                    marked = entry.get("annotations", entry.get("annotation")) or []
                    objects = [(str(one["label"]), _corners(one["coordinates"])) for one in marked]
                splits[split].append(annotated(locator.find(file.parent, name), place, objects))
            except DataError as trouble:
                pass_over(trouble, skipped)
    why = ", ".join(file.name for file in files.values())
    notes = unnamed(listing, splits)
    return Annotations(form=f"{PROGRAM} JSON", why=why, splits=splits, files=list(files.values()), notes=notes)


def _files(listing: Listing) -> dict[str, Path]:
    return one_a_split(listing, marked_files(listing, ".json", _is_one))


def _is_one(seen: bytes) -> bool:
    named = re.search(rb'"(image|imagefilename)"', seen) is not None
    return seen.lstrip().startswith(b"[") and named and b'"coordinates"' in seen and b'"label"' in seen


def _corners(box: dict[str, float]) -> Box:
    x, y, width, height = (float(box[name]) for name in ("x", "y", "width", "height"))
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2
