"""Pages of one file as the channels of one image: stacks of a microscope, slices of a volume."""

from collections.abc import Sequence
from contextlib import nullcontext

import numpy as np
from PIL import Image

from sonde.core.errors import DataError
from sonde.modalities.image.files import (
    BAD_CONTENT,
    DEEP_MODES,
    GREY_MODES,
    Content,
    Header,
    decoded,
    fitted,
    opened_image,
    pixels,
    unreadable,
    upright,
)

REMEDY = "--pages first reads the first page of each"


def common_pages(headers: Sequence[Header], places: Sequence[str], known: int = 0) -> int:
    """Pages that each of some files holds, all of them grey.

    known: what a trained model's images have, 0 for none
    Raises: DataError naming the first file that holds another number of pages than the others, or colours
    """
    most = known or headers[0].pages
    for header, place in zip(headers, places, strict=True):
        if header.pages != most:
            of_others = "the model was trained on" if known else f"{places[0]} has"
            hint = "" if known else f"; {REMEDY}"
            raise DataError(f"{place} has {header.pages} pages, and {of_others} {most}; give it as many{hint}")
        if header.channels != 1:
            raise DataError(f"{place} has pages in colour, and only grey ones are read as channels; {REMEDY}")
    if most < 2:
        raise DataError(f"{places[0]} has a single page, and so have the others; leave --pages channels out")
    return most


def read_stack(content: Content, place: str, shape: tuple[int, int, int], full: float = 0.0) -> np.ndarray:
    """All pages of a file: uint8 of `shape` (pages, height, width), or float32 with `full` as 1.

    Raises: DataError naming `place`, for another number of pages too
    """
    values = [
        fitted(np.asarray(page, np.float32) / full, (1, *shape[1:]))
        if full and page.mode in DEEP_MODES
        else pixels(decoded(page, place), (1, *shape[1:])) / (np.float32(255) if full else 1)
        for page in _pages(content, place, shape[0])
    ]
    return np.concatenate(values).astype(np.float32 if full else np.uint8, copy=False)


def deep_stack(content: Content, place: str) -> np.ndarray | None:
    """(pages, H, W) float32 of a file of more than 8 bits; None for any other. Raises: DataError naming `place`"""
    pages = _pages(content, place)
    if not all(page.mode in DEEP_MODES for page in pages) or len({page.size for page in pages}) > 1:
        return None
    values = np.stack([np.asarray(page, np.float32) for page in pages])
    if not np.isfinite(values).all():
        raise DataError(f"{place} holds values that are not finite; replace them by numbers, or remove the image")
    return values


def _pages(content: Content, place: str, expected: int = 0) -> list[Image.Image]:
    """Each page, upright.

    expected: how many there must be, 0 for any
    Raises: DataError for one that cannot be read, or is in colour, and for another number of pages
    """
    found = []
    try:
        with nullcontext(content) if isinstance(content, Image.Image) else opened_image(content) as image:
            there = getattr(image, "n_frames", 1)
            if expected and there != expected:
                raise DataError(f"{place} has {there} pages, and {expected} are read as channels; give it as many")
            for number in range(there):
                image.seek(number)
                if image.mode not in GREY_MODES:
                    raise DataError(f"{place} has pages in colour, and only grey ones are read as channels")
                found.append(upright(image.copy()))
    except BAD_CONTENT as error:
        raise unreadable(place, error) from None
    return found
