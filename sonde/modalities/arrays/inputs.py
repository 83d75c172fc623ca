"""Arrays to predict on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sonde.core.dataset import Rows, Schema
from sonde.core.progress import Tick
from sonde.data.rows import ArrayInputs, InputRows
from sonde.modalities.arrays.column_statistics import scaled
from sonde.modalities.arrays.shapes import as_array, lay_out, layout_for
from sonde.modalities.inputs import dataset_rows, is_numeric, single


def rows_to_predict(inputs: Any, schema: Schema, tick: Tick) -> tuple[Rows, list[str]]:
    """Rows as the model was trained, and a number for each.

    inputs: an array or a list of them, an NPY file, or a dataset
    Raises: DataError for what does not fit the model
    """
    inputs = single(inputs)
    if isinstance(inputs, str | Path):
        path = Path(inputs).expanduser()
        if path.suffix.lower() != ".npy":
            return dataset_rows(inputs, schema, tick)
        from sonde.modalities.arrays.forms.npz import load_npy

        inputs = load_npy(path)
    if hasattr(inputs, "to_numpy"):
        inputs = inputs.to_numpy()
    if isinstance(inputs, Sequence) and inputs and is_numeric(inputs[0]):
        inputs = np.stack([as_array(row, "the input") for row in inputs])
    array = as_array(inputs, "the input")
    if array.ndim == 1 or array.ndim == 2 == len(schema.input.shape):  # one row
        array = array[None]
    flat = lay_out(array, layout_for(array, schema.input, "the input"), "the input")
    rows = InputRows(scaled(ArrayInputs(flat, "input"), schema.input))
    return rows, [f"row {i}" for i in range(len(flat))]
