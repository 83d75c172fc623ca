"""Boxes in a table, a row an object: filename, class, xmin, ymin, xmax, ymax, as Roboflow, TensorFlow and Open Images write them.

An image whose row has no corners shows no object.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sonde.core.errors import DataError
from sonde.data.listing import Listing
from sonde.data.splits import in_order
from sonde.data.unzipped import text_of
from sonde.modalities.image.annotations.annotated import (
    NAMELESS,
    Annotated,
    Annotations,
    Skipped,
    annotated,
    number,
    pass_over,
    size_in,
)
from sonde.modalities.image.naming_tables import Named, NamingTable, box_columns, cells_of, naming_tables
from sonde.modalities.table.kinds import MISSING
from sonde.modalities.table.modality import FILES as TABLES
from sonde.modalities.table.read import Table, read_table

GROUP = "isgroupof"  # Open Images: a box around several objects, which COCO calls a crowd
GROUPS = "boxes around groups of objects"
DESCRIBED = re.compile(r"class-descriptions.*\.csv")  # Open Images: /m/01g317,Person
CALLED = ("class", "label", "class_name", "name", "category", "labelname", "class_id", "label_name", "species")


def recognise(listing: Listing) -> str | None:
    """Why a table, or a folder with one, marks objects in images, None if it does not."""
    if listing.endings.isdisjoint(TABLES):
        return None
    found = naming_tables(listing)
    if found is None or not found.by_split or not box_columns(found.by_split["train"].head):
        return None
    return f"{', '.join(table.path.name for table in found.by_split.values())} with corners of boxes in columns"


def read(listing: Listing, skipped: Skipped) -> Annotations:
    """All images that the tables name; the tables' names or folders tell the splits.

    Raises: DataError for corners that are no numbers, and an image that is not there
    """
    found = naming_tables(listing)
    assert found is not None
    tables = in_order(found.by_split)
    aside = {GROUPS: 0}
    splits = {split: _images(found, table, split, aside, skipped) for split, table in tables.items()}
    if called := _described(listing):
        splits = {split: [_renamed(image, called) for image in images] for split, images in splits.items()}
    corners = next(iter(tables.values())).head.columns
    shares = "XMin" in corners and _within(splits)  # of Open Images, whose boxes are shares
    used = {image.file for images in splits.values() for image in images}
    left = sum(found.root.path / name not in used for name in found.index.names)
    return Annotations(
        form="boxes in a table",
        why=", ".join(table.path.name for table in tables.values()),
        splits=splits,
        shares=shares,
        files=[table.path for table in tables.values()],
        set_aside={what: count for what, count in aside.items() if count},
        notes=[f"{left:,} images are named in no table and are not used"] if left else [],
    )


def _within(splits: Mapping[str, Sequence[Annotated]]) -> bool:
    boxes = [image.boxes for images in splits.values() for image in images if len(image.boxes)]
    return bool(boxes) and all(box.min() >= 0 and box.max() <= 1 for box in boxes)


def _described(listing: Listing) -> dict[str, str]:
    """Label -> what it is called, where a file beside the tables says so."""
    file = next((file for file in listing.files if DESCRIBED.fullmatch(file.name)), None)
    rows = csv.reader(text_of(file).splitlines()) if file is not None else ()
    return {row[0].strip(): row[1].strip() for row in rows if len(row) == 2 and row[1].strip()}


def _renamed(image: Annotated, called: Mapping[str, str]) -> Annotated:
    return replace(image, names=tuple(called.get(name, name) for name in image.names))


def _images(found: Named, naming: NamingTable, split: str, aside: dict[str, int], skipped: Skipped) -> list[Annotated]:
    table = read_table(naming.path)
    corners = [cells_of(table, column) for column in box_columns(table)]
    kinds, said = _kinds(table, naming.column), _sizes(table)
    groups = next((cells_of(table, name) for name in table.columns if name.lower() == GROUP), [])
    sizes: dict[str, tuple[float, float]] = {}
    objects: dict[str, list[tuple[str, Sequence[float]]]] = {}
    for row, cell in enumerate(cells_of(table, naming.column)):
        place = table.place(row)
        try:
            known = found.nearest(cell, naming, split)
            if len(known) != 1:
                what = f"{len(known)} images" if known else f"no image below {found.root.path}"
                raise DataError(f"{place}: {cell!r} names {what}; fix it, or skip such rows with --skip-unreadable")
            sides = [side[row] for side in corners]
            own = objects.setdefault(known[0], [])
            sizes.setdefault(known[0], size_in(said[row]))
            if groups and groups[row] == "1":
                aside[GROUPS] += 1
            elif any(side.lower() not in MISSING for side in sides):
                own.append((kinds[row], [number(side, "a corner", place) for side in sides]))
        except DataError as trouble:
            pass_over(trouble, skipped)
    root = found.root.path
    return [
        annotated(root / name, f"{naming.path.name}, {name}", marked, size=sizes[name])
        for name, marked in objects.items()
    ]


def _kinds(table: Table, image: str) -> list[str]:
    """The class of each row's object."""
    lower = {name.lower(): name for name in table.columns if name != image}
    column = next((lower[name] for name in CALLED if name in lower), None)
    return [NAMELESS] * len(table) if column is None else [cell or NAMELESS for cell in cells_of(table, column)]


def _sizes(table: Table) -> list[dict[str, str]]:
    """What each row says of its image's height and width, "" where it does not."""
    lower = {name.lower(): name for name in table.columns}
    sides = {side: cells_of(table, lower[side]) for side in ("height", "width") if side in lower}
    return [{side: cells[row] for side, cells in sides.items()} for row in range(len(table))]
