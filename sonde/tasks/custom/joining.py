"""The outputs of an evaluation's batches as those of one: joined along their rows, on the CPU."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import torch
from torch import Tensor

from sonde.core.errors import ConfigError
from sonde.core.nested import is_object
from sonde.tasks.custom.opened import DEEPEST, attributes_of, with_attributes


class NotJoined:
    """Stands in a joined output for a part that cannot be joined: whoever reads it is told, and nobody else is troubled."""

    def __init__(self, why: str) -> None:
        self._why = why

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise ConfigError(self._why)

    __getattr__ = __getitem__ = __len__ = __iter__ = __call__ = __float__ = __array__ = _refuse
    __torch_function__ = _refuse


def joined(parts: Sequence[Any], rows: Sequence[int]) -> Any:
    """The batches of a set as one: tensors along their rows; dicts, tuples, lists and objects part by part.

    A list with an entry for each row is joined as such; a list of tensors over the rows part by part.
    rows: of each batch
    Raises: RuntimeError for tensors whose other sizes differ; ConfigError for an output that cannot be joined, while a part that
            cannot is replaced by a `NotJoined`
    """
    return _joined(parts, rows, 0)


def _joined(parts: Sequence[Any], rows: Sequence[int], depth: int) -> Any:
    first = parts[0]

    def inner(column: Sequence[Any]) -> Any:
        try:
            return _joined(column, rows, depth + 1)
        except ConfigError as trouble:
            return NotJoined(str(trouble))

    if is_object(first):
        raise ConfigError(f"a {type(first).__name__} each cannot be joined; pass only the attributes it needs")
    if isinstance(first, Tensor):
        return torch.stack(list(parts)) if first.ndim == 0 else torch.cat(list(parts))
    if isinstance(first, Mapping):
        whole = {name: inner([part[name] for part in parts]) for name in first}
        return (
            type(first)(**whole) if hasattr(first, "to_tuple") else whole
        )  # Hugging Face's outputs are read by attribute
    if isinstance(first, tuple) and not isinstance(first, torch.Size):
        columns = [inner(column) for column in zip(*parts, strict=True)]
        return type(first)(*columns) if hasattr(first, "_fields") else tuple(columns)
    if isinstance(first, list):
        return _joined_list(parts, rows, inner)
    held = attributes_of(first)
    return first if held is None else _joined_objects(parts, held, inner, deep=depth >= DEEPEST)


def _joined_objects(
    parts: Sequence[Any], held: Mapping[str, Any], inner: Callable[[Sequence[Any]], Any], *, deep: bool
) -> Any:
    """Raises: ConfigError for objects that know the size of their batch, such as distributions, or that are nested too deeply"""
    if deep or any(isinstance(value, torch.Size) for value in held.values()):
        kind = type(parts[0]).__name__
        raise ConfigError(f"outputs that hold a {kind} cannot be joined; return its tensors, in a tuple or dict")
    return with_attributes(parts[0], {name: inner([getattr(part, name) for part in parts]) for name in held})


def _joined_list(parts: Sequence[list[Any]], rows: Sequence[int], inner: Callable[[Sequence[Any]], Any]) -> Any:
    """Raises: ConfigError for lists that are neither of rows nor of tensors over the rows"""
    if all(_is_over_rows(one, count) for part, count in zip(parts, rows, strict=True) for one in part):
        return [inner(column) for column in zip(*parts, strict=True)]
    if all(len(part) == count for part, count in zip(parts, rows, strict=True)):
        return [row for part in parts for row in part]  # such as texts
    raise ConfigError(
        "outputs with a list of neither one entry for each row nor tensors over the rows cannot be joined"
    )


def _is_over_rows(one: Any, rows: int) -> bool:
    return isinstance(one, Tensor) and one.ndim > 0 and len(one) == rows


def on_cpu(value: Any) -> Any:
    """The same with its tensors detached, on the CPU and at least float32, which numpy can read."""
    return _each_tensor(value, lambda tensor: wide(tensor.detach()).cpu())


def wide(value: Any) -> Any:
    """At least float32: autocast computes in 16 bits, which metrics and numpy are not made for."""
    half = (torch.bfloat16, torch.float16)
    return _each_tensor(value, lambda tensor: tensor.detach().float() if tensor.dtype in half else tensor.detach())


def _each_tensor(value: Any, change: Callable[[Tensor], Tensor], depth: int = 0) -> Any:
    if isinstance(value, Tensor):
        return change(value)
    if depth > DEEPEST or is_object(value):
        return value
    if isinstance(value, Mapping):
        changed = {name: _each_tensor(part, change, depth + 1) for name, part in value.items()}
        return type(value)(**changed) if hasattr(value, "to_tuple") else changed
    if isinstance(value, tuple):
        parts = [_each_tensor(part, change, depth + 1) for part in value]
        return (
            type(value)(*parts) if hasattr(value, "_fields") else (value if type(value) is torch.Size else tuple(parts))
        )
    if isinstance(value, list):
        return [_each_tensor(part, change, depth + 1) for part in value]
    held = attributes_of(value)
    if held is None:
        return value
    return with_attributes(value, {name: _each_tensor(part, change, depth + 1) for name, part in held.items()})
