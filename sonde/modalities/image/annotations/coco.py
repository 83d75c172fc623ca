"""COCO: one JSON file a split, which numbers images, categories and annotations.

Source: Lin et al. 2014, arXiv:1405.0312, and cocodataset.org/#format-data
"""

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from sonde.core.errors import DataError
from sonde.core.files import parsed_json
from sonde.core.natural_order import natural
from sonde.data.listing import Listing, head_and_tail, is_file_named
from sonde.modalities.image.annotations.annotated import (
    SNIFFED,
    Annotated,
    Annotations,
    Skipped,
    annotated,
    files_by_split,
    folders_in,
    pass_over,
    size_in,
    split_of,
    unnamed,
)
from sonde.modalities.image.annotations.locate import Locator

LISTS = ("images", "annotations", "categories")
PLACES = ("annotations", "labels")  # folders where such files stand, besides the path itself and its split folders
Id = int | str
Counts = dict[str, int]  # what was left out -> how often
SAMPLED = 20  # images looked for to find their folder


def recognise(listing: Listing) -> str | None:
    """Why a file or folder holds COCO's JSON, None if it does not."""
    files = files_of(listing)
    return f"{', '.join(file.name for file in files.values())} with boxes of images" if files else None


def read(listing: Listing, skipped: Skipped) -> Annotations:
    """All images of all files; the files' or folders' names tell the splits, a single file is train.

    Raises: DataError for files that are no such JSON, or contradict themselves
    """
    path, files = listing.path, files_of(listing)
    opened, notes = opened_files(files)
    names = category_names(opened, files)
    counts: Counts = {"crowds": 0, "objects marked twice": 0}
    splits = {}
    root = path if path.is_dir() else path.parent
    for split, content in opened.items():
        splits[split] = _read_file(content, names, files[split], root, (skipped, counts))
    used = {name for found in splits.values() for image in found for name in image.names}
    unused = [name for name in names.values() if name not in used]
    return Annotations(
        form="COCO JSON",
        why=", ".join(file.relative_to(root).as_posix() for file in files.values()),
        splits=splits,
        names=tuple(dict.fromkeys(name for name in names.values() if name in used)),
        files=list(files.values()),
        set_aside={what: count for what, count in counts.items() if count},
        notes=[
            *notes,
            *([f"{len(unused)} categories have no boxes and are dropped: {', '.join(unused[:8])}"] if unused else []),
            *_equal_names(names),
            *unnamed(listing, splits),
        ],
    )


def files_of(listing: Listing) -> dict[str, Path]:
    """Split -> file. Raises: DataError for two files of a split that are equally fit."""
    below = [folder for folder in listing.folders if folder.name.lower() in PLACES or split_of(folder.name)]
    found = [file for folder in (listing, *below) for file in folder.ending(".json") if _is_coco(listing, file)]
    if len(found) > 1:  # COCO's own folder holds key points and captions of the same images as well
        found = [file for file in found if "instances" in file.stem] or found
    return files_by_split(listing.path, found, lambda file: split_of(file.stem) or split_of(file.parent.name))


def _is_coco(listing: Listing, file: Path) -> bool:
    """Whether a file begins or ends as one with images and their boxes does; files may be gigabytes."""
    seen = b"".join(listing.once(head_and_tail, file, SNIFFED))
    return seen.lstrip().startswith(b"{") and b'"file_name"' in seen and (b'"bbox"' in seen or b'"categories"' in seen)


def opened_files(files: Mapping[str, Path]) -> tuple[dict[str, Mapping[str, Any]], list[str]]:
    """(split -> content, notes on those without annotations, which are set aside).

    Raises: DataError for a file that is not valid JSON, or has no such lists
    """
    opened, notes = {}, []
    for split, file in files.items():
        content = _opened_file(file)
        if split != "train" and not content.get("annotations") and isinstance(content.get("images"), list):
            notes.append(
                f"{file.name} has no annotations: its {len(content['images']):,} images cannot be evaluated on and are set "
                "aside; predict on them after training"
            )
            continue
        for name in LISTS:
            if not isinstance(content.get(name), list):
                raise DataError(
                    f"{file} has no list {name!r}; a COCO file has {', '.join(LISTS)}: export it with its annotations"
                )
        opened[split] = content
    return opened, notes


def _opened_file(file: Path) -> Mapping[str, Any]:
    try:
        content = parsed_json(file.read_bytes())
    except ValueError as error:
        raise DataError(f"{file} is not valid JSON ({error}); fix the file") from None
    if not isinstance(content, dict):
        raise DataError(
            f"{file} has no list 'images'; a COCO file has {', '.join(LISTS)}: export it with its annotations"
        )
    return content


def category_names(opened: Mapping[str, Mapping[str, Any]], files: Mapping[str, Path]) -> dict[Id, str]:
    """Category id -> name, in the order of the ids. Raises: DataError where two files disagree."""
    names: dict[Id, str] = {}
    for split, content in opened.items():
        for entry in content["categories"]:
            place, name = identity(entry, "id", f"{files[split].name}, categories"), str(entry.get("name"))
            if names.setdefault(place, name) != name:
                raise DataError(f"{files[split]}: category {place} is {name!r}, and {names[place]!r} in another split")
    return dict(sorted(names.items(), key=lambda item: natural(str(item[0]))))


def _equal_names(names: Mapping[Id, str]) -> list[str]:
    twice = [name for name, count in Counter(names.values()).items() if count > 1]
    return [f"several categories are called {', '.join(twice[:8])}, and are learned as one class"] if twice else []


