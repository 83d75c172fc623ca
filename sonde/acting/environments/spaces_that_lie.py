"""Whether what an environment shows is what its space says."""

from typing import Any, NamedTuple

import numpy as np

EPSILON = 1e-5
NOT_FINITE, OUTSIDE = "not-finite-inputs", "outside-its-space"  # names of findings


class Lie(NamedTuple):
    """name: of the finding;  said: what is wrong, in words;  usable: whether it is an observation of the right shape after all"""

    name: str
    said: str
    usable: bool


def lie(space: Any, shown: Any, part: str = "") -> Lie | None:
    """The first thing that is wrong with an observation, None where it is as gymnasium's space says.

    part: of a Dict or Tuple, in words
    """
    from gymnasium import spaces

    if isinstance(space, spaces.Dict):
        if not isinstance(shown, dict) or set(shown) != set(space.spaces):
            return Lie(
                OUTSIDE, f"{part}it shows {_short(shown)}, and not the parts {', '.join(space.spaces)}", usable=False
            )
        found = (lie(one, shown[name], f"{part}part {name} ") for name, one in space.spaces.items())
        return next((each for each in found if each is not None), None)
    if isinstance(space, spaces.Tuple):
        if not isinstance(shown, tuple | list) or len(shown) != len(space.spaces):
            return Lie(OUTSIDE, f"{part}it shows {_short(shown)}, and not {len(space.spaces)} parts", usable=False)
        each = (lie(one, shown[place], f"{part}part {place} ") for place, one in enumerate(space.spaces))
        return next((one for one in each if one is not None), None)
    if isinstance(space, spaces.Box):
        return _of_box(space, shown, part)
    if not space.contains(shown):
        return Lie(OUTSIDE, f"{part or 'it '}is {_short(shown)}, which is not in {space}", usable=False)
    return None


def _of_box(space: Any, shown: Any, part: str) -> Lie | None:
    try:
        array = np.asarray(shown)
        array.astype(np.float64)
    except (TypeError, ValueError):
        return Lie(OUTSIDE, f"{part or 'it '}is {_short(shown)}, which is no array of numbers", usable=False)
    if array.shape != space.shape:
        return Lie(OUTSIDE, f"{part or 'it '}has shape {array.shape}, and the space says {space.shape}", usable=False)
    if not np.isfinite(array).all():
        place = _place(~np.isfinite(array))
        return Lie(NOT_FINITE, f"{part}number {place[1]} is {array[place[0]]}", usable=True)
    slack = EPSILON * np.maximum(1.0, np.abs(array))  # of float32 arithmetic
    beyond = (array < space.low - slack) | (array > space.high + slack)
    if beyond.any():
        at, name = _place(beyond)
        low, high = space.low[at], space.high[at]
        said = f"{part}number {name} is {array[at]:g}, and the space says {low:g} to {high:g}"
        return Lie(OUTSIDE, said, usable=True)
    if not np.can_cast(array.dtype, space.dtype):
        return Lie(OUTSIDE, f"{part or 'it '}is {array.dtype}, and the space says {np.dtype(space.dtype)}", usable=True)
    return None


def _place(where: np.ndarray) -> tuple[tuple[int, ...], str]:
    """The first True, as an index and in words."""
    at = tuple(int(each) for each in np.argwhere(where)[0]) if where.ndim else ()
    return at, ", ".join(map(str, at)) or "0"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}…"
