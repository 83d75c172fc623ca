"""What the axes and the range of an array say: images, and in which order, sequences, or flat rows of numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np

from sonde.core.dataset import InputSpec
from sonde.core.errors import DataError
from sonde.data.mapped import array_of, is_mapped, release, spans
from sonde.data.plain_arrays import plain, refuse_ragged
from sonde.data.rows import ArrayInputs, MappedInputs
from sonde.modalities.catalogue import modality
from sonde.modalities.image.depth import UNIT, depth_of, full_scale, in_words, span_of

# n images or rows, c channels, h height, w width, t steps, v values of a step
Axes = Literal["nhw", "nhwc", "nchw", "flat", "ntv", "nvt"]

CHANNELS = (1, 3, 4)
SMALLEST_SIDE = 4  # an array (n, 3, 2) is no stack of images
LONG = 4  # times as long as the other axis is the one that is surely time, and a picture is seldom so
WIDE = 32.0  # floats beyond it lose less than 1/64 of themselves when they become whole numbers
AT_ONCE = 1 << 22  # values converted at a time: bounds the float copy


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How an array is read.

    scale: what a value is multiplied by to become 0..255, for images
    full:  for images kept as float32, the value that becomes 1.0; 0 for bytes (`sonde.modalities.image.depth`)
    why:   for a person, "" where there is nothing to explain
    guess: what was decided where it could be otherwise, and how to say so; "" for nothing
    """

    axes: Axes
    scale: float = 1.0
    full: float = 0.0
    why: str = ""
    guess: str = ""

    @property
    def kind(self) -> Literal["image", "array"]:
        """Of the inputs the layout gives."""
        return "array" if self.axes in ("flat", "ntv", "nvt") else "image"


def as_array(values: Any, place: str) -> np.ndarray:
    """A tensor, list or array as a numpy array of numbers.

    Raises: DataError for rows of unequal length, for anything but numbers and booleans, and what `plain` refuses
    """
    values = plain(values, place)
    if hasattr(values, "detach"):
        values = array_of(values)
    try:
        array = np.asarray(values)
    except ValueError:
        refuse_ragged(values, place)
        raise DataError(f"{place}: rows differ in shape; give them one shape, or pass a Dataset") from None
    if array.dtype.kind not in "biuf":
        raise DataError(f"{place} holds {array.dtype}; inputs are numbers (text goes into a table, with --target)")
    if array.ndim == 0:
        raise DataError(f"{place} holds a single number; inputs are (rows, features) or (rows, height, width)")
    if 0 in array.shape[1:]:
        raise DataError(
            f"{place} of shape {array.shape} holds no numbers; inputs are (rows, features) or (rows, height, width)"
        )
    return array


def layout_of(arrays: Sequence[np.ndarray], place: str) -> Layout:
    """How the arrays of all splits are to be read; the first decides about axes, their common range about the scale.

    Raises: DataError for fewer than two axes
    """
    first = arrays[0]
    if first.ndim == 1:
        raise DataError(f"{place} has one axis {first.shape}; inputs are (rows, features) or (rows, height, width)")
    axes = _axes(first.shape)
    if axes == "flat" or (axes == "nhw" and first.dtype.kind == "f" and _is_long(first.shape)):
        return over_time(first.shape, place)
    if first.dtype == np.uint8:
        return Layout(axes=axes)
    low = min((float(part.min()) for a in arrays if a.size for part in spans(a)), default=np.inf)
    high = max((float(part.max()) for a in arrays if a.size for part in spans(a)), default=-np.inf)
    if not np.isfinite(low + high):
        _refuse_non_finite(first, place)
    kind = first.dtype.kind
    if kind == "b":
        return Layout(axes=axes, scale=255.0, why="true and false became 255 and 0")
    pixels = (
        axes != "nhw" or (first.dtype == np.uint16 and high > 255) or (kind == "f" and low >= 0 and 1 < high <= UNIT)
    )
    exact = kind == "f" and high > WIDE or all(_whole(array) for array in arrays)  # bytes lose nothing to speak of
    if pixels and not (low >= 0 and high <= 255 and exact) and (full := full_scale(low, high, whole=kind != "f")):
        return Layout(axes=axes, full=full, why=in_words(full, low, high))
    if first.dtype == np.uint16 and high > 255:
        return Layout(axes=axes, scale=1 / 257, why="16 bits scaled to 8")
    if kind == "f" and low >= 0 and high <= 1:
        return Layout(axes=axes, scale=255.0, why="values in 0..1, stored in 8 bits")
    if low >= 0 and high <= 255:
        return Layout(axes=axes, why=f"{first.dtype} values in 0..255, stored in 8 bits")
    why = f"values from {low:g} to {high:g} are not pixels"
    return replace(over_time(first.shape, place), why=why)


def over_time(shape: tuple[int, ...], place: str) -> Layout:
    """Rows with two axes are sequences: of their two the first is time, unless the other is much longer; all others are flat.

    >>> over_time((100, 128, 9), "x").axes, over_time((100, 3, 500), "x").axes, over_time((100, 9), "x").axes
    ('ntv', 'nvt', 'flat')
    """
    if len(shape) != 3 or max(shape[1:]) < 2:
        return Layout(axes="flat")
    last = shape[2] >= LONG * shape[1]
    steps, values = (shape[2], shape[1]) if last else (shape[1], shape[2])
    each = f"{steps:,} steps of {values:,} value{'s' * (values > 1)}"
    what = f"{place} {tuple(shape)}: axis {2 if last else 1} is read as time, {each}"
    other = "if time is the other axis, swap them (x.transpose(0, 2, 1))"
    guess = f"{what}; {other}, and for rows without an order give x.reshape(len(x), -1)"
    return Layout(axes="nvt" if last else "ntv", guess=guess)


