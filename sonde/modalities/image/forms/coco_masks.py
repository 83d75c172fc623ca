"""COCO's JSON read for its outlines: every pixel gets the class of the object it shows. Reached by --task segmentation."""

from collections.abc import Mapping, Sequence
from os.path import relpath
from pathlib import Path
from typing import Any

from sonde.core.config import DataConfig
from sonde.core.dataset import BACKGROUND, Dataset, Schema
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data.assemble import About
from sonde.data.listing import Listing
from sonde.modalities.catalogue import check_kind
from sonde.modalities.image.annotations.coco import (
    Id,
    category_names,
    category_of,
    files_of,
    image_files,
    image_of,
    images_of,
    opened_files,
    whole_number,
)
from sonde.modalities.image.masked import Masked, assemble_masks
from sonde.modalities.image.outlines import Outlines, Shape
from sonde.modalities.image.rows import Files
from sonde.modalities.modality import Wanted


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a file or folder holds COCO's JSON, None if it does not."""
    files = files_of(listing)
    return f"{', '.join(file.name for file in files.values())} with outlines of objects" if files else None


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """Images decoded and outlines drawn as they are read; class 0 is what no object covers.

    Raises: DataError for files that are no such JSON or contradict themselves, and for objects without an outline
    """
    path = listing.path
    check_kind("image", str(path), like)
    files = files_of(listing)
    opened, notes = opened_files(files)
    categories = category_names(opened, files)
    names = [BACKGROUND, *dict.fromkeys(categories.values())] if like is None else list(like.target.names)
    numbers = {place: _number(name, names, path) for place, name in categories.items()}
    root = path if path.is_dir() else path.parent
    splits = {split: _split(content, files[split], root, numbers) for split, content in opened.items()}
    images = [part.images.content(row) for part in splits.values() for row in range(len(part.images))]
    read_files = [*files.values(), *(file for file in images if isinstance(file, Path) and file.is_file())]
    why = ", ".join(file.relative_to(root).as_posix() for file in files.values())
    about = About.at(listing, form="COCO JSON", why=why, files=read_files, warnings=notes)
    return assemble_masks(splits, names, about, config, with_objects=True, tick=tick, like=like)


def _number(name: str, names: Sequence[str], path: Path) -> int:
    if name not in names:
        raise DataError(
            f"{path} has a category {name!r} that the model was not trained on; there are {', '.join(names[1:9])}"
        )
    return names.index(name)


def _split(content: Mapping[str, Any], file: Path, root: Path, numbers: Mapping[Id, int]) -> Masked:
    entries = images_of(content, file)
    shapes: dict[Id, list[Shape]] = {number: [] for number in entries}
    for entry in content["annotations"]:
        number = image_of(entry, entries, file.name)
        shape = Shape(
            number=numbers[category_of(entry, numbers, file.name)],
            form=entry.get("segmentation"),
            crowd=bool(entry.get("iscrowd")),
            place=f"{file.name} annotation {entry.get('id')}",
        )
        shapes[number].append(shape)
    paths = image_files(file, root, [str(entry.get("file_name")) for entry in entries.values()])
    places = tuple(f"{file.name} image {n}" for n in entries)
    sizes = tuple(
        (whole_number(entry, "height", place), whole_number(entry, "width", place))
        for place, entry in zip(places, entries.values(), strict=True)
    )
    images = Files(root, tuple(Path(relpath(path, root)).as_posix() for path in paths))
    return Masked(images=images, masks=Outlines(sizes, tuple(tuple(shapes[n]) for n in entries), places))
