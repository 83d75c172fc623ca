"""Supervisely: meta.json, and folders of data sets with img/ and ann/, a JSON file an image.

meta.json   SET/img/a.jpg   SET/ann/a.jpg.json
Source: docs.supervisely.com, Supervisely JSON format
"""

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
    size_in,
)
from sonde.modalities.image.annotations.exported import OUTLINES, Box, by_folder, hull, json_of, written_by

PROGRAM = "Supervisely"
SHAPES = ("rectangle", "polygon")


def recognise(listing: Listing) -> str | None:
    """Why a folder holds a project of Supervisely's, None if it does not."""
    sets = _sets(listing)
    return f"img/ beside ann/ in {', '.join(one.name for one in sets)}, by {PROGRAM}" if sets else None


def read(listing: Listing, skipped: Skipped) -> Annotations:
    """All images of all data sets; the data sets' names tell the splits, else all are train.

    Raises: DataError for masks, and for files that are not as Supervisely writes them
    """
    sets = _sets(listing)
    files = [file for one in sets if (notes := one.folder("ann")) for file in notes.ending(".json")]
    kinds: set[str] = set()
    aside: dict[str, int] = {}
    splits: dict[str, list[Annotated]] = {}
    for split, members in by_folder(listing, files).items():
        splits[split] = []
        for file in members:
            try:
                splits[split].append(_read_one(file, kinds, aside))
            except DataError as trouble:
                pass_over(trouble, skipped)
    return Annotations(
        form=f"{PROGRAM} project",
        why=", ".join(one.name for one in sets),
        splits=splits,
        files=files,
        set_aside=aside,
        notes=[OUTLINES] if "polygon" in kinds else [],
    )


def _sets(listing: Listing) -> list[Listing]:
    """Folders with img/ and ann/ of JSON files."""
    pairs = [(folder, folder.folder("img"), folder.folder("ann")) for folder in (listing, *listing.folders)]
    return [folder for folder, images, notes in pairs if images and notes and notes.ending(".json")]


def _read_one(file: Path, kinds: set[str], aside: dict[str, int]) -> Annotated:
    content, objects = json_of(file), []
    place = f"{file.parent.parent.name}/ann/{file.name}"
    with written_by(PROGRAM, place):
        for entry in content["objects"]:
            kind = entry["geometryType"]
            if kind == "bitmap":
                raise DataError(
                    f"{place} holds masks; export the project as COCO (the app 'Export to COCO'), or as images/ and masks/"
                )
            if kind not in SHAPES:
                aside[f"objects of kind {kind}"] = aside.get(f"objects of kind {kind}", 0) + 1
                continue
            kinds.add(kind)
            objects.append((str(entry["classTitle"]), _box(entry)))
        size = size_in(content.get("size") or {})
    return annotated(file.parent.parent / "img" / file.name.removesuffix(".json"), place, objects, size=size)


def _box(entry: dict[str, Any]) -> Box:
    return hull(entry["points"]["exterior"])
