"""Clips that a model has made: as pixels, as one animated picture in rows and columns, as files, and frame by frame."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sonde.core.dataset import Schema
from sonde.data.feed.normalise import Normalise
from sonde.modalities.image.made import columns_for, light, safe, sheet
from sonde.modalities.image.show import HEAVY
from sonde.modalities.made import Made
from sonde.modalities.video.files import write_animated

LEVELS = 32  # of brightness in a report's pictures, which are lighter for it
FEWER = (60, 30, 20, 10, 4, 1)  # clips in a report's picture, until it is light enough
STRIPS = 6  # clips that are shown frame by frame
GAP = 1  # pixels between clips
CLASSES_IN_COLUMNS = 12

# N clips, T frames


def plain(values: Tensor, schema: Schema) -> np.ndarray:
    """(N, T, C, H, W) as the network makes them -> (N, T, H, W, C) uint8, of one channel (N, T, H, W)."""
    pixels = Normalise(schema.input, torch.device("cpu")).picture(values)
    return pixels[..., 0] if pixels.shape[-1] == 1 else pixels


def write(path: Path, clips: Any, labels: Sequence[str] | None, schema: Schema) -> None:
    """One animated picture of all, an array in an NPZ file, or a folder with a GIF each, called by number and class."""
    if path.suffix.lower() == ".npz":
        if labels is None:
            np.savez_compressed(path, clips=clips)
        else:
            np.savez_compressed(path, clips=clips, labels=np.asarray(labels, dtype=str))
        return
    if path.suffix:
        columns = columns_for(len(clips), len(set(labels or ())))
        write_animated(path, [sheet(frame, columns) for frame in clips.swapaxes(0, 1)])
        return
    path.mkdir(parents=True, exist_ok=True)
    for number, clip in enumerate(clips):
        name = f"{number:05d}" if labels is None else f"{number:05d}-{safe(labels[number])}"
        write_animated(path / f"{name}.gif", [_image(frame) for frame in clip])


def picture(values: Tensor, schema: Schema, stem: Path) -> Path:
    """An animated picture of samples for a report, light enough to stand in the page: fewer of them where they are large."""
    classes = len(schema.target.names) if schema.target.kind == "class" else 0
    classes = classes if 1 < classes <= CLASSES_IN_COLUMNS else 0
    return _light(plain(values, schema), stem, classes)


def stills(values: Tensor, schema: Schema, stem: Path) -> Path:
    """Some clips frame by frame, a row each."""
    clips = plain(values[:STRIPS], schema)
    return light(sheet(clips.reshape(-1, *clips.shape[2:]), clips.shape[1]), stem)


def pairs(first: Any, second: Any, stem: Path) -> Path:
    """An animated picture for a report: clips in a row, and below each the other of its pair."""
    path = stem.with_suffix(".gif")
    both = np.concatenate([first, second])
    write_animated(path, [_page(frame, len(first)) for frame in both.swapaxes(0, 1)])
    return path


def vectors(clips: Any, schema: Schema) -> Tensor:
    """(N, …) uint8 -> (N, values of a clip) uint8."""
    return torch.from_numpy(np.ascontiguousarray(clips).reshape(len(clips), -1))


def _light(clips: np.ndarray, stem: Path, classes: int) -> Path:
    path = stem.with_suffix(".gif")
    for number in FEWER:
        shown = clips[: max(number, classes)]
        columns = columns_for(len(shown), classes)
        write_animated(path, [_page(frame, columns) for frame in shown.swapaxes(0, 1)])
        if path.stat().st_size <= HEAVY:
            break
    return path


def _page(images: np.ndarray, columns: int) -> Image.Image:
    """Images (N, H, W) or (N, H, W, C) in rows, with gaps, as large as they are, in few levels."""
    coloured = images[..., None] if images.ndim == 3 else images
    coloured = coloured[..., :3] if coloured.shape[-1] > 2 else coloured[..., :1]
    number, height, width, channels = coloured.shape
    rows = -(-number // columns)
    page = np.full((rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, channels), 255, np.uint8)
    step = 255 / (LEVELS - 1)
    for place, image in enumerate(np.rint(np.rint(coloured / step) * step).astype(np.uint8)):
        top, left = GAP + place // columns * (height + GAP), GAP + place % columns * (width + GAP)
        page[top : top + height, left : left + width] = image
    return Image.fromarray(page[..., 0] if channels == 1 else page)


def _image(frame: np.ndarray) -> Image.Image:
    return Image.fromarray(frame if frame.ndim == 2 or frame.shape[-1] <= 4 else frame[..., :3])


MADE = Made(
    plain=plain,
    endings=(".gif", "/", ".npz"),
    write=write,
    picture=picture,
    stills=stills,
    joined=np.concatenate,
    chosen=np.ndarray.__getitem__,
    vectors=vectors,
    space="pixels of all frames",
    pairs=pairs,
    in_time=True,
)
