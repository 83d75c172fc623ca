"""Pascal VOC: an XML file an image, in Annotations/ beside JPEGImages/ with lists in ImageSets/Main/, or beside the images.

Source: Everingham et al. 2010, The Pascal Visual Object Classes Challenge, IJCV 88(2)
"""

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from sonde.core.errors import DataError
from sonde.core.natural_order import natural
from sonde.data.listing import Listing, head_and_tail
from sonde.modalities.image.annotations.annotated import (
    SNIFFED,
    Annotated,
    Annotations,
    Skipped,
    annotated,
    chosen_by,
    images_below,
    number,
    pass_over,
    size_in,
    split_lists,
    split_of,
    unlisted,
)

SIDES = ("xmin", "ymin", "xmax", "ymax")


def recognise(listing: Listing) -> str | None:
    """Why a folder holds Pascal VOC annotations, None if it does not."""
    if (root := _root(listing)) is not None:
        return f"{root.name} has XML files in Annotations and images beside them"
    beside = _beside(listing)
    return f"XML files beside the images of {', '.join(f.name for f in beside.values())}" if beside else None


def read(listing: Listing, skipped: Skipped) -> Annotations:
    """All annotated images; the lists or folders tell the splits, else all are train.

    Raises: DataError for files that are no such XML, lists that name what is not there
    """
    path, root = listing.path, _root(listing)
    if root is None:
        files = {split: sorted(f.ending(".xml"), key=_by_name) for split, f in _beside(listing).items()}
        splits = {split: _read_all(found, found[0].parent, path, skipped) for split, found in files.items()}
        everything = [file for found in files.values() for file in found]
        return Annotations(form="Pascal VOC", why="XML files beside the images", splits=splits, files=everything)
    notes, pictures = root.folder("annotations"), root.folder("jpegimages", "images")
    assert notes is not None
    assert pictures is not None
    images = pictures.path
    files = {file.stem: file for file in sorted(notes.ending(".xml"), key=_by_name)}
    sets = root.folder("imagesets")
    lists = split_lists(sets.folder("main") if sets else None) or split_lists(sets) or split_lists(root)
    chosen = chosen_by(lists, list(files), skipped) if lists else {"train": list(files)}
    return Annotations(
        form="Pascal VOC",
        why=f"lists in {next(iter(lists.values())).parent.relative_to(path)}"
        if lists
        else f"XML files in {notes.name}",
        splits={s: _read_all([files[n] for n in names], images, path, skipped) for s, names in chosen.items()},
        files=[*files.values(), *lists.values()],
        notes=unlisted(list(files), chosen, lists),
    )


def _root(listing: Listing) -> Listing | None:
    """The folder with annotations and images, which is the path or the only such one directly below."""
    found = []
    for folder in (listing, *listing.folders):
        notes = folder.folder("annotations")
        if notes is not None and folder.folder("jpegimages", "images") and _is_voc(notes):
            found.append(folder)
    return found[0] if len(found) == 1 else None


def _beside(listing: Listing) -> dict[str, Listing]:
    """Split -> folder that holds images and their XML files; a folder without splits is train."""
    splits = {split: folder for folder in listing.folders if (split := split_of(folder.name)) is not None}
    chosen = splits if "train" in splits else {"train": listing}
    return chosen if listing.is_dir and all(map(_is_voc, chosen.values())) else {}


def _is_voc(listing: Listing) -> bool:
    """Whether the first XML file of a folder is of this form."""
    files = listing.ending(".xml")
    return (
        bool(files) and re.search(rb"<annotation[\s>]", listing.once(head_and_tail, files[0], SNIFFED)[0]) is not None
    )


def _by_name(file: Path) -> list[tuple[int, float, str]]:
    return natural(file.name)


def _read_all(files: Sequence[Path], images: Path, root: Path, skipped: Skipped) -> list[Annotated]:
    """The images of some XML files; `images` is the folder they stand in."""
    known = {image.relative_to(images).with_suffix("").as_posix(): image for image in images_below(images)}
    found = []
    for file in files:
        try:
            found.append(_read_one(file, known, images, file.relative_to(root).as_posix()))
        except DataError as trouble:
            pass_over(trouble, skipped)
    return found


def _read_one(file: Path, known: dict[str, Path], images: Path, place: str) -> Annotated:
    try:
        root = ElementTree.parse(file).getroot()
    except (ElementTree.ParseError, LookupError, ValueError, RecursionError) as error:
        raise DataError(
            f"{place} is not valid XML ({error}); fix the file, or skip such files with --skip-unreadable"
        ) from None
    objects = []
    for entry in root.iter("object"):
        name = (entry.findtext("name") or "").strip()
        if not name:
            raise DataError(f"{place}: object {len(objects) + 1} has no name; fix the file")
        box = [
            number(entry.findtext(f"bndbox/{side}"), f"{side} of object {len(objects) + 1}", place) for side in SIDES
        ]
        objects.append((name, box))
    image = known.get(file.stem) or images / (root.findtext("filename") or f"{file.stem}.jpg").strip()
    said = {side: root.findtext(f"size/{side}") for side in ("height", "width")}
    return annotated(image, place, objects, size=size_in(said))
