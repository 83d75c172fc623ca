"""What a sample, a batch or data in memory hold, as named fields, whatever form they come in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields as entries
from dataclasses import is_dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sonde.core.errors import DataError
from sonde.core.nested import Field, is_object, leaves, like, row_counts

FORMS = "tensors, arrays, a tuple such as (input, target), a dict, a dataclass or an object with .to(device)"


def fields_of(batch: Any, *, floats: torch.dtype = torch.float32) -> dict[str, Field]:
    """The named fields of a batch or of one sample; `named` says how they are called.

    A field is a tensor (B, …), a tuple or dict of fields, or a list of B entries: texts, ids, whatever is no tensor. None is left
    out.
    floats: what float64, which numpy makes unasked, becomes; complex128 likewise
    Raises: DataError for what is none of these
    """
    if (
        type(batch) in (list, tuple)
        and len(batch) == 2
        and isinstance(batch[0], Tensor)
        and isinstance(batch[1], Tensor)
    ):
        return {
            "input": as_floats(batch[0], floats),
            "target": as_floats(batch[1], floats),
        }  # the usual pair, in 1 µs less
    found: dict[str, Field] = {}
    unclear: dict[str, Any] = {}
    for name, value in named(batch).items():
        if isinstance(value, Tensor):
            found[name] = as_floats(value, floats)
        elif _may_be_rows(value):
            found[name] = unclear[name] = value
        elif value is not None:
            found[name] = _field(name, value, floats, None)
    rows = _rows(found, unclear) if unclear else None
    for name, value in unclear.items():
        found[name] = _field(name, value, floats, rows)
    return found


def named(sample: Any) -> dict[str, Any]:
    """The parts of a sample by name: a dict's and a dataclass's own names; of a tuple `input` and `target`, or, where it has
    three parts or more, `part_1`, `part_2`, …; texts in it are not counted. A single tensor is the `input`.

    Raises: DataError for anything else

    >>> named((1, 2)), named((1, 2, 3)), named(("a/1.png", 1, 2))
    ({'input': 1, 'target': 2}, {'part_1': 1, 'part_2': 2, 'part_3': 3}, {'part_1': 'a/1.png', 'input': 1, 'target': 2})
    """
    if isinstance(sample, Mapping):
        return {str(name): value for name, value in sample.items()}
    if isinstance(sample, Tensor | np.ndarray) or is_object(sample):
        return {"input": sample}
    if (parts := by_name(sample)) is not None:
        return parts
    if isinstance(sample, tuple | list) and sample:
        counted = [place for place, value in enumerate(sample) if not is_text(value)]
        names = {place: f"part_{place + 1}" for place in range(len(sample))}
        if 1 <= len(counted) <= 2:
            names |= dict(zip(counted, ("input", "target"), strict=False))
        return {names[place]: value for place, value in enumerate(sample)}
    what = f"an empty {type(sample).__name__}" if isinstance(sample, tuple | list) else f"a {type(sample).__name__}"
    raise DataError(f"samples must be {FORMS}, but this one is {what}")


def by_name(sample: Any) -> dict[str, Any] | None:
    """The parts of a dataclass or a named tuple; None for anything else."""
    if is_dataclass(sample) and not isinstance(sample, type):
        return {entry.name: getattr(sample, entry.name) for entry in entries(sample)}
    if isinstance(sample, tuple) and hasattr(sample, "_fields"):
        return sample._asdict()  # type: ignore[attr-defined]
    return None


def check_rows(fields: Mapping[str, Field]) -> int:
    """The number of rows. Raises: DataError where fields differ in it."""
    count = -1
    for field in fields.values():
        if not isinstance(field, Tensor) or not field.ndim or (count >= 0 and len(field) != count):
            break
        count = len(field)
    else:
        return count
    counts = row_counts(fields)
    if len(set(counts.values())) > 1:
        words = ", ".join(f"{name} {rows}" for name, rows in counts.items())
        graphs = ", or graphs as an object with .to(device) and num_graphs" if "edge_index" in counts else ""
        raise DataError(
            f"the fields of a batch differ in their number of rows: {words}; give one of each per row{graphs}"
        )
    return next(iter(counts.values()))


def is_text(value: Any) -> bool:
    """Whether a field is text, of one row or of several, which no network is fed."""
    if isinstance(value, list | tuple) and value:
        return all(isinstance(part, str | bytes) for part in value)
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "US"
    return isinstance(value, str | bytes)


def in_memory(data: Any) -> dict[str, Any] | None:
    """The fields of data that are in memory as a whole, arrays and tensors as they are; None for what yields rows or batches.

    Raises: DataError for lists and tuples that may be several things, and for fields that differ in their number of rows
    """
    data = _lists_as_arrays(without_frames(data))
    if isinstance(data, Tensor | np.ndarray):
        return {"input": data}
    if isinstance(data, Mapping):
        return {str(name): _whole(value) for name, value in data.items() if value is not None}
    if (parts := by_name(data)) is not None:
        return {name: _whole(value) for name, value in parts.items() if value is not None}
    if isinstance(data, list) and len(data) > 2 and all(isinstance(part, Tensor | np.ndarray) for part in data):
        raise DataError(
            f"a list of {len(data)} tensors may be rows, batches or the parts of a sample; give torch.stack(rows), a function "
            "that yields batches, or a tuple of parts"
        )
    arrays = [isinstance(part, Tensor | np.ndarray) for part in data] if isinstance(data, tuple | list) else []
    if arrays and all(arrays):
        return {name: _whole(value) for name, value in named(tuple(data)).items()}
    if not isinstance(data, tuple) or not data:
        return None
    nested = [_is_nested(part) for part in data]
    if any(nested) and all(nested):
        counts = {len(leaf) for part in data for _, leaf in leaves(_whole(part))}
        if len(counts) == 1:
            raise DataError(
                'a tuple of tuples may be one of inputs and targets, or batches; give a dict such as {"input": (a, b), '
                '"target": (c, d)}, or a list of batches'
            )
        return None
    rows = {len(part) for part, is_array in zip(data, arrays, strict=True) if is_array and part.ndim}
    held = [
        one or other or _is_column(part) or (isinstance(part, list) and {len(part)} == rows)
        for one, other, part in zip(arrays, nested, data, strict=True)
    ]
    if not (any(arrays) and all(held)):
        return None
    return {name: _whole(_stacked(value)) for name, value in named(data).items()}


def as_floats(tensor: Tensor, floats: torch.dtype) -> Tensor:
    """float64 as `floats`, and complex128 as the complex numbers of that precision; all else as it is."""
    if floats is torch.float64 or tensor.dtype not in (torch.float64, torch.complex128):
        return tensor
    return tensor.to(torch.complex64 if tensor.is_complex() else floats)


def _field(name: str, value: Any, floats: torch.dtype, rows: int | None) -> Field:
    """rows: of the batch, where the value may be nested or hold one entry a row."""
    if isinstance(value, Tensor):
        return as_floats(value, floats)
    if is_object(value):
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind in "USO":
        return value.tolist()
    if (parts := value if isinstance(value, Mapping) else by_name(value)) is not None and not hasattr(value, "_fields"):
        return {str(key): _field(f"{name}.{key}", part, floats, rows) for key, part in parts.items()}
    if isinstance(value, tuple | list) and _may_be_rows(value):
        if rows is not None and len(value) == rows and _first_count(value) != rows:
            return [_field(name, entry, floats, None) for entry in value]
        found = [_field(f"{name}.{place}", part, floats, rows) for place, part in enumerate(value)]
        return like(value, found) if isinstance(value, tuple) else tuple(found)
    if is_text(value) and not isinstance(value, str | bytes):
        return list(value)
    try:
        return as_floats(torch.as_tensor(value), floats)
    except (TypeError, ValueError, RuntimeError):
        if isinstance(value, tuple | list):
            return list(value)
    raise DataError(f"field {name!r} of a sample is a {type(value).__name__}; give tensors, arrays or numbers")


def _may_be_rows(value: Any) -> bool:
    """Whether a value is a tuple or list of arrays, dicts or the like: several parts of a field, or one entry a row."""
    if not isinstance(value, tuple | list) or not value:
        return False
    kinds = Tensor | np.ndarray | Mapping | tuple | list
    return all(isinstance(part, kinds) and (not isinstance(part, tuple | list) or _may_be_rows(part)) for part in value)


def _rows(found: Mapping[str, Any], unclear: Mapping[str, Any]) -> int | None:
    """How many rows a batch has, some of whose fields are tuples or lists: as many as its other fields, or as dicts in a list."""
    for name, value in found.items():
        if name not in unclear:
            return next(iter(row_counts({name: value}).values()))
    lists = [value for value in unclear.values() if isinstance(value, list) and isinstance(value[0], Mapping)]
    return len(lists[0]) if lists else None


def _first_count(value: Any) -> int | None:
    """Rows of the first array in a nested value."""
    while not isinstance(value, Tensor | np.ndarray):
        parts: Sequence[Any] = list(value.values()) if isinstance(value, Mapping) else value
        if not isinstance(parts, tuple | list) or not parts:
            return None
        value = parts[0]
    return len(value) if value.ndim else None


def is_frame(data: Any) -> bool:
    """Whether it is a data frame or a column of one, of pandas or what is like it."""
    return hasattr(data, "to_numpy") and (hasattr(data, "columns") or hasattr(data, "name")) and hasattr(data, "shape")


def without_frames(data: Any) -> Any:
    """A tuple with the values of the data frames and columns in it.

    Raises: DataError for what holds no numbers, and for a data frame by itself
    """
    if is_frame(data):
        columns = _some(getattr(data, "columns", [getattr(data, "name", None)]))
        raise DataError(
            f"a data frame has columns ({columns}), and nothing says which are the input; give (frame[inputs], frame[target]), "
            "or a dict with the names of the network's parameters"
        )
    return tuple(map(numbers_of_frame, data)) if type(data) is tuple and any(map(is_frame, data)) else data


def numbers_of_frame(part: Any) -> Any:
    """The values of a frame or column. Raises: DataError for columns of several kinds, or that hold no numbers"""
    if not is_frame(part):
        return part
    found = part.to_numpy()
    if found.dtype.kind not in "OUS":
        return found if found.flags.writeable else found.copy()  # torch refuses to share what it may not write
    if found.ndim == 1:
        if all(isinstance(value, str) for value in found):
            return found
        raise DataError("a column holds no numbers; give it as numbers, such as column.astype(float)")
    text = [name for name in part.columns if part[name].to_numpy().dtype.kind in "OUS"]
    if not text:  # numbers of several kinds
        return part.to_numpy(dtype=np.float64)
    raise DataError(
        f"columns of a data frame hold no numbers ({_some(text)}); leave them out, or turn them into numbers"
    )


def _some(names: Iterable[Any]) -> str:
    listed = [str(name) for name in names]
    return ", ".join(listed[:6]) + (f" and {len(listed) - 6} more" if len(listed) > 6 else "")


def _lists_as_arrays(data: Any) -> Any:
    """A pair of lists of as many numbers, of which one holds rows of several: (x.tolist(), y.tolist())."""
    if type(data) is not tuple or len(data) != 2 or not all(isinstance(part, list) and part for part in data):
        return data
    if len(data[0]) != len(data[1]) or not any(isinstance(part[0], list) for part in data):
        return data
    try:
        found = tuple(np.asarray(part) for part in data)
    except ValueError:  # rows of different lengths
        return data
    return found if all(part.dtype.kind in "biuf" for part in found) and found[0].ndim != found[1].ndim else data


def _stacked(value: Any) -> Any:
    """A list of tensors, one of each row, as one tensor where they have one shape."""
    rows = isinstance(value, list) and bool(value) and all(isinstance(row, Tensor | np.ndarray) for row in value)
    if not rows or any(row.shape != value[0].shape for row in value):
        return value
    return torch.stack([torch.as_tensor(row) for row in value])


def _is_nested(part: Any) -> bool:
    if isinstance(part, Mapping):
        return all(isinstance(value, Tensor | np.ndarray) or _is_nested(value) for value in part.values())
    return isinstance(part, tuple) and _may_be_rows(part)


def _is_column(part: Any) -> bool:
    """Whether a list holds one text or number a row."""
    return isinstance(part, list) and bool(part) and isinstance(part[0], str | bytes | bool | int | float)


def _whole(value: Any) -> Any:
    """A field in memory: tensors and arrays as they are, what numbers are otherwise as a tensor, all else as a list."""
    if isinstance(value, Tensor) or (isinstance(value, np.ndarray) and value.dtype.kind not in "USO"):
        return value
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(name): _whole(part) for name, part in value.items()}
    if isinstance(value, tuple) and _may_be_rows(value):
        return like(value, [_whole(part) for part in value])
    if is_text(value) and not isinstance(value, str | bytes):
        return list(value)
    try:
        return torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError):
        if isinstance(value, Iterable) and not isinstance(value, str | bytes):
            return list(value)
    raise DataError(f"a field of the data is a {type(value).__name__}; give tensors, arrays, or one entry per row")
