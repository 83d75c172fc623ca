"""The arrays and tensors of data in memory, each as it can be read by rows."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from sonde.core.nested import like
from sonde.data.feed.fields import is_frame
from sonde.data.plain_arrays import plain

NAMES = {"training": "", "validation": "validation ", "test": "test "}


def with_plain_arrays(data: Any, split: str = "training", *, doubles: bool = False) -> Any:
    """Data in memory with what `plain` makes of each array; whatever yields rows or batches as it is.

    split: "training", "validation" or "test";  doubles: whether the network computes in double precision
    Raises: DataError for arrays that cannot be read by rows as they are, such as sparse, masked or ragged ones
    """
    which = NAMES.get(split, f"{split} ")
    if type(data) in (tuple, list) and len(data) == 2:
        parts = [_part(part, f"{which}{name}", doubles) for part, name in zip(data, ("x", "y"), strict=True)]
        return type(data)(parts)
    if isinstance(data, tuple):
        return like(data, [_part(part, f"{which}part_{at + 1}", doubles) for at, part in enumerate(data)])
    if isinstance(data, Mapping):
        return {name: _part(part, f"{which}{name}", doubles) for name, part in data.items()}
    return _part(data, f"{which}x", doubles)


def _part(part: Any, place: str, doubles: bool) -> Any:
    """A part of data: of tuples and dicts its own parts; a list, whose entries may be rows, only where it is no array inside."""
    if is_frame(part):
        return part
    if isinstance(part, Tensor | np.ndarray):
        return plain(part, place, unsigned=False, doubles=doubles)
    if type(part) is dict:
        return {name: _part(inner, f"{place}.{name}", doubles) for name, inner in part.items()}
    if isinstance(part, tuple) and part and all(isinstance(inner, Tensor | np.ndarray) for inner in part):
        return like(part, [_part(inner, f"{place}.{at}", doubles) for at, inner in enumerate(part)])
    if isinstance(part, str | bytes | list | tuple | range):
        return part
    return plain(part, place, unsigned=False, doubles=doubles)
