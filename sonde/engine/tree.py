"""A nested state as JSON plus named tensors, and back: what a checkpoint stores instead of a pickle."""

from typing import Any

import torch
from torch import Tensor

TENSOR, TUPLE, NUMBERED = "__tensor__", "__tuple__", "__numbered__"


def separate(tree: Any, path: str = "") -> tuple[Any, dict[str, Tensor]]:
    """(JSON tree, tensors): tensors are replaced by their name, tuples and dicts with integer keys are marked.

    Raises: TypeError for a value that neither JSON nor safetensors can hold

    >>> separate({"step": 3, "moments": {0: torch.zeros(2)}})[0]
    {'step': 3, 'moments': {'__numbered__': [[0, {'__tensor__': '/moments/0'}]]}}
    """
    tensors: dict[str, Tensor] = {}

    def walk(value: Any, at: str) -> Any:
        if isinstance(value, Tensor):
            tensors[at] = value
            return {TENSOR: at}
        if isinstance(value, dict):
            if any(not isinstance(key, str) for key in value):
                if not all(isinstance(key, int) for key in value):
                    raise TypeError(f"state {at or '/'} has keys that are neither text nor integers")
                return {NUMBERED: [[key, walk(item, f"{at}/{key}")] for key, item in value.items()]}
            return {key: walk(item, f"{at}/{key}") for key, item in value.items()}
        if isinstance(value, tuple):
            return {TUPLE: [walk(item, f"{at}/{i}") for i, item in enumerate(value)]}
        if isinstance(value, list):
            return [walk(item, f"{at}/{i}") for i, item in enumerate(value)]
        if value is None or isinstance(value, bool | int | float | str):
            return value
        raise TypeError(f"state {at or '/'} holds a {type(value).__name__}, which a checkpoint cannot store")

    return walk(tree, path), tensors


def join(tree: Any, tensors: dict[str, Tensor]) -> Any:
    """The inverse of `separate`."""
    if isinstance(tree, dict):
        if TENSOR in tree:
            return tensors[tree[TENSOR]]
        if TUPLE in tree:
            return tuple(join(item, tensors) for item in tree[TUPLE])
        if NUMBERED in tree:
            return {key: join(item, tensors) for key, item in tree[NUMBERED]}
        return {key: join(item, tensors) for key, item in tree.items()}
    if isinstance(tree, list):
        return [join(item, tensors) for item in tree]
    return tree


def copied(tree: Any) -> Any:
    """The same tree with every tensor copied to the host: nothing that trains on can change it."""
    if isinstance(tree, Tensor):
        return tree.detach().to("cpu", copy=True)
    if isinstance(tree, dict):
        return {key: copied(item) for key, item in tree.items()}
    if isinstance(tree, list):
        return [copied(item) for item in tree]
    if isinstance(tree, tuple):
        return tuple(copied(item) for item in tree)
    return tree


def same(one: Any, other: Any) -> bool:
    """Whether two trees are equal to the last bit, NaN equal to NaN.

    >>> same({"a": torch.tensor([float("nan")])}, {"a": torch.tensor([float("nan")])})
    True
    """
    if isinstance(one, Tensor) or isinstance(other, Tensor):
        return (
            isinstance(one, Tensor)
            and isinstance(other, Tensor)
            and one.shape == other.shape
            and one.dtype == other.dtype
            and torch.equal(_bits(one), _bits(other))
        )
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other) or (one != one and other != other)


def _bits(tensor: Tensor) -> Tensor:
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8) if flat.numel() else flat
