"""What a trained model is asked about: images, arrays or tables as rows without target, and a name for each."""

import glob
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import InputSpec, Rows, Schema
from sonde.core.errors import DataError
from sonde.core.natural_order import natural
from sonde.core.progress import Tick, silent
from sonde.data.assemble import standardised_inputs
from sonde.data.rows import ArrayInputs, InputRows, InputsOf
from sonde.modalities.arrays.shapes import CHANNELS, as_array, lay_out, layout_for

GLOB = frozenset("*?[")
OF_INPUT: dict[str, str] = {
    "molecule": "sonde.modalities.molecule.forms.smiles:rows_to_predict",
    "protein": "sonde.modalities.protein.forms.structures:rows_to_predict",
}
"""Kinds of input with a function (inputs, schema) -> rows and names of their own."""

OF_TEXT: dict[str, str] = {
    "class": "sonde.modalities.text.inputs:rows_to_predict",
    "labels": "sonde.modalities.text.inputs:rows_to_predict",
    "value": "sonde.modalities.text.inputs:rows_to_predict",
    "tokens": "sonde.modalities.text.sentences:rows_to_translate",
    "next": "sonde.modalities.text.prompts:rows_for_prompts",
    "span": "sonde.modalities.text.question_inputs:rows_for_questions",
}
"""Likewise for tokens, by the kind of target."""


def rows_for(inputs: Any, schema: Schema, *, tick: Tick = silent) -> tuple[Rows, list[str]]:
    """Rows that hold `input` (and perhaps `size`), and what to call each: a path as it was given, "row 3" of an array.

    inputs: for images paths, folders, globs, Pillow's images, arrays or tensors, or lists of these; for tables a file, a
            frame, or one row or a list of rows as dicts; for arrays an array or NPY file; of molecules SMILES, or files and
            tables of such; of proteins structure files, or residues as letters; for text what `OF_TEXT` takes. Data in a form
            that can be trained on is taken too, its targets aside.
    Raises: DataError naming what cannot be read or does not fit the model
    """
    if schema.input.kind == "table":
        from sonde.modalities.table.forms.tables import encode_frame

        return encode_frame(_table(_single(inputs)), schema)
    if schema.input.kind == "image":
        return _images(inputs, schema, tick)
    if schema.input.kind == "audio":
        from sonde.modalities.audio.inputs import rows_to_hear

        return rows_to_hear(inputs, schema, tick=tick)
    if schema.input.kind == "series":
        from sonde.modalities.series.forms.series import last_window

        return last_window(_table(_single(inputs)), schema)
    own = OF_INPUT.get(schema.input.kind) or (
        OF_TEXT.get(schema.target.kind) if schema.input.kind == "tokens" else None
    )
    if own is not None:
        module, _, function = own.partition(":")
        return getattr(import_module(module), function)(inputs, schema)
    return _arrays(_single(inputs), schema, tick)


def _single(inputs: Any) -> Any:
    """The path in a list of one, as the command line gives it."""
    return inputs[0] if isinstance(inputs, list) and len(inputs) == 1 and isinstance(inputs[0], str | Path) else inputs


def _table(inputs: Any) -> Any:
    """A path or a frame as it is; rows as columns. Raises: DataError for anything else."""
    from sonde.modalities.table.read import is_frame

    rows = [inputs] if isinstance(inputs, Mapping) and all(np.ndim(value) == 0 for value in inputs.values()) else inputs
    if isinstance(rows, list) and rows and all(isinstance(row, Mapping) for row in rows):
        names = list(dict.fromkeys(name for row in rows for name in row))
        return {name: [row.get(name) for row in rows] for name in names}
    if not isinstance(inputs, str | Path) and not is_frame(inputs):
        raise DataError(
            f"the model takes rows of a table, and the input is of type {type(inputs).__name__}; give a file, a data frame, a "
            "dict of columns or a list of rows as dicts"
        )
    return inputs


def _images(inputs: Any, schema: Schema, tick: Tick) -> tuple[Rows, list[str]]:
    one = _single(inputs)
    if isinstance(one, str | Path) and (opened := _open_form(one, schema, tick)) is not None:
        return opened
    if (
        _is_numeric(inputs) and schema.input.fit == "stretch" and schema.target.kind != "mask"
    ):  # whose answer has a size
        return _image_array(as_array(inputs, "the input"), schema.input)
    from sonde.modalities.image.files import read_header

    contents: list[Any] = []
    names: list[str] = []
    for item in inputs if isinstance(inputs, list | tuple) else [inputs]:
        for content, name in _contents(item, len(contents), schema.input):
            contents.append(content)
            names.append(name)
    if not contents:
        raise DataError("there is nothing to predict on: the list is empty")
    sizes = np.empty((len(contents), 2), np.int64)
    for number, (content, name) in enumerate(zip(contents, names, strict=True)):
        tick("reading image headers", number, len(contents))
        header = read_header(content, name)
        sizes[number] = header.height, header.width
    return _picture_rows(tuple(contents), sizes, schema), names


def _picture_rows(contents: tuple[Any, ...], sizes: np.ndarray, schema: Schema) -> Rows:
    """Images at the stored size; where what is predicted has a place in them, also `size` (n, 2): their own height and width."""
    from sonde.modalities.image.letterboxed import LetterboxedInputs
    from sonde.modalities.image.rows import ImageInputs, Pictures

    channels, height, width = schema.input.shape
    fit = LetterboxedInputs if schema.input.fit == "letterbox" else ImageInputs
    inputs = fit(Pictures(contents, "input"), (channels, height, width))
    return InputRows(inputs, {"size": sizes} if schema.target.kind in ("mask", "boxes") else {})


