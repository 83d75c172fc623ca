"""Animated pictures (GIF, PNG, WebP) -> frames, and frames -> animated pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from sonde.core.errors import DataError
from sonde.modalities.image.files import BAD_CONTENT, GREY_MODES, decoded, opened_image, pixels, unreadable, upright

FRAME_MS = 120  # how long a frame is shown


@dataclass(frozen=True)
class ClipFiles:
    """Files of animated pictures as inputs: the first frames of each, at one size.

    names: relative to the root;  shape: (frames, channels, height, width)
    """

    root: Path
    names: tuple[str, ...]
    shape: tuple[int, int, int, int]

    def __len__(self) -> int:
        return len(self.names)

    def read(self, indices: np.ndarray) -> np.ndarray:
        """(len(indices), *shape) uint8. Raises: DataError naming a file that cannot be read"""
        return np.stack([read_clip(self.root / self.names[int(index)], self.shape) for index in indices])

    def describe(self, index: int) -> str:
        """ "train/walk/001.gif"."""
        return self.names[index]

    def nbytes(self) -> int:
        """Bytes of all once decoded."""
        return len(self) * int(np.prod(self.shape))


@dataclass(frozen=True)
class ClipHeader:
    """What a file says of itself."""

    frames: int
    height: int
    width: int
    channels: int


def read_header(path: Path) -> ClipHeader:
    """Without decoding all of it: palettes that hold greys alone are grey. Raises: DataError naming the file"""
    try:
        with opened_image(path) as image:
            frames, (width, height) = getattr(image, "n_frames", 1), image.size
            return ClipHeader(frames, height, width, 1 if _is_grey(image) else 3)
    except BAD_CONTENT as error:
        raise unreadable(str(path), error) from None


def read_clip(path: Path, shape: Sequence[int]) -> np.ndarray:
    """The first frames of a file, uint8 of `shape` (frames, channels, height, width).

    Raises: DataError naming the file, for too few frames too
    """
    found: list[np.ndarray] = []
    try:
        with opened_image(path) as image:
            for frame in ImageSequence.Iterator(image):
                found.append(pixels(decoded(upright(frame), str(path)), shape[1:]))
                if len(found) == shape[0]:
                    return np.stack(found)
    except BAD_CONTENT as error:
        raise unreadable(str(path), error) from None
    raise DataError(f"{path} has {len(found)} frames, and {shape[0]} are read of each clip")


def write_animated(path: Path, frames: Sequence[Image.Image]) -> None:
    """Frames as an animated picture that repeats for ever; how it is coded follows the ending."""
    first, *others = frames
    first.save(path, save_all=True, append_images=others, duration=FRAME_MS, loop=0)


def _is_grey(image: Image.Image) -> bool:
    """Whether it is grey, or its palette is (as that of every GIF of greys)."""
    if image.mode != "P":
        return image.mode in GREY_MODES
    palette = np.asarray(image.getpalette("RGB") or (), np.uint8).reshape(-1, 3)
    return bool((palette == palette[:, :1]).all())