def _is_long(shape: tuple[int, ...]) -> bool:
    return max(shape[1:]) >= LONG * min(shape[1:])


def _whole(array: np.ndarray) -> bool:
    """Whether all values are whole numbers."""
    return array.dtype.kind != "f" or all(bool((part == np.floor(part)).all()) for part in spans(array))


def layout_for(array: np.ndarray, spec: InputSpec, place: str) -> Layout:
    """How an array is read that must fit a trained model: on the scale it was trained on, if the values lie on that.

    One image alone may be too dark to tell 0..1 from 0..255.

    Raises: DataError when it cannot
    """
    if spec.kind == "array" and len(spec.shape) == 2:
        return _sequences_for(array, spec, place)
    layout = layout_of([array], place) if spec.kind == "image" else Layout(axes="flat")
    if (full := depth_of(spec)) and array.ndim > 2:
        return Layout(axes=_axes(array.shape), full=full)
    if layout.full:  # which is for data to train on; this model reads bytes
        low, high = span_of([array])
        layout = Layout(axes=layout.axes if low >= 0 and high <= 255 else "flat")
    if layout.kind != spec.kind:
        noun = modality(spec.kind).noun
        raise DataError(f"{place} of shape {array.shape} does not hold {noun}, which the model was trained on")
    if spec.kind == "array" and int(np.prod(array.shape[1:])) != spec.shape[0]:
        raise DataError(f"{place} has {int(np.prod(array.shape[1:]))} numbers a row; the model takes {spec.shape[0]}")
    if spec.scale and layout.axes != "flat" and array.dtype != np.uint8 and float(array.max()) * spec.scale <= 255.5:
        return replace(layout, scale=spec.scale)
    return layout


def _sequences_for(array: np.ndarray, spec: InputSpec, place: str) -> Layout:
    """Sequences as a model was trained on, with their axes in either order. Raises: DataError"""
    steps, values = spec.shape
    if array.shape[1:] == (steps, values):
        return Layout(axes="ntv")
    if array.shape[1:] == (values, steps):
        return Layout(axes="nvt")
    raise DataError(
        f"{place} has shape {array.shape}, and the model takes sequences (rows, {steps}, {values}), {steps:,} steps of "
        f"{values:,}; cut or pad them to that"
    )


def lay_out(array: np.ndarray, layout: Layout, place: str) -> np.ndarray:
    """uint8 or float32 (n, channels, height, width) for images, a view where possible; float32 (n, features) for flat rows, and
    (n, steps, values) for sequences.

    Raises: DataError for NaN and infinite values, naming the row
    """
    _refuse_non_finite(array, place)
    return _laid_out(array, layout)


def inputs_of(array: np.ndarray, layout: Layout, place: str) -> ArrayInputs | MappedInputs:
    """The rows of an array by a layout: in memory, or where the array is a mapped file read from there.

    Raises: DataError for NaN and infinite values, naming the row
    """
    if not is_mapped(array):
        return ArrayInputs(lay_out(array, layout, place), place)
    _refuse_non_finite(array, place)
    convert = partial(_laid_out, layout=layout)
    return MappedInputs(array=array, place=place, convert=convert, row=convert(array[:1])[0])


def _laid_out(array: np.ndarray, layout: Layout) -> np.ndarray:
    if layout.axes == "flat":
        return np.ascontiguousarray(array.reshape(len(array), -1), dtype=np.float32)
    if layout.axes in ("ntv", "nvt"):
        return np.ascontiguousarray(array if layout.axes == "ntv" else array.transpose(0, 2, 1), dtype=np.float32)
    if layout.full:
        pixels = array.astype(np.float32) / np.float32(layout.full)
    else:
        pixels = array if array.dtype == np.uint8 and layout.scale == 1 else _eight_bits(array, layout.scale)
    if layout.axes == "nhw":
        return pixels[:, None]
    return pixels.transpose(0, 3, 1, 2) if layout.axes == "nhwc" else pixels


def _axes(shape: tuple[int, ...]) -> Axes:
    if len(shape) == 3 and min(shape[1:]) >= SMALLEST_SIDE:
        return "nhw"
    if len(shape) != 4:
        return "flat"
    _, second, third, last = shape
    if last in CHANNELS and min(second, third) >= SMALLEST_SIDE:
        return "nhwc"
    if second in CHANNELS and min(third, last) >= SMALLEST_SIDE:
        return "nchw"
    if second < min(third, last):
        return "nchw"
    return "nhwc" if last < min(second, third) else "flat"


def _eight_bits(array: np.ndarray, scale: float) -> np.ndarray:
    out = np.empty(array.shape, np.uint8)
    step = max(1, AT_ONCE // max(1, int(np.prod(array.shape[1:]))))
    for start in range(0, len(array), step):
        piece = array[start : start + step].astype(np.float32) * np.float32(scale)
        out[start : start + step] = np.rint(piece).clip(0, 255)
    return out


def _refuse_non_finite(array: np.ndarray, place: str) -> None:
    if array.dtype.kind != "f":
        return
    rows = array.reshape(len(array), -1)
    step = max(1, AT_ONCE // max(1, rows.shape[1]))
    for start in range(0, len(rows), step):
        finite = np.isfinite(rows[start : start + step])
        release(array)
        if not finite.all():
            row = start + int(np.flatnonzero(~finite.all(axis=1))[0])
            value = rows[row][~np.isfinite(rows[row])][0]
            raise DataError(f"{place} row {row} holds {value}; replace it by a number or leave the row out")
