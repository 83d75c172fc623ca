"""KITTI: a text file an image in label_2/, a line for each object: class, truncated, occluded, angle, left, top, right, bottom, …

training/image_2/000000.png   training/label_2/000000.txt   testing/image_2/…
Source: Geiger et al. 2012, Are we ready for autonomous driving?, CVPR; the object development kit's readme
"""

import re
from pathlib import Path

from sonde.core.errors import DataError
from sonde.data.listing import Listing
from sonde.data.unzipped import text_of
from sonde.modalities.image.annotations.annotated import (
    Annotated,
    Annotations,
    Skipped,
    annotated,
    chosen_by,
    images_below,
    number,
    pass_over,
    split_lists,
    unlisted,
    unnamed,
)

IMAGES, LABELS = ("image_2", "images", "image"), ("label_2", "labels", "label")
FIELDS = (15, 16)  # of a line; the last of 16 is a score
UNSURE = "DontCare"  # regions where objects were not marked one by one
SAMPLED = 20


def recognise(listing: Listing) -> str | None:
    """Why a folder holds KITTI's text files, None if it does not."""
    found = _pair(listing)
    return f"text files of 15 columns in {found[1].name}, by KITTI" if found else None


def read(listing: Listing, skipped: Skipped) -> Annotations:
    """All images that have a text file; lists in ImageSets/ tell the splits, else all are train.

    Raises: DataError for lines that are no objects
    """
    found = _pair(listing)
    assert found is not None
    folder, labels = found
    texts = {file.stem: file for file in labels.ending(".txt")}
    images = {image.stem: image for image in images_below(folder.path) if image.stem in texts}
    sets = listing.folder("imagesets")
    lists = split_lists(sets) or split_lists(listing)
    chosen = chosen_by(lists, list(images), skipped) if lists else {"train": list(images)}
    aside = {f"regions marked as {UNSURE}": 0}
    splits = {
        split: [image for stem in stems if (image := _read_one(images[stem], texts[stem], aside, skipped)) is not None]
        for split, stems in chosen.items()
    }
    return Annotations(
        form="KITTI text files",
        why=f"lists in {next(iter(lists.values())).parent.name}" if lists else f"text files in {labels.name}",
        splits=splits,
        files=[*texts.values(), *lists.values()],
        set_aside={what: count for what, count in aside.items() if count},
        notes=unlisted(list(images), chosen, lists) if lists else unnamed(listing, splits),
    )


def _pair(listing: Listing) -> tuple[Listing, Listing] | None:
    """The folder of images and that of text files, here or in training/."""
    for place in (listing, *listing.folders):
        images, labels = place.folder(*IMAGES), place.folder(*LABELS)
        if images is None or labels is None:
            continue
        lines = [
            line for file in labels.ending(".txt")[:SAMPLED] for line in text_of(file).splitlines() if line.strip()
        ]
        if lines and all(_is_object(line.split()) for line in lines):
            return images, labels
    return None


def _is_object(words: list[str]) -> bool:
    return (
        len(words) in FIELDS
        and re.match(r"[A-Za-z]", words[0]) is not None
        and all(re.fullmatch(r"-?[\d.]+(e-?\d+)?", word) for word in words[1:])
    )


def _read_one(image: Path, file: Path, aside: dict[str, int], skipped: Skipped) -> Annotated | None:
    objects = []
    try:
        for line, text in enumerate(text_of(file).splitlines(), start=1):
            place, words = f"{file.name} line {line}", text.split()
            if not words:
                continue
            if not _is_object(words):
                raise DataError(f"{place} is not a KITTI object (a class and 14 numbers); fix the line")
            if words[0] == UNSURE:
                aside[f"regions marked as {UNSURE}"] += 1
            else:
                objects.append((words[0], [number(word, "a side", place) for word in words[4:8]]))
        return annotated(image, file.name, objects)
    except DataError as trouble:
        pass_over(trouble, skipped)
        return None
