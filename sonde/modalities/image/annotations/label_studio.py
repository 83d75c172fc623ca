"""Label Studio's exports: JSON, JSON-MIN and CSV, in which boxes are in per cent of their image's sides.

JSON      [{"data": {"image": URL}, "annotations": [{"result": [{"type": "rectanglelabels", "value": {"x": …}}]}]}]
JSON-MIN  [{"image": URL, "label": [{"x": …, "rectanglelabels": ["cat"]}], "choice": "cat"}]
CSV       the same, with lists as JSON in the cells
Source: labelstud.io/guide/export
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
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
from sonde.modalities.image.annotations.exported import (
    OUTLINES,
    hull,
    json_of,
    marked_files,
    one_a_split,
    turned_hull,
    written_by,
)
from sonde.modalities.image.annotations.locate import Locator
from sonde.modalities.image.modality import FILES

PROGRAM = "Label Studio"
SHAPES = ("rectanglelabels", "polygonlabels", "ellipselabels")
BRUSH = "brushlabels"
OF_MIN = re.compile(rb'"(annotator|lead_time|annotation_id)"')
OF_IMAGES = re.compile("|".join(map(re.escape, FILES)).encode(), re.IGNORECASE)  # its tasks may be of texts, too
OF_CSV = re.compile(rb"^[^\n]*\b(annotator|annotation_id|lead_time)\b")


@dataclass
class Marked:
    """What one task says of its image. choices: None where nothing was chosen"""

    image: str
    place: str
    regions: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)  # (kind, value)
    choices: list[str] | None = None


def recognise(listing: Listing) -> str | None:
    """Why a file or folder holds boxes that Label Studio exported, None if it does not."""
    files = files_of(listing)
    regions = [kind for file in files.values() for task in tasks_in(file)[0] for kind, _ in task.regions]
    return f"{', '.join(file.name for file in files.values())} by {PROGRAM}" if regions else None


def read(listing: Listing, skipped: Skipped) -> Annotations:
    """All images that were annotated; files' names tell the splits, a single file is train.

    Raises: DataError for brush masks and for entries that are not as Label Studio writes them
    """
    files, locator = files_of(listing), Locator(listing.path if listing.is_dir else listing.path.parent)
    splits: dict[str, list[Annotated]] = {}
    notes, outlines = [], False
    for split, file in files.items():
        tasks, said = tasks_in(file)
        notes += said
        outlines |= any(kind != "rectanglelabels" for task in tasks for kind, _ in task.regions)
        splits[split] = []
        if any(kind == BRUSH for task in tasks for kind, _ in task.regions):
            raise DataError(
                f"{file} holds masks of a brush; export the project as 'Brush labels to PNG', and put images into images/ and "
                "masks of equal names into masks/"
            )
        for task in tasks:
            try:
                with written_by(PROGRAM, task.place):
                    objects = [_object(kind, value) for kind, value in task.regions]
                splits[split].append(annotated(locator.find(file.parent, task.image), task.place, objects))
            except DataError as trouble:
                pass_over(trouble, skipped)
    return Annotations(
        form=f"{PROGRAM}'s export",
        why=", ".join(file.name for file in files.values()),
        splits=splits,
        shares=True,
        files=list(files.values()),
        notes=[*notes, *([OUTLINES] if outlines else []), *unnamed(listing, splits)],
    )


def files_of(listing: Listing) -> dict[str, Path]:
    """Split -> an exported file. Raises: DataError for two files of a split"""
    found = marked_files(listing, ".json", _is_json) + marked_files(listing, ".csv", _is_csv)
    return one_a_split(listing, found)


def _is_json(seen: bytes) -> bool:
    whole = b'"data"' in seen and b'"annotations"' in seen and b'"result"' in seen
    return seen.lstrip().startswith(b"[") and (whole or bool(OF_MIN.search(seen))) and bool(OF_IMAGES.search(seen))


def _is_csv(seen: bytes) -> bool:
    return bool(OF_CSV.match(seen)) and bool(OF_IMAGES.search(seen))


def tasks_in(file: Path) -> tuple[list[Marked], list[str]]:
    """(tasks that were annotated, notes on others). Raises: DataError for what is not as Label Studio writes it"""
    if file.suffix.lower() == ".csv":
        entries: Any = list(csv.DictReader(text_of(file).splitlines(keepends=True)))
    else:
        entries = json_of(file)
    found, bare, several = [], 0, 0
    for row, entry in enumerate(entries, start=1):
        place = f"{file.name} task {row}"
        with written_by(PROGRAM, place):
            if "annotations" in entry and "data" in entry:
                kept = [one for one in entry["annotations"] if not one.get("was_cancelled")]
                several += len(kept) > 1
                if not kept:
                    bare += 1
                    continue
                found.append(_whole(entry["data"], kept[0]["result"], place))
            else:
                found.append(_short(entry, place))
    notes = [f"{bare:,} tasks of {file.name} have no annotation and are not used"] if bare else []
    notes += [f"{several:,} tasks of {file.name} were annotated several times; the first is read"] if several else []
    return found, notes


def _whole(data: Mapping[str, Any], result: Sequence[Mapping[str, Any]], place: str) -> Marked:
    found = Marked(image=_image_in(data, place), place=place)
    for region in result:
        kind, value = region.get("type"), region.get("value") or {}
        if kind == "choices":
            found.choices = [*(found.choices or []), *map(str, value["choices"])]
        elif kind in (*SHAPES, BRUSH):
            found.regions.append((kind, {**region, **value}))  # the image's size stands beside the value
    return found


def _short(entry: Mapping[str, Any], place: str) -> Marked:
    found = Marked(image=_image_in(entry, place), place=place)
    for name, cell in entry.items():
        value = _opened(cell) if isinstance(cell, str) else cell
        if isinstance(value, dict) and isinstance(value.get("choices"), list):
            found.choices = [str(choice) for choice in value["choices"]]
        elif isinstance(value, str) and name in ("choice", "choices") and value.strip():
            found.choices = [value.strip()]
        for region in value if isinstance(value, list) else ():
            if isinstance(region, dict):
                found.regions += [(kind, region) for kind in (*SHAPES, BRUSH) if kind in region]
    return found


def _opened(cell: str) -> Any:
    """A cell that holds JSON, opened; other cells as they are."""
    if not cell.lstrip().startswith(("[", "{")):
        return cell
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell


def _image_in(data: Mapping[str, Any], place: str) -> str:
    """What calls the image: a value that ends as one, else the one named so."""
    texts = {name: value for name, value in data.items() if isinstance(value, str) and value}
    ending = (text for text in texts.values() if PurePosixPath(text.split("?d=")[-1]).suffix.lower() in FILES)
    if found := next(ending, texts.get("image") or texts.get("img")):
        return found
    raise DataError(f"{place} names no image; export tasks of images")


def _object(kind: str, value: Mapping[str, Any]) -> tuple[str, Sequence[float]]:
    """(class, shares of the image's sides)."""
    names = value.get(kind) or [NAMELESS]
    if kind == "polygonlabels":
        box = hull(value["points"])
    elif kind == "ellipselabels":
        x, y, across, down = (float(value[name]) for name in ("x", "y", "radiusX", "radiusY"))
        box = x - across, y - down, x + across, y + down
    else:
        wide, high = float(value.get("original_width") or 100), float(value.get("original_height") or 100)
        units = {"x": wide, "y": high, "width": wide, "height": high}  # pixels: turning needs one unit on both axes
        pixels = {name: float(value[name]) * side / 100 for name, side in units.items()}
        left, top, right, bottom = turned_hull({**pixels, "rotation": value.get("rotation")})
        box = left / wide * 100, top / high * 100, right / wide * 100, bottom / high * 100
    return str(names[0]), [side / 100 for side in box]


def labels_in(listing: Listing) -> Iterator[tuple[str, Path, Marked]]:
    """(split, file, task) of all tasks in which something was chosen and nothing marked; none where objects are marked."""
    files = files_of(listing)
    tasks = [(split, file, task) for split, file in files.items() for task in tasks_in(file)[0]]
    if any(task.regions for _, _, task in tasks):
        return
    yield from (entry for entry in tasks if entry[2].choices)
