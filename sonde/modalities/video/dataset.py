"""Clips, from whatever file or variable, as a dataset."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, InputSpec, Schema, TargetSpec
from sonde.core.errors import DataError
from sonde.data.assemble import About, Found, Part, assemble
from sonde.data.rows import Inputs
from sonde.data.splits import evenly_spaced
from sonde.data.targets import RawTarget, unlabelled, without_target
from sonde.modalities.catalogue import check_kind
from sonde.modalities.image.pixel_statistics import COLOURS, image_statistics

SUGGESTED = "flow-matching"
ENOUGH_FRAMES = 5000  # for a channel's mean and std


def assemble_clips(
    inputs: Mapping[str, Inputs],
    targets: Mapping[str, RawTarget | None],
    about: About,
    config: DataConfig,
    *,
    shape: tuple[int, int, int, int],
    scale: float = 0.0,
    task: str | None = None,
    like: Schema | None = None,
) -> Dataset:
    """A dataset of clips, of `shape` (frames, channels, height, width).

    targets: None where clips have no classes;  scale: as in `InputSpec`
    Raises: DataError as `assemble`, and for targets that are no classes
    """
    check_kind("video", about.source, like)
    classes = all(target is not None for target in targets.values()) and (like is None or like.target.has_classes)
    if like is not None and like.target.has_classes and not classes:
        raise DataError(f"{about.source} names no classes of its clips, and the model was trained with classes")
    parts = {
        split: Part(inputs=each, target=target if classes and (target := targets[split]) else unlabelled(len(each)))
        for split, each in inputs.items()
    }
    fit = partial(fitted, shape=shape, scale=scale)
    found = Found(about=about, what=words(shape), shape=shape, parts=parts, fit=fit)
    known = like if like is None or classes else replace(like, target=replace(like.target, kind="labels"))
    dataset = assemble(found, config, kind="class" if classes else None, task=task if classes else None, like=known)
    dataset = replace(dataset, suggestion=SUGGESTED)
    return dataset if classes else without_target(dataset, TargetSpec(kind="none", names=("clip",)))


def fitted(inputs: Inputs, train: np.ndarray, *, shape: tuple[int, int, int, int], scale: float = 0.0) -> InputSpec:
    """The spec of clips: mean and std of each channel over frames of training rows."""
    chosen = train[evenly_spaced(len(train), max(1, ENOUGH_FRAMES // shape[0]))]
    mean, std = image_statistics(_Frames(inputs, shape), chosen)
    return InputSpec(kind="video", shape=shape, mean=mean, std=std, scale=scale)


def words(shape: tuple[int, int, int, int]) -> str:
    """ "clips of 8 frames, 20x20 grey"."""
    frames, channels, height, width = shape
    each = COLOURS.get(channels, f"with {channels} channels")
    return f"clips of {frames} frame{'s' * (frames > 1)}, {height}x{width} {each}"


class _Frames:
    """Clips of some rows as their frames one after another, (rows * frames, channels, height, width)."""

    def __init__(self, inputs: Inputs, shape: tuple[int, int, int, int]) -> None:
        self._inputs, self._shape = inputs, shape[1:]

    def __len__(self) -> int:
        return len(self._inputs)

    def read(self, indices: np.ndarray) -> np.ndarray:
        return self._inputs.read(indices).reshape(-1, *self._shape)

    def describe(self, index: int) -> str:
        return self._inputs.describe(index)

    def nbytes(self) -> int:
        return self._inputs.nbytes()
