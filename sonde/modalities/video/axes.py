"""Arrays with an axis of time: whether they are clips, and how those are laid out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import InputSpec, Schema
from sonde.core.errors import DataError
from sonde.data.mapped import is_mapped
from sonde.data.rows import ArrayInputs, MappedInputs
from sonde.modalities.arrays.shapes import CHANNELS, SMALLEST_SIDE, Layout, lay_out, layout_of
from sonde.modalities.video.config import VideoConfig
from sonde.tasks.table import spec

# n clips, t frames, h height, w width, c channels

WORDS = ("clip", "clips", "video", "videos")  # names of arrays that say what they hold
GREY, WITH_CHANNELS = 4, 5  # axes of an array of clips


@dataclass(frozen=True, kw_only=True)
class ClipLayout:
    """How an array is read.

    frame: of its frames, (n * t, h, w, c) or (n * t, c, h, w)
    why:   what says that it holds clips
    """

    frame: Layout
    why: str


def takes_clips(task: str | None) -> bool:
    """Whether a task learns from clips."""
    return task is not None and "video" in spec(task).inputs


def why_clips(array: np.ndarray, place: str, config: DataConfig, task: str | None, like: Schema | None) -> str:
    """What says that an array holds clips; "" where it is read as anything else.

    Raises: DataError where clips are asked for and an array has no axis of time
    """
    if like is not None:
        return "the model was trained on clips" if like.input.has_frames else ""
    asked = config.of(VideoConfig).clips
    if asked == "yes":
        if array.ndim not in (GREY, WITH_CHANNELS):
            raise DataError(
                f"{place} of shape {array.shape} holds no clips, which are (rows, time, height, width) or (rows, time, height, "
                "width, channels); leave --clips out"
            )
        return "--clips yes"
    if asked == "no" or not takes_clips(task) or array.ndim not in (GREY, WITH_CHANNELS):
        return ""
    named = next((word for word in re.split(r"[^a-z0-9]+", place.lower()) if word in WORDS), "")
    if named:
        return f"{named!r} in its name; --clips no reads it otherwise"
    return "five axes; --clips no reads flat rows" if array.ndim == WITH_CHANNELS else ""


def not_clips(array: np.ndarray, place: str, config: DataConfig, task: str | None, channels: int) -> str:
    """What to say of images with as many channels as a clip has frames; "" for nothing."""
    if channels in CHANNELS or not takes_clips(task) or config.of(VideoConfig).clips != "auto":
        return ""
    return f"{place} {array.shape} is read as images of {channels} channels; if those are frames of clips, give --clips yes"


def clip_layout(arrays: Mapping[str, np.ndarray], why: str, place: str, like: InputSpec | None = None) -> ClipLayout:
    """How arrays of clips are read, all alike: pixels become bytes.

    Raises: DataError for frames that are too small, and values that are no pixels
    """
    shape = next(iter(arrays.values())).shape
    sides = shape[2:4] if len(shape) == GREY or shape[-1] in CHANNELS else shape[3:]
    if min(sides) < SMALLEST_SIDE:
        raise DataError(
            f"{place} of shape {shape}: frames of {sides[0]}x{sides[1]} pixels are no clips; give --clips no"
        )
    frames = [_frames(array) for array in arrays.values()]
    found = layout_of(frames, place)
    low = 0.0 if found.kind == "image" and not found.full else min(float(each.min()) for each in frames)
    if found.kind != "image" or low < 0:
        raise DataError(f"{place} holds values from {low:g}, which are no pixels of clips; give them as 0 to 255")
    if found.full:
        found = Layout(axes=found.axes, scale=255 / found.full, why="stored in 8 bits")
    first = next(iter(arrays.values()))
    if like is not None and like.scale and first.dtype != np.uint8 and float(first.max()) * like.scale <= 255.5:
        found = Layout(axes=found.axes, scale=like.scale)
    return ClipLayout(frame=found, why=why)


def clips_of(array: np.ndarray, layout: ClipLayout, place: str) -> ArrayInputs | MappedInputs:
    """The clips of an array: in memory, or where the array is a mapped file read from there.

    Raises: DataError for NaN and infinite values, naming the frame
    """
    convert = partial(_laid_out, layout=layout.frame, place=place)
    if is_mapped(array):
        return MappedInputs(array=array, place=place, convert=convert, row=convert(array[:1])[0])
    return ArrayInputs(convert(array), place)


def _laid_out(array: np.ndarray, layout: Layout, place: str) -> np.ndarray:
    """uint8 (n, t, c, h, w)."""
    frames = lay_out(_frames(array), layout, place)
    return frames.reshape(*array.shape[:2], *frames.shape[1:])


def _frames(array: np.ndarray) -> np.ndarray:
    """(n, t, …) -> (n * t, …), grey ones with one channel."""
    with_channels = array[..., None] if array.ndim == GREY else array
    return with_channels.reshape(-1, *with_channels.shape[2:])
