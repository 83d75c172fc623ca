"""Spaces of gymnasium's as `sonde.core.spaces` has them."""

from typing import Any

import numpy as np

from sonde.core.spaces import MOST_BOUNDS, Space


def space_of(space: Any) -> Space:
    """What an environment shows or takes; "other" of what is none of gymnasium's, or of a size that changes."""
    from gymnasium import spaces

    if isinstance(space, spaces.Box):
        low, high = _bounds(space.low), _bounds(space.high)
        return Space(kind="box", shape=tuple(space.shape), dtype=str(space.dtype), low=low, high=high)
    if isinstance(space, spaces.Discrete):
        return Space(kind="choice", dtype=str(space.dtype), sizes=(int(space.n),), first=(int(space.start),))
    if isinstance(space, spaces.MultiDiscrete):
        sizes, first = (tuple(each.ravel().tolist()) for each in (space.nvec, space.start))
        return Space(kind="choices", shape=tuple(space.shape), dtype=str(space.dtype), sizes=sizes, first=first)
    if isinstance(space, spaces.MultiBinary):
        return Space(kind="bits", shape=tuple(space.shape), dtype=str(space.dtype))
    if isinstance(space, spaces.Dict) and all(isinstance(name, str) for name in space.spaces):
        parts = tuple(space_of(part) for part in space.spaces.values())
        return Space(kind="dict", names=tuple(space.spaces), parts=parts)
    if isinstance(space, spaces.Tuple):
        return Space(kind="tuple", parts=tuple(space_of(part) for part in space.spaces))
    return Space(kind="other")


def _bounds(given: np.ndarray) -> tuple[float | None, ...]:
    """One where all are the same, None for those that are none; empty where there are too many."""
    values = given.astype(np.float64).ravel()
    if values.size and (values == values[0]).all():
        values = values[:1]
    if values.size > MOST_BOUNDS:
        return ()
    return tuple(value if np.isfinite(value) else None for value in values.tolist())
