"""Images to predict on."""

from pathlib import Path
from typing import Any

import numpy as np

from sonde.core.dataset import InputSpec, Rows, Schema
from sonde.core.errors import DataError
from sonde.core.progress import Tick
from sonde.data.listing import Listing
from sonde.data.rows import ArrayInputs, InputRows
from sonde.data.unread import is_unread_picture, way_to_read
from sonde.modalities.arrays.shapes import CHANNELS, as_array, lay_out, layout_for
from sonde.modalities.catalogue import forms
from sonde.modalities.image.depth import depth_of, pages_of
from sonde.modalities.inputs import GLOB, dataset_rows, is_numeric, matching, single
from sonde.modalities.modality import Wanted
from sonde.modalities.open import claim, place_of


def rows_to_predict(inputs: Any, schema: Schema, tick: Tick) -> tuple[Rows, list[str]]:
    """Images at the stored size, and a name for each.

    inputs: paths, folders, globs, Pillow's images, arrays or tensors, or lists of these; a dataset of images stands alone
    Raises: DataError naming what is no image
    """
    one = single(inputs)
    if isinstance(one, str | Path) and (opened := _open_form(one, schema, tick)) is not None:
        return opened
    if is_numeric(inputs) and schema.input.fit == "stretch" and schema.target.kind != "mask":  # whose answer has a size
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
    pictures, shape = Pictures(contents, "input"), (channels, height, width)
    letterbox = schema.input.fit == "letterbox"
    full, pages = depth_of(schema.input), pages_of(schema.input)
    inputs = LetterboxedInputs(pictures, shape) if letterbox else ImageInputs(pictures, shape, full, pages)
    return InputRows(inputs, {"size": sizes} if schema.target.kind in ("mask", "boxes") else {})


def _contents(item: Any, number: int, spec: InputSpec) -> list[tuple[Any, str]]:
    """Images that one item of the list stands for, each with its name."""
    if isinstance(item, str | Path):
        return [(path, str(path)) for path in _paths(item)]
    if is_numeric(item):
        from PIL import Image

        stack = _stack(as_array(item, f"input {number}"), spec, f"input {number}")
        planes = [image[0] if len(image) == 1 else image.transpose(1, 2, 0) for image in stack]
        return [(Image.fromarray(np.ascontiguousarray(p)), f"image {number + i}") for i, p in enumerate(planes)]
    if any(kind.__module__.startswith("PIL.") for kind in type(item).__mro__):
        return [(item, str(getattr(item, "filename", "") or f"image {number}"))]
    raise DataError(
        f"input {number} of type {type(item).__name__} is not an image; give paths, folders, Pillow's images or arrays"
    )


def _paths(item: str | Path) -> list[Path]:
    """Image files that a path, a folder or a pattern means."""
    from sonde.modalities.image.files import SUFFIXES

    path = Path(item).expanduser()
    if path.is_dir():
        from sonde.modalities.image.forms import masks

        listing = Listing(path)
        if masks.recognise(listing, Wanted()):
            return masks.pictures(listing)
        found = [path / name for name in listing.below_ending(SUFFIXES)]
        unread = [name for name in listing.below if is_unread_picture(Path(name))]
        if unread:
            others = f", or name the others: '{path}/**/*{found[0].suffix}'" if found else ""
            raise DataError(
                f"{path} holds pictures of a kind that is not read ({len(unread):,}), such as {unread[0]}; "
                f"{way_to_read(Path(unread[0]))}{others}"
            )
        if not found:
            raise DataError(f"{path} holds no images to predict on")
        return found
    if (found := matching(item)) is not None:
        return found
    if not path.exists():
        place_of(item)  # says what is near
        raise DataError(f"{item} is the name of a dataset; it cannot be in a list of images")
    return [path]


def _open_form(data: str | Path, schema: Schema, tick: Tick) -> tuple[Rows, list[str]] | None:
    """Rows of a single path or name that is a dataset (IDX, NPZ, Parquet, a name), or of an NPY file; else None."""
    path = Path(data).expanduser()
    if path.suffix.lower() == ".npy" and path.is_file():
        from sonde.modalities.arrays.forms.npz import load_npy

        return _image_array(load_npy(path), schema.input)
    if path.exists():
        packed = [form for form in forms() if form.packed]
        if claim(Listing(path), Wanted(like=schema), packed) is None:  # images are in files of their own
            return None
    elif GLOB & set(str(data)):
        return None
    return dataset_rows(data, schema, tick)


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
        raise DataError(f"{place} of shape {array.shape} is not an image; it has (height, width) and perhaps channels")
    return lay_out(array, layout_for(array, spec, place), place)


def _is_one_image(shape: tuple[int, ...], spec: InputSpec) -> bool:
    """Whether three axes are an image with channels, and not several grey images."""
    channels, height, width = spec.shape
    if channels == 1 and shape[1:] == (height, width):
        return shape[0] == 1
    return shape[-1] in CHANNELS or shape[0] in CHANNELS