def _read_file(
    content: Mapping[str, Any], names: Mapping[Id, str], file: Path, root: Path, counted: tuple[Skipped, Counts]
) -> list[Annotated]:
    """counted: what cannot be read, and how often what was left out."""
    skipped, counts = counted
    images = images_of(content, file)
    objects: dict[Id, list[tuple[str, Sequence[float]]]] = {number: [] for number in images}
    for entry in content["annotations"]:
        try:
            number = image_of(entry, images, file.name)
            if entry.get("iscrowd"):
                counts["crowds"] += 1
            elif (found := _object(entry, names, file.name)) in objects[number]:
                counts["objects marked twice"] += 1
            else:
                objects[number].append(found)
        except DataError as trouble:
            pass_over(trouble, skipped)
    files = image_files(file, root, [str(entry.get("file_name")) for entry in images.values()])
    return [
        annotated(path, f"{file.name} image {number}", objects[number], size=size_in(entry))
        for path, (number, entry) in zip(files, images.items(), strict=True)
    ]


def images_of(content: Mapping[str, Any], file: Path) -> dict[Id, Any]:
    """Id -> entry of each image. Raises: DataError for two images of one id"""
    images: dict[Id, Any] = {}
    for entry in content["images"]:
        number = identity(entry, "id", f"{file.name}, images")
        before = images.setdefault(number, entry)
        if before.get("file_name") != entry.get("file_name"):
            raise DataError(
                f"{file}: image id {number} is of {before.get('file_name')} and of {entry.get('file_name')}, so it is "
                "unknown whose boxes are whose; give every image an id of its own and export again"
            )
    return images


def _object(entry: Mapping[str, Any], names: Mapping[Id, str], file: str) -> tuple[str, Sequence[float]]:
    category, box = category_of(entry, names, file), entry.get("bbox") or _hull(entry.get("segmentation"))
    if not isinstance(box, list) or len(box) != 4 or not all(isinstance(side, int | float) for side in box):
        raise DataError(
            f"{file}: annotation {entry.get('id')} has the bbox {box}; it is four numbers, left, top, width, height"
        )
    if not all(map(isfinite, box)):
        raise DataError(
            f"{file}: annotation {entry.get('id')} has the bbox {box}, with a value that is not a number; fix the file"
        )
    left, top, width, height = box
    return names[category], (left, top, left + width, top + height)


def _hull(outline: Any) -> list[float] | None:
    """Left, top, width and height of polygons, for annotations that have no bbox; None for what are no polygons."""
    polygons = outline if isinstance(outline, list) else []
    if not polygons or not all(isinstance(one, list) and len(one) > 3 for one in polygons):
        return None
    across, down = [x for one in polygons for x in one[::2]], [y for one in polygons for y in one[1::2]]
    if not all(isinstance(value, int | float) for value in (*across, *down)):
        return None
    return [min(across), min(down), max(across) - min(across), max(down) - min(down)]


def image_of(entry: Mapping[str, Any], images: Container[Id], file: str) -> Id:
    """The id of the image that an annotation is of. Raises: DataError for one that the file does not have."""
    number = identity(entry, "image_id", f"{file}, annotations")
    if number not in images:
        raise DataError(f"{file}: annotation {entry.get('id')} is of image {number}, which is not in its images")
    return number


def category_of(entry: Mapping[str, Any], categories: Container[Id], file: str) -> Id:
    """The id of an annotation's category. Raises: DataError for one that the file does not have."""
    category = identity(entry, "category_id", f"{file}, annotations")
    if category not in categories:
        raise DataError(f"{file}: annotation {entry.get('id')} has category {category}, which is not in its categories")
    return category


def identity(entry: Any, name: str, place: str) -> Id:
    """An id in an entry, which only has to be equal to others: 7, "7" and 7.0 are one. Raises: DataError naming where."""
    value = entry.get(name) if isinstance(entry, dict) else None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.strip():
        return int(value) if value.strip().isdecimal() else value
    if isinstance(value, bool) or not isinstance(value, int):
        raise DataError(f"{place}: an entry has the {name} {value!r}; give every entry a number or a text of its own")
    return value


def whole_number(entry: Any, name: str, place: str) -> int:
    """A whole number in an entry. Raises: DataError naming where."""
    value = entry.get(name) if isinstance(entry, dict) else None
    if not isinstance(value, int):
        raise DataError(f"{place}: an entry has the {name} {value!r}; it must be an integer")
    return value


def image_files(file: Path, root: Path, names: Sequence[str]) -> list[Path]:
    """Where the images of a file are: in the folder that holds most of them, or wherever the end of their path is found."""
    folder, locator = image_folder(file, root, names), Locator(root)
    return [locator.find(folder, name) for name in names]


def image_folder(file: Path, root: Path, names: Sequence[str]) -> Path:
    """The folder that a file's image names are relative to: of those nearby, the one that holds most of a few of them."""
    nearby = [file.parent, root]
    for folder in (root, root / "images"):
        if folder.is_dir():
            below = [
                entry
                for entry in folders_in(folder)
                if split_of(entry.name) or entry.name.lower() in ("images", "data")
            ]
            nearby += [folder, *below, *(entry / "images" for entry in below)]
    step = max(1, len(names) // SAMPLED)
    return max(nearby, key=lambda folder: sum(is_file_named(folder / name) for name in names[::step]))
