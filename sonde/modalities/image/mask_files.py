"""A mask file -> a whole number for every pixel: its class, or which object it belongs to."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PIL import Image

from sonde.core.dataset import IGNORED
from sonde.core.errors import DataError, first_line
from sonde.modalities.image.files import BAD_CONTENT

if TYPE_CHECKING:
    from sonde.modalities.image.mask_coding import Coding

DEEP = frozenset({"I", "I;16", "I;16L", "I;16B", "I;16N"})
SPLIT_AT = 128  # of 0..255: where a lossy file's two levels part
NONE = 256  # in a table of classes: a value that is none of them


@dataclass(frozen=True)
class Raw:
    """What a mask file holds.

    values:  (H, W) uint8, int32 for more than 8 bits; (H, W, 3) uint8 of colours
    palette: (256, 3) uint8 colours of the values, where the file has one
    lossy:   whether values may be a little off, as in JPEG
    """

    values: np.ndarray
    palette: np.ndarray | None = None
    lossy: bool = False

    def coloured(self) -> np.ndarray:
        """(H, W, 3) uint8."""
        if self.values.ndim == 3:
            return self.values
        return np.stack([self.values] * 3, 2) if self.palette is None else self.palette[self.values]


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
    """One file an image, or several whose classes are laid over each other.

    classes: how many there are, which may be more than the masks show
    """

    root: Path
    names: tuple[tuple[str, ...], ...]  # of each image, relative to the root, with forward slashes
    coding: "Coding"
    classes: int

    def __len__(self) -> int:
        return len(self.names)

    def read(self, index: int) -> Labels:
        """Classes, and objects where the file numbers them. Raises: DataError for a class beyond the last."""
        labels = self._read(self.names[index][0])
        for name in self.names[index][1:]:
            further = self._read(name)
            if further.classes.shape != labels.classes.shape:
                raise DataError(
                    f"{name} is {_by(further.classes.shape)} and {self.names[index][0]} is {_by(labels.classes.shape)}; all "
                    "masks of an image must have the same size"
                )
            labels = Labels(np.where(further.classes > 0, further.classes, labels.classes))
        return labels

    def _read(self, name: str) -> Labels:
        raw = read_raw(self.root / name)
        kind, values = self.coding.kind, raw.values
        if kind == "colours":
            return Labels(self._placed(packed(raw.coloured()), name))
        if values.ndim == 3:
            raise DataError(f"{name} is a colour image, and other masks are grey; write all masks in the same way")
        if kind == "levels":
            return Labels(self._placed(values, name))
        if kind == "objects":
            return Labels((values > 0).astype(np.uint8), values.astype(np.int32))
        if kind == "binary":
            return Labels((values >= self.coding.cut).astype(np.uint8))
        highest = int(values[values != IGNORED].max(initial=0))
        if highest >= self.classes:
            raise DataError(
                f"{name} holds class {highest}, and classes go from 0 to {self.classes - 1}; fix the mask, or "
                "name all classes in a classes.txt beside the images, one a line"
            )
        return Labels(values.astype(np.uint8))

    def _placed(self, values: np.ndarray, name: str) -> np.ndarray:
        """(H, W) uint8 place of each value in the coding's table. Raises: DataError for a value that is none of it"""
        table = np.array(self.coding.table)
        order = np.argsort(table)
        places = order[np.searchsorted(table, values, sorter=order).clip(max=len(table) - 1)]
        strange = table[places] != values
        if strange.any():
            value = int(values[strange][0])
            what = f"the grey level {value}" if self.coding.kind == "levels" else f"the colour #{value:06x}"
            raise DataError(
                f"{name} holds {what}, which no class has; fix the mask, or save it without smoothing, as PNG"
            )
        return places.astype(np.uint8)

    def size(self, index: int) -> tuple[int, int]:
        """(height, width), of the first file."""
        return size_of(self.root / self.names[index][0])

    def describe(self, index: int) -> str:
        """ "masks/001.png"."""
        return _first(self.names[index])


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
        return _first(self.names[index])


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


def read_raw(path: Path) -> Raw:
    """What a file holds: grey levels, palette places, or 0 and 1 of a bitmap; colours where it has them.

    Where all pixels are of one colour and differ in transparency, that is what is read.

    Raises: DataError for a file that cannot be read
    """
    try:
        with Image.open(path) as image:
            image.load()
            palette = image.palette and np.array(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
            if palette is not None:
                palette = np.concatenate([palette, np.zeros((256 - len(palette), 3), np.uint8)])
            return Raw(_numbers(image, path), palette if image.mode == "P" else None, image.format == "JPEG")
    except BAD_CONTENT as error:
        raise _unreadable(path, error) from None


def read_values(path: Path) -> np.ndarray:
    """(H, W) of `read_raw`, of one object: JPEG as 0 and 255. Raises: DataError for a file in colours, too"""
    raw = read_raw(path)
    if raw.values.ndim == 3:
        raise DataError(
            f"{path} is a colour image; a mask has one number per pixel: save it as a palette or grey PNG of class numbers"
        )
    return np.where(raw.values >= SPLIT_AT, np.uint8(255), np.uint8(0)) if raw.lossy else raw.values


def packed(colours: np.ndarray) -> np.ndarray:
    """(..., 3) uint8 -> (...) int32 0xRRGGBB."""
    return colours.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32)


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


def _numbers(image: Image.Image, path: Path) -> np.ndarray:
    if image.mode in DEEP:
        return np.asarray(image).astype(np.int32)
    if image.mode in ("L", "P", "1"):
        return np.asarray(image).astype(np.uint8)
    if image.mode in ("LA", "PA", "RGB", "RGBA"):
        whole = np.asarray(image.convert("RGBA") if image.mode == "PA" else image)
        bands, clear = (whole, None) if image.mode == "RGB" else (whole[..., :-1], whole[..., -1])
        if clear is not None and (bands == bands[:1, :1]).all() and (clear != clear[0, 0]).any():
            return clear
        if clear is not None and bands.shape[2] > 1:
            bands = np.where(clear[..., None] > 0, bands, np.uint8(0))
        return bands[..., 0] if (bands == bands[..., :1]).all() else np.ascontiguousarray(bands)
    raise DataError(f"{path} has pixels of kind {image.mode}; save the mask as a palette or grey PNG of class numbers")


def _unreadable(path: Path, error: Exception) -> DataError:
    if isinstance(error, DataError):
        return error
    return DataError(f"{path} cannot be read as a mask ({first_line(error)}); replace it, or remove it and its image")


def _first(names: Sequence[str]) -> str:
    first, *more = names
    return f"{first} and {len(more)} more" if more else first


def _by(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
