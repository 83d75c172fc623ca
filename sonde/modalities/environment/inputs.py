"""Observations to predict on."""

from pathlib import Path
from typing import Any

import numpy as np

from sonde.core.data_warning import warn
from sonde.core.dataset import InputSpec, Rows, Schema
from sonde.core.errors import DataError
from sonde.core.progress import Tick
from sonde.core.spaces import Space, beyond, brightened, encoder, from_text, shown_shape
from sonde.core.units import counted
from sonde.data.rows import ArrayInputs, InputRows
from sonde.modalities.arrays.shapes import as_array
from sonde.modalities.environment import log_files
from sonde.modalities.environment.as_logged import as_seen
from sonde.modalities.inputs import single

OF_A_GAME = (
    "which moves are legal does not follow from an observation: what is predicted is the network's likeliest move, legal or "
    "not, by its number or by what both players call it; run.player().think([[moves]]) in Python, or sonde play, search among "
    "legal moves"
)


def rows_to_predict(inputs: Any, schema: Schema, tick: Tick) -> tuple[Rows, list[str]]:
    """A row for each observation, and a number for each.

    inputs: observations (n, *shape) as an array or a list, or a NPY file of them; one alone; pixels with channels first or last;
            a list of observations as the environment shows them, where these have parts or are one of several
    Raises: DataError for what does not fit the model, or is not finite
    """
    inputs = single(inputs)
    if isinstance(inputs, str | Path):
        path = Path(inputs).expanduser()
        inputs = _of_file(path, schema.input)
    space = from_text(schema.input.space)[0]
    shown = None if space is None or space.kind in ("box", "other") else _as_shown(inputs, space, schema.input)
    array = _fitting(as_array(inputs, "the input") if shown is None else shown, schema.input)
    if array.dtype != np.uint8:
        _check_finite(array)
        _warn_beyond(array, space)
    if schema.target.kind == "move":
        warn([OF_A_GAME])
    return InputRows(ArrayInputs(array, "input")), [f"row {number}" for number in range(len(array))]


def _of_file(path: Path, spec: InputSpec) -> Any:
    """Observations of a NPY file, or of a log. Raises: DataError"""
    if path.suffix.lower() == ".npy":
        from sonde.modalities.arrays.forms.npz import load_npy

        return load_npy(path)
    if path.suffix.lower() not in log_files.ENDINGS or not log_files.is_log(log_files.names_in(path)):
        raise DataError(
            f"{path}: give observations as a .npy file, or a log of an environment; sonde eval plays episodes of one"
        )
    found = {"observations": log_files.arrays_of(path)["observations"]}
    return as_seen(found, from_text(spec.space)[0], spec.shape, str(path))["observations"]


def _as_shown(inputs: Any, space: Space, spec: InputSpec) -> np.ndarray | None:
    """(n, numbers) of observations that have parts or are chosen; None of rows that are encoded already. Raises: DataError"""
    if np.ndim(inputs) == 2 and np.shape(inputs)[1:] == spec.shape and space.kind not in ("dict", "tuple"):
        return None
    if isinstance(inputs, np.ndarray) and inputs.dtype != object and space.parts:
        return None  # of parts an array is rows of numbers
    encode, several = encoder(space, spec.shape, pixels=False), inputs
    if isinstance(inputs, dict) or (space.kind == "tuple" and isinstance(inputs, tuple)) or np.ndim(inputs) == 0:
        several = [inputs]
    rows = []
    for number, one in enumerate(several):
        try:
            rows.append(encode(one))
        except ValueError as error:
            raise DataError(
                f"the input: observation {number} is {error}; give observations as the environment shows them, {space.words}, or "
                f"rows of {spec.shape[0]} numbers"
            ) from None
    return np.stack(rows) if rows else np.zeros((0, *spec.shape), np.float32)


def _check_finite(array: np.ndarray) -> None:
    """Raises: DataError naming the first number that is not finite"""
    finite = np.isfinite(array)
    if finite.all():
        return
    row, *entry = np.argwhere(~finite)[0].tolist()
    bad = ~finite.reshape(len(array), -1).all(1)
    raise DataError(
        f"the input: row {row} holds {array[(row, *entry)]} at entry {', '.join(map(str, entry))}"
        + (
            f", and {counted(int(bad.sum()) - 1, 'other row holds', 'other rows hold')} such too"
            if bad.sum() > 1
            else ""
        )
        + "; a policy takes finite numbers: mend them, or leave those rows out"
    )


def _warn_beyond(array: np.ndarray, space: Space | None) -> None:
    """Say which rows lie outside the observation space that the policy was trained in."""
    bounds = None if space is None else space.bounds
    if bounds is None:
        return
    rows = array.reshape(len(array), -1)
    outside = beyond(rows, bounds)
    if outside.any():
        row, entry = np.argwhere(outside)[0].tolist()
        low, high = (bound[entry] for bound in bounds)
        number = int(outside.any(1).sum())
        warn(
            [
                f"{counted(number, 'row lies', 'rows lie')} outside the observation space, where nothing was learned: row {row} "
                f"holds {rows[row, entry]:g} at entry {entry}, and the space goes from {low:g} to {high:g}"
            ]
        )


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
        told = shown_shape(from_text(spec.space)[0], shape)
        raise DataError(f"the input is of shape {array.shape}, and the model takes observations of shape {told}")
    if array.dtype.kind not in "fiub":
        raise DataError(f"the input holds {array.dtype} and not numbers")
    if not pixels:
        return array.astype(np.float32)
    if array.dtype != np.uint8:
        raise DataError(f"the input holds {array.dtype}, and the model takes pixels as uint8, from 0 to 255")
    return brightened(array, spec.scale)
