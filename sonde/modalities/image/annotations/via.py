"""VGG Image Annotator: regions of images in a JSON file, a project, or a CSV file.

{"a.jpg1234": {"filename": "a.jpg", "regions": [{"shape_attributes": {"name": "rect", "x": …}, "region_attributes": {…}}]}}
Source: robots.ox.ac.uk/~vgg/software/via
"""

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sonde.core.errors import DataError
from sonde.data.listing import Listing
from sonde.data.unzipped import text_of
from sonde.modalities.image.annotations.annotated import (
    NAMELESS,
    Annotated,
    Annotations,
    Skipped,
    annotated,
    pass_over,
    unnamed,
)
from sonde.modalities.image.annotations.exported import OUTLINES, hull, json_of, marked_files, one_a_split, written_by
from sonde.modalities.image.annotations.locate import Locator

PROGRAM = "VIA"
CALLED = ("class", "label", "name", "type", "category", "object")  # attributes that are likely the class
Region = tuple[Mapping[str, Any], Mapping[str, Any]]  # shape, attributes


def recognise(listing: Listing) -> str | None:
    """Why a file or folder holds VIA's regions, None if it does not."""
    files = _files(listing)
    return f"{', '.join(file.name for file in files.values())} by {PROGRAM}" if files else None


def read(listing: Listing, skipped: Skipped) -> Annotations:
    """All images that are listed; the files' names or folders tell the splits.

    Raises: DataError for files that are not as VIA writes them
    """
    files = _files(listing)
    locator = Locator(listing.path if listing.is_dir else listing.path.parent)
    entries = {split: list(_entries(file)) for split, file in files.items()}
    everything = [region for found in entries.values() for _, regions, _ in found for region in regions]
    called = _attribute([attributes for _, attributes in everything])
    shapes: Counter[str] = Counter()
    splits: dict[str, list[Annotated]] = {}
    for split, found in entries.items():
        splits[split] = []
        for name, regions, place in found:
            try:
                with written_by(PROGRAM, place):
                    objects = [
                        (_name(attributes, called), box)
                        for shape, attributes in regions
                        if (box := _box(shape, shapes)) is not None
                    ]
                splits[split].append(annotated(locator.find(files[split].parent, name), place, objects))
            except DataError as trouble:
                pass_over(trouble, skipped)
    thin = sum(shapes[kind] for kind in ("point", "polyline"))
    return Annotations(
        form="VIA's export",
        why=", ".join(file.name for file in files.values()) + (f", classes by {called!r}" if called else ""),
        splits=splits,
        files=list(files.values()),
        set_aside={"points and lines": thin} if thin else {},
        notes=[*([OUTLINES] if shapes["polygon"] else []), *unnamed(listing, splits)],
    )


def _files(listing: Listing) -> dict[str, Path]:
    found = marked_files(listing, ".json", lambda seen: b'"shape_attributes"' in seen or b'"_via_img_metadata"' in seen)
    found += marked_files(listing, ".csv", lambda seen: b"region_shape_attributes" in seen.split(b"\n", 1)[0])
    return one_a_split(listing, found)


def _entries(file: Path) -> Iterator[tuple[str, list[Region], str]]:
    """(image, its regions, what errors call it)."""
    if file.suffix.lower() == ".csv":
        yield from _rows(file)
        return
    content = json_of(file)
    with written_by(PROGRAM, file.name):
        content = content.get("_via_img_metadata", content)
        for entry in content.values():
            regions = entry.get("regions") or []
            regions = list(regions.values()) if isinstance(regions, dict) else regions
            pairs: list[Region] = [(one["shape_attributes"], one.get("region_attributes") or {}) for one in regions]
            yield entry["filename"], pairs, f"{file.name} {entry['filename']}"


def _rows(file: Path) -> Iterator[tuple[str, list[Region], str]]:
    found: dict[str, list[Region]] = {}
    lines = (line for line in text_of(file).splitlines(keepends=True))
    for row, entry in enumerate(csv.DictReader(lines), start=2):
        with written_by(PROGRAM, f"{file.name} row {row}"):
            name = entry.get("filename") or entry["#filename"]
            shape, attributes = (
                json.loads(entry["region_shape_attributes"] or "{}"),
                json.loads(entry["region_attributes"] or "{}"),
            )
            found.setdefault(name, []).extend([(shape, attributes)] if shape else [])
    yield from ((name, regions, f"{file.name} {name}") for name, regions in found.items())


def _attribute(attributes: list[Mapping[str, Any]]) -> str:
    """The attribute that is the class: one that is called so, else the one that most regions have; "" without any."""
    counts = Counter(name for one in attributes for name, value in one.items() if value not in ("", {}, None))
    lower = {name.lower(): name for name in counts}
    return next((lower[name] for name in CALLED if name in lower), counts.most_common(1)[0][0] if counts else "")


def _name(attributes: Mapping[str, Any], called: str) -> str:
    value = attributes.get(called)
    if isinstance(value, dict):  # boxes that were ticked
        value = next((name for name, ticked in value.items() if ticked), "")
    return str(value).strip() if value not in (None, "") else NAMELESS


def _box(shape: Mapping[str, Any], shapes: Counter[str]) -> tuple[float, float, float, float] | None:
    """The box around a region; None for points and lines."""
    kind = shape["name"]
    shapes[kind] += 1
    if kind == "rect":
        left, top = float(shape["x"]), float(shape["y"])
        return left, top, left + float(shape["width"]), top + float(shape["height"])
    if kind in ("circle", "ellipse"):
        x, y = float(shape["cx"]), float(shape["cy"])
        across, down = float(shape.get("r", shape.get("rx", 0))), float(shape.get("r", shape.get("ry", 0)))
        return x - across, y - down, x + across, y + down
    if kind == "polygon":
        return hull(list(zip(shape["all_points_x"], shape["all_points_y"], strict=True)))
    return None
