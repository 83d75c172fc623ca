"""WIDER FACE: a text file a split, in which an image's name is followed by how many faces it shows, and a line for each.

0--Parade/0_Parade_1.jpg
1
449 330 122 149 0 0 0 0 0 0        left, top, width, height, then blur, expression, illumination, invalid, occlusion, pose
Source: Yang et al. 2016, WIDER FACE, arXiv:1511.06523, and the readme of wider_face_split
"""

from collections.abc import Sequence
from pathlib import Path

from sonde.core.errors import DataError
from sonde.data.listing import Listing
from sonde.data.unzipped import text_of
from sonde.modalities.image.annotations.annotated import (
    Annotated,
    Annotations,
    Skipped,
    annotated,
    files_by_split,
    number,
    pass_over,
    split_of,
    unnamed,
)
from sonde.modalities.image.annotations.locate import Locator
from sonde.modalities.image.files import is_image

CLASS, INVALID = "face", 7  # which number of a line says that a face is not to be counted
ASIDE = "faces marked as invalid"


def recognise(listing: Listing) -> str | None:
    """Why a folder holds WIDER FACE's lists, None if it does not."""
    files = _files(listing)
    return f"{', '.join(file.name for file in files.values())}, as of WIDER FACE" if files else None


def read(listing: Listing, skipped: Skipped) -> Annotations:
    """All images that are listed; files' names tell the splits. Raises: DataError for lines that are no such list"""
    files = _files(listing)
    aside = {ASIDE: 0}
    own = {split: folder for folder in listing.folders if (split := split_of(folder.name)) and folder.folder("images")}
    splits = {
        split: _read_file(file, Locator(own[split].path if split in own else listing.path), aside, skipped)
        for split, file in files.items()
    }
    return Annotations(
        form="WIDER FACE's lists",
        why=", ".join(file.name for file in files.values()),
        splits=splits,
        files=list(files.values()),
        set_aside={what: count for what, count in aside.items() if count},
        notes=unnamed(listing, splits),
    )


def _files(listing: Listing) -> dict[str, Path]:
    found = [file for folder in (listing, *listing.folders) for file in folder.ending(".txt") if "bbx_gt" in file.stem]
    return files_by_split(listing.path, found, lambda file: split_of(file.stem))


def _read_file(file: Path, locator: Locator, aside: dict[str, int], skipped: Skipped) -> list[Annotated]:
    lines = [line.strip() for line in text_of(file).splitlines()]
    starts = [row for row, line in enumerate(lines) if is_image(Path(line))]
    if not starts or any(lines[: starts[0]]):
        raise DataError(f"{file.name} does not begin with the name of an image; fix the list")
    found = []
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        place = f"{file.name} line {start + 1}"
        try:
            objects = _faces([line.split() for line in lines[start + 1 : end] if line], place, aside)
            found.append(annotated(locator.find(file.parent, lines[start]), place, objects))
        except DataError as trouble:
            pass_over(trouble, skipped)
    return found


def _faces(lines: Sequence[list[str]], place: str, aside: dict[str, int]) -> list[tuple[str, list[float]]]:
    (said, *_), *rows = lines or [[""]]
    if said == "0" and len(rows) == 1 and set(rows[0]) == {"0"}:
        rows = []  # a line of zeros stands for no face
    if not said.isdecimal() or len(rows) != int(said) or any(len(words) < 4 for words in rows):
        raise DataError(f"{place} is not followed by the number of its faces and a line for each; fix the list")
    found = []
    for words in rows:
        left, top, width, height = (number(word, "a side", place) for word in words[:4])
        if len(words) > INVALID and words[INVALID] == "1":
            aside[ASIDE] += 1
        else:
            found.append((CLASS, [left, top, left + width, top + height]))
    return found