def _contents(item: Any, number: int, spec: InputSpec) -> list[tuple[Any, str]]:
    """Images that one item of the list stands for, each with its name."""
    if isinstance(item, str | Path):
        return [(path, str(path)) for path in _paths(item)]
    if _is_numeric(item):
        from PIL import Image

        stack = _stack(as_array(item, f"input {number}"), spec, f"input {number}")
        planes = [image[0] if len(image) == 1 else image.transpose(1, 2, 0) for image in stack]
        return [(Image.fromarray(np.ascontiguousarray(p)), f"image {number + i}") for i, p in enumerate(planes)]
    if any(kind.__module__.startswith("PIL.") for kind in type(item).__mro__):
        return [(item, str(getattr(item, "filename", "") or f"image {number}"))]
    raise DataError(
        f"input {number} of type {type(item).__name__} is no image; give paths, folders, Pillow's images or arrays"
    )


def _paths(item: str | Path) -> list[Path]:
    """Image files that a path, a folder or a pattern means."""
    from sonde.modalities.image.files import is_image

    path = Path(item).expanduser()
    if path.is_dir():
        from sonde.modalities.image.forms import masks

        if masks.recognise(path):
            return masks.pictures(path)
        found = sorted((file for file in path.rglob("*") if is_image(file)), key=lambda file: natural(str(file)))
        if not found:
            raise DataError(f"{path} holds no images to predict on")
        return found
    if not path.exists() and GLOB & set(str(item)):
        found = [Path(name) for name in sorted(glob.glob(str(path), recursive=True), key=natural)]
        if not found:
            raise DataError(f"{item} matches no file")
        return found
    if not path.exists():
        from sonde.data.open import place_of

        place_of(item)  # says what is near
        raise DataError(f"{item} is the name of a dataset; it stands alone, not in a list of images")
    return [path]


def _open_form(data: str | Path, schema: Schema, tick: Tick) -> tuple[Rows, list[str]] | None:
    """Rows of a single path or name that is a dataset (IDX, NPZ, Parquet, a name), or of an NPY file; else None."""
    path = Path(data).expanduser()
    if path.suffix.lower() == ".npy" and path.is_file():
        from sonde.modalities.arrays.forms.npz import load_npy

        return _image_array(load_npy(path), schema.input)
    if path.exists():
        from sonde.data.open import recognise

        if path.is_dir() and not _is_packed_form(path):
            return None
        if path.is_file() and not _is_packed_form(path):
            return None
        recognise(path)
    elif GLOB & set(str(data)):
        return None
    return _dataset_rows(data, schema, tick)


def _is_packed_form(path: Path) -> bool:
    """Whether images stand inside other files, and not in files of their own."""
    forms = (
        "sonde.modalities.image.forms.idx",
        "sonde.modalities.arrays.forms.npz",
        "sonde.modalities.image.forms.parquet",
    )
    return any(import_module(form).recognise(path) for form in forms)


def _dataset_rows(data: str | Path, schema: Schema, tick: Tick) -> tuple[Rows, list[str]]:
    """The test rows of a dataset, else its only ones."""
    from sonde.data.open import open_like

    dataset = open_like(data, schema, DataConfig(validation=0.0, test=0.0), tick=tick)
    split = next(name for name in ("test", "validation", "train") if name in dataset.splits)
    rows = dataset.splits[split]
    return InputRows(InputsOf(rows)), [rows.describe(index) for index in range(len(rows))]


def _image_array(array: np.ndarray, spec: InputSpec) -> tuple[Rows, list[str]]:
    stack = _stack(array, spec, "the input")
    names = [f"image {i}" for i in range(len(stack))]
    if stack.shape[1:] != spec.shape:
        from sonde.modalities.image.files import convert_all

        stack = convert_all(stack, spec.shape)
    return InputRows(ArrayInputs(stack, "input")), names


def _stack(array: np.ndarray, spec: InputSpec, place: str) -> np.ndarray:
    """uint8 (n, channels, height, width) of one image or several in any order of axes."""
    if array.ndim == 2 or array.ndim == 3 and _is_one_image(array.shape, spec):
        array = array[None]
    elif array.ndim not in (3, 4):
        raise DataError(f"{place} of shape {array.shape} is no image; it has (height, width) and perhaps channels")
    return lay_out(array, layout_for(array, spec, place), place)


def _is_one_image(shape: tuple[int, ...], spec: InputSpec) -> bool:
    """Whether three axes are an image with channels, and not several grey images."""
    channels, height, width = spec.shape
    if channels == 1 and shape[1:] == (height, width):
        return shape[0] == 1
    return shape[-1] in CHANNELS or shape[0] in CHANNELS


def _is_numeric(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype")


def _arrays(inputs: Any, schema: Schema, tick: Tick) -> tuple[Rows, list[str]]:
    if isinstance(inputs, str | Path):
        path = Path(inputs).expanduser()
        if path.suffix.lower() != ".npy":
            return _dataset_rows(inputs, schema, tick)
        from sonde.modalities.arrays.forms.npz import load_npy

        inputs = load_npy(path)
    if hasattr(inputs, "to_numpy"):
        inputs = inputs.to_numpy()
    if isinstance(inputs, Sequence) and inputs and _is_numeric(inputs[0]):
        inputs = np.stack([as_array(row, "the input") for row in inputs])
    array = as_array(inputs, "the input")
    if array.ndim == 1:
        array = array[None]
    flat = lay_out(array, layout_for(array, schema.input, "the input"), "the input")
    rows = InputRows(standardised_inputs(ArrayInputs(flat, "input"), schema.input.columns))
    return rows, [f"row {i}" for i in range(len(flat))]
