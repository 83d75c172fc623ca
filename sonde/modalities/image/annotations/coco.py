"""COCO: one JSON file a split, which numbers images, categories and annotations.

Source: Lin et al. 2014, arXiv:1405.0312, and cocodataset.org/#format-data
"""

from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any

from sonde.core.errors import DataError
from sonde.core.files import parsed_json
from sonde.data.listing import Listing, head_and_tail
from sonde.modalities.image.annotations.annotated import (
    SNIFFED,
    Annotated,
    Annotations,
    Skipped,
    annotated,
    files_by_split,
    folders_in,
    pass_over,
    split_of,
)

LISTS = ("images", "annotations", "categories")
PLACES = ("annotations", "labels")  # folders where such files stand, besides the path itself and its split folders
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
    opened = {split: opened_file(file) for split, file in files.items()}
    names = category_names(opened, files)
    crowds = [0]
    splits = {}
    root = path if path.is_dir() else path.parent
    for split, content in opened.items():
        splits[split] = _read_file(content, names, files[split], root, (skipped, crowds))
    used = {name for found in splits.values() for image in found for name in image.names}
    unused = [name for name in names.values() if name not in used]
    return Annotations(
        form="COCO JSON",
        why=", ".join(file.relative_to(root).as_posix() for file in files.values()),
        splits=splits,
        names=tuple(dict.fromkeys(name for name in names.values() if name in used)),
        files=list(files.values()),
        set_aside={"crowds": crowds[0]} if crowds[0] else {},
        notes=[f"{len(unused)} categories have no boxes and are dropped: {', '.join(unused[:8])}"] if unused else [],
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


def opened_file(file: Path) -> Mapping[str, Any]:
    """The content of a file. Raises: DataError for one that is not valid JSON, or has no such lists."""
    try:
        content = parsed_json(file.read_bytes())
    except ValueError as error:
        raise DataError(f"{file} is not valid JSON ({error}); fix the file") from None
    for name in LISTS:
        if not isinstance(content, dict) or not isinstance(content.get(name), list):
            raise DataError(f"{file} has no list {name!r}; a COCO file has {', '.join(LISTS)}")
    return content


def category_names(opened: Mapping[str, Mapping[str, Any]], files: Mapping[str, Path]) -> dict[int, str]:
    """Category id -> name, in the order of the ids. Raises: DataError where two files disagree."""
    names: dict[int, str] = {}
    for split, content in opened.items():
        for entry in content["categories"]:
            place, name = whole_number(entry, "id", f"{files[split].name}, categories"), str(entry.get("name"))
            if names.setdefault(place, name) != name:
                raise DataError(f"{files[split]}: category {place} is {name!r}, and {names[place]!r} in another split")
    return dict(sorted(names.items()))


def _read_file(
    content: Mapping[str, Any], names: Mapping[int, str], file: Path, root: Path, counted: tuple[Skipped, list[int]]
) -> list[Annotated]:
    """counted: what cannot be read, and how many crowds there were."""
    skipped, crowds = counted
    images = {whole_number(entry, "id", f"{file.name}, images"): entry for entry in content["images"]}
    objects: dict[int, list[tuple[str, Sequence[float]]]] = {number: [] for number in images}
    for entry in content["annotations"]:
        try:
            number = image_of(entry, images, file.name)
            if entry.get("iscrowd"):
                crowds[0] += 1
            else:
                objects[number].append(_object(entry, names, file.name))
        except DataError as trouble:
            pass_over(trouble, skipped)
    place = image_folder(file, root, [str(entry.get("file_name")) for entry in images.values()])
    return [
        annotated(place / str(entry.get("file_name")), f"{file.name} image {number}", objects[number])
        for number, entry in images.items()
    ]


def _object(entry: Mapping[str, Any], names: Mapping[int, str], file: str) -> tuple[str, Sequence[float]]:
    category, box = category_of(entry, names, file), entry.get("bbox")
    if not isinstance(box, list) or len(box) != 4 or not all(isinstance(side, int | float) for side in box):
        raise DataError(
            f"{file}: annotation {entry.get('id')} has the bbox {box}; it is four numbers, left, top, width, height"
        )
    left, top, width, height = box
    return names[category], (left, top, left + width, top + height)


def image_of(entry: Mapping[str, Any], images: Container[int], file: str) -> int:
    """The id of the image that an annotation is of. Raises: DataError for one that the file does not have."""
    number = whole_number(entry, "image_id", f"{file}, annotations")
    if number not in images:
        raise DataError(f"{file}: annotation {entry.get('id')} is of image {number}, which is not in its images")
    return number


def category_of(entry: Mapping[str, Any], categories: Container[int], file: str) -> int:
    """The id of an annotation's category. Raises: DataError for one that the file does not have."""
    category = entry.get("category_id")
    if not isinstance(category, int) or category not in categories:
        raise DataError(f"{file}: annotation {entry.get('id')} has category {category}, which is not in its categories")
    return category


def whole_number(entry: Any, name: str, place: str) -> int:
    """A whole number in an entry. Raises: DataError naming where."""
    value = entry.get(name) if isinstance(entry, dict) else None
    if not isinstance(value, int):
        raise DataError(f"{place}: an entry has the {name} {value!r}; it must be an integer")
    return value


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
    return max(nearby, key=lambda folder: sum((folder / name).is_file() for name in names[::step]))
