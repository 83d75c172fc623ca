"""Images that a model has made: as pixels, as one picture in rows and columns, as files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sonde.core.dataset import Schema
from sonde.data.feed.normalise import Normalise
from sonde.modalities.image.show import HEAVY, QUALITIES
from sonde.modalities.made import Made

GAP = 2  # pixels between images
SIDE = 56  # pixels: smaller images are shown larger, by whole numbers
REPORTED = 64  # images


def plain(values: Tensor, schema: Schema) -> np.ndarray:
    """(N, C, H, W) as the network makes them -> (N, H, W, C) uint8, of one channel (N, H, W)."""
    pixels = Normalise(schema.input, torch.device("cpu")).picture(values)
    return pixels[..., 0] if pixels.shape[-1] == 1 else pixels


def sheet(images: np.ndarray, columns: int) -> Image.Image:
    """Images (N, H, W) or (N, H, W, C) in rows of `columns`, with gaps, small ones enlarged without smoothing."""
    coloured = images[..., None] if images.ndim == 3 else images
    coloured = (
        coloured[..., :3] if coloured.shape[-1] > 3 else coloured[..., :1] if coloured.shape[-1] == 2 else coloured
    )
    larger = max(1, SIDE // max(coloured.shape[1:3]))
    coloured = coloured.repeat(larger, axis=1).repeat(larger, axis=2)
    number, height, width, channels = coloured.shape
    rows = -(-number // columns)
    page = np.full((rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, channels), 255, np.uint8)
    for place, image in enumerate(coloured):
        top, left = GAP + place // columns * (height + GAP), GAP + place % columns * (width + GAP)
        page[top : top + height, left : left + width] = image
    return Image.fromarray(page[..., 0] if channels == 1 else page)


def columns_for(number: int, classes: int) -> int:
    """As many as there are classes, so that each stands in a column, where those are few; else about a square."""
    return classes if 1 < classes <= 12 and number >= classes else max(1, round(number**0.5))


def write(path: Path, images: Any, labels: Sequence[str] | None, schema: Schema) -> None:
    """One picture of all, or a folder with a file each, called by number and class."""
    if path.suffix:
        sheet(images, columns_for(len(images), len(set(labels or ())))).save(path)
        return
    path.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(images):
        name = f"{number:05d}" if labels is None else f"{number:05d}-{safe(labels[number])}"
        Image.fromarray(image if image.ndim == 2 or image.shape[-1] <= 4 else image[..., :3]).save(path / f"{name}.png")


def picture(values: Tensor, schema: Schema, stem: Path) -> Path:
    """A picture of samples for a report, light enough to stand in the page."""
    classes = len(schema.target.names) if schema.target.kind == "class" else 0
    return light(sheet(plain(values, schema), columns_for(len(values), classes)), stem)


def strip(values: Tensor, schema: Schema, stem: Path) -> Path:
    """A picture of samples in a row."""
    return light(sheet(plain(values, schema), len(values)), stem)


def pairs(first: Any, second: Any, stem: Path) -> Path:
    """A picture for a report: images in a row, and below each the other of its pair."""
    return light(sheet(np.concatenate([first, second]), len(first)), stem)


def vectors(images: Any, schema: Schema) -> Tensor:
    """(N, …) uint8 -> (N, values of an image) uint8."""
    return torch.from_numpy(np.ascontiguousarray(images).reshape(len(images), -1))


def light(page: Image.Image, stem: Path) -> Path:
    """Write a page as a file that is small enough to stand in a report."""
    path = stem.with_suffix(".png")
    page.save(path, optimize=True)
    if path.stat().st_size <= HEAVY or page.mode not in ("L", "RGB"):
        return path
    path.unlink()
    path = stem.with_suffix(".jpg")
    for quality in QUALITIES:
        page.save(path, quality=quality)
        if path.stat().st_size <= HEAVY:
            break
    return path


def safe(name: str) -> str:
    """A class's name as part of a file's."""
    return "".join(each if each.isalnum() or each in "-_" else "_" for each in name)[:40]


MADE = Made(
    plain=plain,
    endings=(".png", "/"),
    write=write,
    picture=picture,
    strip=strip,
    joined=np.concatenate,
    chosen=np.ndarray.__getitem__,
    vectors=vectors,
    space="pixels",
    pairs=pairs,
)
