"""What is fitted on training images: mean and spread of each channel."""

import numpy as np

from sonde.core.dataset import InputSpec
from sonde.data.rows import Inputs
from sonde.data.splits import evenly_spaced
from sonde.modalities.image.depth import noted

ENOUGH_IMAGES = 5000  # for a channel's mean and std: off by 0.2 % of a standard deviation or so
COLOURS = {1: "grey", 3: "colour"}


def fitted(
    inputs: Inputs,
    train: np.ndarray,
    *,
    shape: tuple[int, ...],
    sampled: int = ENOUGH_IMAGES,
    scale: float = 0.0,
    full: float = 0.0,
    pages: int = 0,
) -> InputSpec:
    """The spec of images of `shape`; `sampled` of the training rows are looked at: fewer where they must be decoded.

    scale: as in `InputSpec`;  full: the value that is 1.0 in float32, 0 for bytes
    pages: of a file that are channels, 0 for none
    """
    mean, std = image_statistics(inputs, train[evenly_spaced(len(train), sampled)])
    return InputSpec(kind="image", shape=shape, mean=mean, std=std, scale=scale, extra=noted(full, pages))


def words(shape: tuple[int, ...]) -> str:
    """ "images, 28x28 grey"."""
    channels, height, width = shape
    return f"images, {height}x{width} {COLOURS.get(channels, f'with {channels} channels')}"


def image_statistics(inputs: Inputs, rows: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and std per channel of some images, of bytes as values in 0..1, of floats as they are; exact over their pixels.

    A std of 0 (a blank channel) becomes 1, so that dividing by it changes nothing.
    """
    if inputs.read(rows[:1]).dtype != np.uint8:
        return _of_floats(inputs, rows)
    total: np.ndarray = np.zeros((1, 256))
    for start in range(0, len(rows), 256):
        images = inputs.read(rows[start : start + 256])
        total = total + np.stack([np.bincount(plane.ravel(), minlength=256) for plane in images.swapaxes(0, 1)])
    levels = np.arange(256) / 255
    share = total / total.sum(axis=1, keepdims=True)
    mean = share @ levels
    std = np.sqrt(np.maximum(share @ levels**2 - mean**2, 0))
    return tuple(map(float, mean)), tuple(float(s) if s > 1e-6 else 1.0 for s in std)


def _of_floats(inputs: Inputs, rows: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    count, first, second = 0, np.zeros(1), np.zeros(1)
    for start in range(0, len(rows), 256):
        images = inputs.read(rows[start : start + 256]).astype(np.float64)
        count += images.shape[0] * images.shape[2] * images.shape[3]
        first = first + images.sum((0, 2, 3))
        second = second + (images**2).sum((0, 2, 3))
    mean = first / count
    std = np.sqrt(np.maximum(second / count - mean**2, 0))
    return tuple(map(float, mean)), tuple(float(s) if s > 1e-6 else 1.0 for s in std)
