"""MOT Challenge: folders of frames with gt/gt.txt, a line for each object in a frame.

train/MOT17-02/img1/000001.jpg   train/MOT17-02/gt/gt.txt
1,3,794.2,47.5,71.2,174.8,1,1,0.8      frame, who, left, top, width, height, whether it counts, class, how visible
Source: Milan et al. 2016, MOT16, arXiv:1603.00831, table 6
"""

import csv

from sonde.core.errors import DataError
from sonde.data.listing import Listing
from sonde.data.unzipped import text_of
from sonde.modalities.image.annotations.annotated import (
    NAMELESS,
    Annotated,
    Annotations,
    Skipped,
    annotated,
    number,
    pass_over,
    split_of,
    unnamed,
)
from sonde.modalities.image.files import is_image

CLASSES = (
    "pedestrian",
    "person on vehicle",
    "car",
    "bicycle",
    "motorbike",
    "non motorized vehicle",
    "static person",
    "distractor",
    "occluder",
    "occluder on the ground",
    "occluder full",
    "reflection",
    "crowd",
)
ASIDE = "boxes marked as not to be counted"
FRAMES = "frames of one video are alike: a random split trains on the neighbours of frames that are evaluated"


def recognise(listing: Listing) -> str | None:
    """Why a folder holds videos with boxes, None if it does not."""
    videos = _videos(listing)
    return f"gt/gt.txt beside frames in {', '.join(video.name for video in videos)}" if videos else None


def read(listing: Listing, skipped: Skipped) -> Annotations:
    """All frames of all videos; folders tell the splits. Raises: DataError for lines that are no boxes"""
    videos, aside = _videos(listing), {ASIDE: 0}
    splits: dict[str, list[Annotated]] = {}
    for video in videos:
        parts = video.path.relative_to(listing.path).parts[:-1]
        split = next((split for part in parts if (split := split_of(part))), "train")
        splits.setdefault(split, []).extend(_read_video(video, aside, skipped))
    splits = splits if "train" in splits else {"train": [image for found in splits.values() for image in found]}
    return Annotations(
        form="MOT Challenge",
        why=", ".join(video.name for video in videos),
        splits=splits,
        files=[video.path / "gt" / "gt.txt" for video in videos],
        set_aside={what: count for what, count in aside.items() if count},
        notes=[*([FRAMES] if len(splits) == 1 else []), *unnamed(listing, splits)],
    )


def _videos(listing: Listing) -> list[Listing]:
    """Folders of frames with boxes, here, one folder below or two."""
    places = [listing, *listing.folders, *(inner for folder in listing.folders for inner in folder.folders)]
    return [place for place in places if (place.path / "gt" / "gt.txt").is_file() and _frames(place) is not None]


def _frames(video: Listing) -> Listing | None:
    return video.folder("img1", "img", "images")


def _read_video(video: Listing, aside: dict[str, int], skipped: Skipped) -> list[Annotated]:
    frames, file = _frames(video), video.path / "gt" / "gt.txt"
    assert frames is not None
    images = {int(image.stem): image for image in frames.files if is_image(image) and image.stem.isdigit()}
    objects: dict[int, list[tuple[str, list[float]]]] = {frame: [] for frame in images}
    for line, cells in enumerate(csv.reader(text_of(file).splitlines()), start=1):
        place = f"{video.name}/gt/gt.txt line {line}"
        try:
            if not cells:
                continue
            if len(cells) < 6 or not cells[0].strip().isdigit():
                raise DataError(f"{place} is not a box (frame, id, left, top, width, height); fix the line")
            frame = int(cells[0])
            left, top, width, height = (number(cell, "a side", place) for cell in cells[2:6])
            if frame not in objects:
                raise DataError(
                    f"{place} is of frame {frame}, which is not in {frames.name}/; add it or remove the line"
                )
            if len(cells) > 6 and number(cells[6], "the mark", place) == 0:
                aside[ASIDE] += 1
            else:
                objects[frame].append((_name(cells), [left, top, left + width, top + height]))
        except DataError as trouble:
            pass_over(trouble, skipped)
    return [annotated(images[frame], f"{video.name} frame {frame}", found) for frame, found in objects.items()]


def _name(cells: list[str]) -> str:
    """The class of a line; MOT15 has none, and -1 in its place."""
    said = cells[7].strip() if len(cells) > 8 else ""
    return CLASSES[int(said) - 1] if said.isdigit() and 0 < int(said) <= len(CLASSES) else NAMELESS
