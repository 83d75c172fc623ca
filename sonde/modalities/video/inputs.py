"""Clips to keep a part of, or to evaluate."""

from pathlib import Path
from typing import Any

import numpy as np

from sonde.core.dataset import Rows, Schema
from sonde.core.errors import DataError
from sonde.core.progress import Tick
from sonde.data.rows import ArrayInputs, InputRows
from sonde.modalities.arrays.shapes import as_array
from sonde.modalities.inputs import dataset_rows, is_numeric, matching, single
from sonde.modalities.video.axes import GREY, clip_layout, clips_of
from sonde.modalities.video.modality import FILES


def rows_to_predict(inputs: Any, schema: Schema, tick: Tick) -> tuple[Rows, list[str]]:
    """Clips as the model was trained, and a name for each.

    inputs: files of animated pictures, an array (time, height, width) or of several clips, or a dataset
    Raises: DataError for what does not fit the model
    """
    one = single(inputs)
    if is_numeric(one):
        return _of_array(as_array(one, "the input"), schema)
    paths: list[Path] = []
    for item in inputs if isinstance(inputs, list | tuple) else [inputs]:
        if not isinstance(item, str | Path):
            raise DataError(f"an input of type {type(item).__name__} is no clip; give files, or an array of frames")
        paths += matching(item) or [Path(item).expanduser()]
    if len(paths) == 1 and (paths[0].suffix.lower() not in FILES or paths[0].is_dir()):
        return dataset_rows(one, schema, tick)
    from sonde.modalities.video.files import read_clip

    frames, channels, height, width = schema.input.shape
    clips = np.stack([read_clip(path, (frames, channels, height, width)) for path in paths])
    return InputRows(ArrayInputs(clips, "")), [str(path) for path in paths]


def _of_array(array: np.ndarray, schema: Schema) -> tuple[Rows, list[str]]:
    if array.ndim == GREY - 1 or (
        array.ndim == GREY and array.shape[0] == schema.input.shape[0] and _one(array, schema)
    ):
        array = array[None]
    layout = clip_layout({"": array}, "", "the input", schema.input)
    clips = clips_of(array, layout, "the input")
    shape = clips.read(np.arange(1)).shape[1:]
    if shape != schema.input.shape:
        raise DataError(f"the input has clips of shape {shape}, and the model takes {schema.input.shape}")
    return InputRows(clips), [f"clip {number}" for number in range(len(array))]


def _one(array: np.ndarray, schema: Schema) -> bool:
    """Whether four axes are one clip with channels, and not several grey ones."""
    frames, channels, height, width = schema.input.shape
    return array.shape in ((frames, height, width, channels), (frames, channels, height, width))
