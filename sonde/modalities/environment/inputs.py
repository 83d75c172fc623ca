"""Observations to predict on."""

from pathlib import Path
from typing import Any

import numpy as np

from sonde.core.dataset import InputSpec, Rows, Schema
from sonde.core.errors import DataError
from sonde.core.progress import Tick
from sonde.data.rows import ArrayInputs, InputRows
from sonde.modalities.arrays.shapes import as_array
from sonde.modalities.inputs import single


def rows_to_predict(inputs: Any, schema: Schema, tick: Tick) -> tuple[Rows, list[str]]:
    """A row for each observation, and a number for each.

    inputs: observations (n, *shape) as an array or a list, or a NPY file of them; one alone; pixels with channels first or last
    Raises: DataError for what does not fit the model
    """
    inputs = single(inputs)
    if isinstance(inputs, str | Path):
        path = Path(inputs).expanduser()
        if path.suffix.lower() != ".npy":
            raise DataError(f"{path}: give observations as a .npy file; sonde eval plays episodes of an environment")
        from sonde.modalities.arrays.forms.npz import load_npy

        inputs = load_npy(path)
    array = _fitting(as_array(inputs, "the input"), schema.input)
    return InputRows(ArrayInputs(array, "input")), [f"row {number}" for number in range(len(array))]


def _fitting(array: np.ndarray, spec: InputSpec) -> np.ndarray:
    """(n, *shape) of the type that the model was trained on. Raises: DataError"""
    shape = spec.shape
    pixels = bool(spec.std)  # a game has planes too, which are none
    last = (*shape[1:], shape[0]) if pixels else shape
    if array.shape in (shape, last):
        array = array[None]
    if array.shape[1:] == last != shape:
        array = np.moveaxis(array, -1, 1)
    if array.shape[1:] != shape or not len(array):
        raise DataError(f"the input is of shape {array.shape}, and the model takes observations of shape {shape}")
    if array.dtype.kind not in "fiub":
        raise DataError(f"the input holds {array.dtype} and not numbers")
    if not pixels:
        return array.astype(np.float32)
    if array.dtype != np.uint8:
        raise DataError(f"the input holds {array.dtype}, and the model takes pixels as uint8, from 0 to 255")
    return array
