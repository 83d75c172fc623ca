"""dlib's imglab XML: one file a split, which names images and lists their boxes.

Source: King 2009, Dlib-ml, JMLR 10, and the files its tool imglab writes (github.com/davisking/dlib, tools/imglab)
"""

from pathlib import Path
from xml.etree import ElementTree

from sonde.core.errors import DataError
from sonde.data.listing import Listing, head_and_tail
from sonde.modalities.image.annotations.annotated import (
    NAMELESS,
    SNIFFED,
    Annotated,
    Annotations,
    Skipped,
    annotated,
    files_by_split,
    number,
    pass_over,
    split_of,
)
from sonde.modalities.image.annotations.locate import Locator


def recognise(listing: Listing) -> str | None:
    """Why a file or folder holds imglab's XML, None if it does not."""
    files = _files(listing)
    return f"{', '.join(file.name for file in files.values())} by dlib's imglab" if files else None


def read(listing: Listing, skipped: Skipped) -> Annotations:
    """All images of all files; the files' names tell the splits, a single file is train.

    Raises: DataError for files that are no such XML
    """
    files = _files(listing)
    ignored = [0]
    return Annotations(
        form="imglab XML",
        why=", ".join(file.name for file in files.values()),
        splits={split: _read_file(file, skipped, ignored) for split, file in files.items()},
        files=list(files.values()),
        set_aside={"boxes marked to be ignored": ignored[0]} if ignored[0] else {},
    )


def _files(listing: Listing) -> dict[str, Path]:
    """Split -> file. Raises: DataError for two files of a split."""
    begins = {file: listing.once(head_and_tail, file, SNIFFED)[0] for file in listing.ending(".xml")}
    found = [file for file, head in begins.items() if b"<dataset" in head and b"<images" in head]
    return files_by_split(listing.path, found, lambda file: split_of(file.stem))


def _read_file(file: Path, skipped: Skipped, ignored: list[int]) -> list[Annotated]:
    try:
        root = ElementTree.parse(file).getroot()
    except ElementTree.ParseError as error:
        raise DataError(f"{file} is not valid XML ({error}); fix the file") from None
    found, locator = [], Locator(file.parent)
    for row, image in enumerate(root.iter("image"), start=1):
        try:
            found.append(_read_image(image, file, f"{file.name} image {row}", ignored, locator))
        except DataError as trouble:
            pass_over(trouble, skipped)
    return found


def _read_image(image: ElementTree.Element, file: Path, place: str, ignored: list[int], locator: Locator) -> Annotated:
    name = image.get("file")
    if not name:
        raise DataError(f"{place} names no file; fix {file.name}")
    objects = []
    for box in image.iter("box"):
        if box.get("ignore") in ("1", "true"):
            ignored[0] += 1
            continue
        left, top, width, height = (number(box.get(side), side, place) for side in ("left", "top", "width", "height"))
        label = (box.findtext("label") or "").strip() or NAMELESS
        objects.append((label, (left, top, left + width, top + height)))
    return annotated(locator.find(file.parent, name), place, objects)
