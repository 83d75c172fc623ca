"""A mask file -> a whole number for every pixel: its class, or which object it belongs to."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from PIL import Image

from sonde.core.dataset import IGNORED
from sonde.core.errors import DataError, first_line
from sonde.modalities.image.files import BAD_CONTENT

Coding = Literal["classes", "binary", "objects"]
DEEP = frozenset({"I", "I;16", "I;16L", "I;16B", "I;16N"})
SPLIT_AT = 128  # of 0..255: where a lossy file's two levels part
MOST_CLASSES = 255  # 255 itself is IGNORED


@dataclass(frozen=True)
class Labels:
    """What the pixels of one image are.

    classes: (H, W) uint8, IGNORED where a pixel does not count
    objects: (H, W) int32, from 1, 0 where there is none; None where objects are not known one by one
    """

    classes: np.ndarray
    objects: np.ndarray | None = None


class Masks(Protocol):
    """Masks by number, each of its image's own size. Must pickle.

    read and size raise DataError naming the file; size is (height, width), from the header alone
    """

    def __len__(self) -> int: ...
    def read(self, index: int) -> Labels: ...
    def size(self, index: int) -> tuple[int, int]: ...
    def describe(self, index: int) -> str: ...


@dataclass(frozen=True)
class MaskFiles:
    """One file an image.

    coding: classes (the number of each pixel's class, 255 for none), binary (0 and 255) or objects (numbers from 1)
    classes: how many there are
    """

    root: Path
    names: tuple[str, ...]  # relative to the root, with forward slashes
    coding: Coding
    classes: int

    def __len__(self) -> int:
        return len(self.names)

    def read(self, index: int) -> Labels:
        """Classes, and objects where the file numbers them. Raises: DataError for a class beyond the last."""
        values = read_values(self.root / self.names[index])
        if self.coding == "objects":
            return Labels((values > 0).astype(np.uint8), values.astype(np.int32))
        if self.coding == "binary":
            return Labels((values >= SPLIT_AT).astype(np.uint8))
        highest = int(values[values != IGNORED].max(initial=0))
        if highest >= self.classes:
            raise DataError(
                f"{self.names[index]} holds class {highest}, and classes go from 0 to {self.classes - 1}; fix the mask, or "
                "name all classes in a classes.txt beside the images, one a line"
            )
        return Labels(values.astype(np.uint8))

    def size(self, index: int) -> tuple[int, int]:
        """(height, width)."""
        return size_of(self.root / self.names[index])

    def describe(self, index: int) -> str:
        """ "masks/001.png"."""
        return self.names[index]


@dataclass(frozen=True)
class ObjectFiles:
    """Several files an image, one an object: above 0 where the object is. Where two overlap, the later one stands."""

    root: Path
    names: tuple[tuple[str, ...], ...]  # of each image, relative to the root

    def __len__(self) -> int:
        return len(self.names)

    def read(self, index: int) -> Labels:
        """Foreground, and a number for each object. Raises: DataError for files of different sizes."""
        objects: np.ndarray = np.zeros(self.size(index), np.int32)
        for number, name in enumerate(self.names[index], start=1):
            values = read_values(self.root / name)
            if values.shape != objects.shape:
                raise DataError(
                    f"{name} is {_by(values.shape)} and {self.names[index][0]} is {_by(objects.shape)}; all masks of an image "
                    "must have the same size"
                )
            objects[values > 0] = number
        return Labels((objects > 0).astype(np.uint8), objects)

    def size(self, index: int) -> tuple[int, int]:
        """(height, width), of the first object's file."""
        return size_of(self.root / self.names[index][0])

    def describe(self, index: int) -> str:
        """ "stage1_train/7/masks/a.png and 12 more"."""
        first, *more = self.names[index]
        return f"{first} and {len(more)} more" if more else first


@dataclass(frozen=True)
class ChosenMasks:
    """Some of other masks."""

    masks: Masks
    rows: np.ndarray  # (n,) int64

    def __len__(self) -> int:
        return len(self.rows)

    def read(self, index: int) -> Labels:
        """The mask's labels."""
        return self.masks.read(int(self.rows[index]))

    def size(self, index: int) -> tuple[int, int]:
        """(height, width)."""
        return self.masks.size(int(self.rows[index]))

    def describe(self, index: int) -> str:
        """Where the mask is."""
        return self.masks.describe(int(self.rows[index]))


def read_values(path: Path) -> np.ndarray:
    """(H, W) uint8, or int32 for more than 8 bits: grey levels, palette places, or 0 and 1 of a bitmap; JPEG as 0 and 255.

    Raises: DataError for a file that cannot be read, and for one in colours
    """
    try:
        with Image.open(path) as image:
            image.load()
            values = _numbers(image, path)
            lossy = image.format == "JPEG"
    except BAD_CONTENT as error:
        raise _unreadable(path, error) from None
    return np.where(values >= SPLIT_AT, np.uint8(255), np.uint8(0)) if lossy else values


def size_of(path: Path) -> tuple[int, int]:
    """(height, width) from the header. Raises: DataError."""
    try:
        with Image.open(path) as image:
            return image.height, image.width
    except BAD_CONTENT as error:
        raise _unreadable(path, error) from None


def resized(array: np.ndarray, height: int, width: int) -> np.ndarray:
    """(H, W) -> (height, width) by the nearest pixel."""
    if array.shape == (height, width):
        return array
    rows = ((np.arange(height) + 0.5) * array.shape[0] / height).astype(np.int64)
    columns = ((np.arange(width) + 0.5) * array.shape[1] / width).astype(np.int64)
    return array[rows[:, None], columns]


def infer_coding(files: Sequence[Path], *, skip: bool = False) -> tuple[Coding, int]:
    """(how these masks are written, how many classes they show).

    More than 8 bits are numbers of objects; 0 and 255 alone are two classes; anything else are class numbers.
    skip: pass over files that cannot be read
    Raises: DataError for a file that cannot be read, and where files differ in kind
    """
    seen: np.ndarray = np.zeros(256, bool)
    deep = shallow = None
    for file in files:
        try:
            values = read_values(file)
        except DataError:
            if not skip:
                raise
            continue
        if values.dtype == np.uint8:
            shallow = shallow or file
            seen |= np.bincount(values.ravel(), minlength=256) > 0
        else:
            deep = deep or file
    if deep is not None and shallow is not None:
        raise DataError(f"{shallow} has 8 bits and {deep} more; write all masks with the same bit depth")
    if deep is not None:
        return "objects", 2
    levels = np.flatnonzero(seen)
    if set(levels) <= {0, IGNORED} and seen[IGNORED]:
        return "binary", 2
    highest = int(levels[levels != IGNORED].max(initial=0))
    return "classes", highest + 1


def _numbers(image: Image.Image, path: Path) -> np.ndarray:
    if image.mode in DEEP:
        return np.asarray(image).astype(np.int32)
    if image.mode in ("L", "P", "1"):
        return np.asarray(image).astype(np.uint8)
    if image.mode in ("LA", "PA"):
        return np.asarray(image)[..., 0]
    if image.mode in ("RGB", "RGBA"):
        bands = np.asarray(image)[..., :3]
        if (bands == bands[..., :1]).all():
            return bands[..., 0]
        raise DataError(
            f"{path} is a colour image; a mask has one number per pixel: save it as a palette or grey PNG of class numbers"
        )
    raise DataError(f"{path} has pixels of kind {image.mode}; save the mask as a palette or grey PNG of class numbers")


def _unreadable(path: Path, error: Exception) -> DataError:
    if isinstance(error, DataError):
        return error
    return DataError(f"{path} cannot be read as a mask ({first_line(error)}); replace it, or remove it and its image")


def _by(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
