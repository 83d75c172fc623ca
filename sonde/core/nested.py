"""Fields of a batch that are more than one tensor: tuples and dicts that share their rows, and lists of one entry a row."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from sonde.core.errors import DataError

Field = Any
"""A tensor (B, …), a tuple or dict of fields, or a list of length B: texts, ids, whatever is no tensor and rides along."""


def is_object(field: Any) -> bool:
    """Whether it is an object of somebody's own that can be moved, such as a batch of graphs: its rows are its own matter."""
    if isinstance(field, PackedSequence):
        return True
    known = Tensor | nn.Module | Mapping | tuple | list | type
    return not isinstance(field, known) and callable(getattr(field, "to", None)) and not hasattr(field, "__array__")


def object_rows(field: Any) -> int:
    """How many rows an object says that it has: `num_graphs`, `batch_size`, its length; else it is one."""
    if isinstance(field, PackedSequence):
        return int(field.batch_sizes[0])
    for name in ("num_graphs", "batch_size"):
        if isinstance(rows := getattr(field, name, None), int):
            return rows
    return len(field) if hasattr(field, "__len__") and not hasattr(field, "num_nodes") else 1


def each(field: Field, function: Callable[[Tensor], Tensor]) -> Field:
    """The same with every tensor replaced; what is no tensor stays as it is.

    >>> import torch
    >>> each({"a": torch.ones(2), "id": ["x", "y"]}, lambda tensor: -tensor)
    {'a': tensor([-1., -1.]), 'id': ['x', 'y']}
    """
    if isinstance(field, Tensor):
        return function(field)
    if isinstance(field, tuple):
        return like(field, [each(part, function) for part in field])
    if isinstance(field, dict):
        return {name: each(part, function) for name, part in field.items()}
    if isinstance(field, list) and field and isinstance(field[0], Tensor | dict | tuple | list):
        return [each(entry, function) for entry in field]  # one of each row, such as the boxes of a picture
    return field


def rows_of(field: Field, rows: slice | Tensor) -> Field:
    """The rows of a slice, or of row numbers (n,) int64, which may lie on another device than the field."""
    if isinstance(field, Tensor):
        return field[rows] if isinstance(rows, slice) else field[rows.to(field.device)]
    if is_object(field):
        raise DataError(
            f"a {type(field).__name__} cannot be cut into rows, as accumulate= and a time limit of an evaluation need; leave "
            "those out, and yield smaller batches"
        )
    if isinstance(field, tuple):
        return like(field, [rows_of(part, rows) for part in field])
    if isinstance(field, dict):
        return {name: rows_of(part, rows) for name, part in field.items()}
    return field[rows] if isinstance(rows, slice) else [field[int(row)] for row in rows]


def like(field: tuple[Any, ...], parts: list[Any]) -> tuple[Any, ...]:
    """`parts` as a tuple of the kind of `field`, which may have names."""
    return type(field)(*parts) if hasattr(field, "_fields") else tuple(parts)


def leaves(field: Field, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """(path, tensor or list) of all that a field is made of; a path holds places in tuples and names in dicts."""
    if isinstance(field, tuple | dict) and not is_object(field):
        parts = field.items() if isinstance(field, dict) else enumerate(field)
        for name, part in parts:
            yield from leaves(part, (*path, name))
    else:
        yield path, field


def row_counts(fields: Mapping[str, Field]) -> dict[str, int]:
    """How many rows each field holds, its parts by names of their own.

    >>> row_counts({"input": ([1, 2], [1, 2, 3]), "id": ["a"]})
    {'input.0': 2, 'input.1': 3, 'id': 1}
    """
    return {
        ".".join(map(str, path)): _count(leaf)
        for name, field in fields.items()
        for path, leaf in leaves(field, (name,))
    }


def _count(leaf: Any) -> int:
    if is_object(leaf):
        return object_rows(leaf)
    return 0 if isinstance(leaf, Tensor) and not leaf.ndim else len(leaf)


def in_words(field: Field) -> str:
    """Shape and type of numbers.

    >>> import torch
    >>> in_words(torch.zeros(2, 3)), in_words((torch.zeros(2), ["a", "b"]))
    ('(2, 3) float32', '((2,) float32, list of 2)')
    """
    if isinstance(field, Tensor):
        return f"{tuple(field.shape)} {str(field.dtype).removeprefix('torch.')}"
    if isinstance(field, tuple) and not is_object(field):
        return f"({', '.join(in_words(part) for part in field)})"
    if isinstance(field, dict):
        return "{" + ", ".join(f"{name} {in_words(part)}" for name, part in field.items()) + "}"
    return f"list of {len(field)}" if isinstance(field, list) else type(field).__name__
