"""The outputs of an evaluation's batches as those of one: joined along their rows, on the CPU."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sonde.core.nested import is_object


def joined(parts: Sequence[Any]) -> Any:
    """The batches of a set as one: tensors along their rows; dicts, tuples and lists of tensors part by part.

    Raises: RuntimeError for tensors whose other sizes differ
    """
    first = parts[0]
    if isinstance(first, Tensor):
        return torch.stack(list(parts)) if first.ndim == 0 else torch.cat(list(parts))
    if isinstance(first, Mapping):
        whole = {name: joined([part[name] for part in parts]) for name in first}
        return (
            type(first)(**whole) if hasattr(first, "to_tuple") else whole
        )  # Hugging Face's outputs are read by attribute
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(joined(column) for column in zip(*parts, strict=True)))
    if isinstance(first, tuple):
        return tuple(joined(column) for column in zip(*parts, strict=True))
    if is_object(first) and len(parts) > 1:
        raise ValueError(f"a {type(first).__name__} each; let it take the attributes of it that it needs")
    if isinstance(first, list):  # of rows that are no tensors, such as texts
        return [row for part in parts for row in part]
    return first


def on_cpu(value: Any) -> Any:
    """The same with its tensors detached, on the CPU and at least float32, which numpy can read."""
    return _each_tensor(value, lambda tensor: wide(tensor.detach()).cpu())


def wide(value: Any) -> Any:
    """At least float32: autocast computes in 16 bits, which metrics and numpy are not made for."""
    half = (torch.bfloat16, torch.float16)
    return _each_tensor(value, lambda tensor: tensor.detach().float() if tensor.dtype in half else tensor.detach())


def _each_tensor(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, Mapping):
        changed = {name: _each_tensor(part, change) for name, part in value.items()}
        return type(value)(**changed) if hasattr(value, "to_tuple") else changed
    if isinstance(value, tuple):
        parts = [_each_tensor(part, change) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return value
