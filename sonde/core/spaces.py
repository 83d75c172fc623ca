"""What an environment shows and takes, as text that outlives it, and how what it shows becomes what networks see.

The kinds are gymnasium's (`sonde.acting.environments.spaces` reads them off it); nothing here needs it, so that a trained policy
acts where it is not installed.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from math import prod
from operator import index
from typing import Any, Literal

import numpy as np

from sonde.core.units import counted

MOST_BOUNDS = 10_000  # of a box whose entries differ in their bounds, which are kept
SLACK = 1e-5  # of float32 arithmetic
BRIGHTEST = 255  # byte of a picture, which networks see as 1


@dataclass(frozen=True, kw_only=True)
class Space:
    """One space of gymnasium's.

    kind:  "box": an array of numbers;  "choice": one of several, Discrete;  "choices": several of such, MultiDiscrete;  "bits":
           each 0 or 1, MultiBinary;  "dict", "tuple": of parts;  "other": what is not known here
    shape: of all but those of parts;  dtype: by NumPy's name
    low, high: of a box: one bound for all entries or one for each in row order, None for none; empty where they are not kept
    sizes: of choices, how many there are of each;  first: the lowest number of each, of a choice too
    names: of the parts of a dict
    """

    kind: Literal["box", "choice", "choices", "bits", "dict", "tuple", "other"]
    shape: tuple[int, ...] = ()
    dtype: str = ""
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()
    sizes: tuple[int, ...] = ()
    first: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    parts: tuple["Space", ...] = ()

    @property
    def known(self) -> bool:
        """Whether all of it is: what is not is shown by numbers alone."""
        return self.kind != "other" and all(part.known for part in self.parts)

    @property
    def is_pixels(self) -> bool:
        """Whether it is a picture: (height, width, channels) or (channels, height, width) bytes."""
        return self.kind == "box" and self.dtype == "uint8" and len(self.shape) == 3

    @property
    def brightening(self) -> int:
        """What bytes of a picture are multiplied by so that its brightest are nearly 255, by its bounds; else 1.

        >>> [Space(kind="box", shape=(9, 9, 1), dtype="uint8", high=(high,)).brightening for high in (1.0, 3.0, 200.0)]
        [255, 85, 1]
        """
        known = [bound for bound in self.high if bound is not None] if self.is_pixels else []
        return max(1, int(BRIGHTEST // max(known))) if known and max(known) >= 1 else 1

    @property
    def size(self) -> int:
        """Numbers of a row that holds it, of choices one for each that there is."""
        if self.parts:
            return sum(part.size for part in self.parts)
        return sum(self.sizes) if self.sizes else prod(self.shape)

    @property
    def words(self) -> str:
        """What it is, for a person.

        >>> Space(kind="choice", sizes=(16,), first=(0,)).words, Space(kind="box", shape=(2, 3)).words
        ('one of 16', '2x3 numbers')
        """
        sizes = "x".join(map(str, self.shape))
        match self.kind:
            case "box":
                return f"{sizes} pixels" if self.is_pixels else f"{sizes or 1} number{'s' * (self.shape != ())}"
            case "choice":
                return f"one of {self.sizes[0]}"
            case "choices":
                return f"{len(self.sizes)} choices, of {' x '.join(map(str, self.sizes))}"
            case "bits":
                return f"{sizes} times 0 or 1"
            case "dict" | "tuple":
                names = self.names or map(str, range(len(self.parts)))
                parts = [f"{name} ({part.words})" for name, part in zip(names, self.parts, strict=True)]
                return f"{len(parts)} parts: {', '.join(parts)}"
        return "something else"

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray] | None:
        """The least and the greatest of each number of a row that holds it, float32 (size,); None where nothing is bounded."""
        low, high = np.full(self.size, -np.inf, np.float32), np.full(self.size, np.inf, np.float32)
        at = 0
        for part in self.parts or (self,):
            found = _bounds_of_box(part) if part is self else part.bounds
            if found is not None:
                low[at : at + part.size], high[at : at + part.size] = found
            at += part.size
        return None if np.isneginf(low).all() and np.isposinf(high).all() else (low, high)


def _bounds_of_box(space: Space) -> tuple[Any, Any] | None:
    if space.kind != "box" or not space.low:
        return None
    low, high = (
        np.array([np.nan if at is None else at for at in each], np.float64) for each in (space.low, space.high)
    )
    return np.nan_to_num(low, nan=-np.inf), np.nan_to_num(high, nan=np.inf)


def shown_shape(space: Space | None, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Of an observation as the environment shows it, of pictures also where their channels are last. shape: as networks see it

    >>> shown_shape(Space(kind="box", shape=(6, 6, 3), dtype="uint8"), (3, 6, 6)), shown_shape(None, (3, 6, 6))
    ((6, 6, 3), (3, 6, 6))
    """
    return space.shape if space is not None and space.is_pixels else shape


def beyond(rows: np.ndarray, bounds: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """(…, size) bool: which numbers lie outside their bounds, (size,) each."""
    low, high = bounds
    return (rows < low - SLACK * np.maximum(1, np.abs(low))) | (rows > high + SLACK * np.maximum(1, np.abs(high)))


def as_text(*, observation: Space, action: Space) -> str:
    """Both spaces of an environment, as `InputSpec.space` holds them."""
    return json.dumps({"observation": asdict(observation), "action": asdict(action)})


def from_text(text: str) -> tuple[Space | None, Space | None]:
    """(of observations, of actions); None of a run that holds none: of earlier versions, of a log, of Atari's games."""
    if not text:
        return None, None
    saved = json.loads(text)
    return _from(saved["observation"]), _from(saved["action"])


def _from(saved: Mapping[str, Any]) -> Space:
    lists = {name: tuple(value) for name, value in saved.items() if isinstance(value, list) and name != "parts"}
    return Space(**{**saved, **lists, "parts": tuple(_from(part) for part in saved["parts"])})


def brightened(pixels: np.ndarray, times: float) -> np.ndarray:
    """Bytes multiplied by a whole number of 1 or more, and cut off at the largest multiple that a byte holds; 0 leaves them.

    >>> brightened(np.array([0, 1, 3], np.uint8), 255.0).tolist()
    [0, 255, 255]
    """
    if times <= 1:
        return pixels
    return np.minimum(pixels, np.uint8(BRIGHTEST // times)) * np.uint8(times)


def encoder(
    space: Space | None, shape: tuple[int, ...], *, pixels: bool, times: float = 0.0
) -> Callable[[Any], np.ndarray]:
    """An observation as the environment shows it -> what networks see: `shape` float32, of pixels uint8 with channels first.

    What has parts becomes one row, a choice as 0 and 1 for each that there is. What is returned pickles.
    space: None where it is not known: then an observation is an array of `shape`, of pixels also with channels last
    times: what pixels are multiplied by (`brightened`)
    Raises (what is returned): ValueError for what the space does not hold
    """
    if pixels:
        return partial(_pixels, shape, times)
    if space is None or space.kind in ("box", "other"):
        return _numbers
    return partial(_row, space)


def _numbers(seen: Any) -> np.ndarray:
    """float32, at least one row."""
    found = np.asarray(seen)
    if found.dtype == np.float32 and found.ndim:
        return found
    if found.dtype.kind not in "fiub":
        raise ValueError(f"{'text' if found.dtype.kind in 'US' else found.dtype} and not numbers")
    with np.errstate(over="ignore"):  # what is too large becomes infinite, which is told
        return np.atleast_1d(found.astype(np.float32))


def _pixels(shape: tuple[int, ...], times: float, seen: Any) -> np.ndarray:
    """uint8, with channels first. Raises: ValueError for what is not, such as shares of 1, which would all become 0"""
    found = np.asarray(seen)
    if found.dtype != np.uint8:
        if found.dtype.kind not in "iub" or (found.size and not 0 <= found.min() <= found.max() <= 255):
            raise ValueError(f"{found.dtype} and not uint8")
        found = found.astype(np.uint8)
    if found.shape == (*shape[1:], shape[0]) != shape:
        found = np.ascontiguousarray(np.moveaxis(found, -1, 0))
    return brightened(found, times)


def _row(space: Space, seen: Any) -> np.ndarray:
    """What has parts, or is chosen, as float32 (size,)."""
    found = np.zeros(space.size, np.float32)
    _fill(space, seen, found)
    return found


def _fill(space: Space, seen: Any, row: np.ndarray) -> None:
    """Write what is shown into a row of zeros."""
    if space.parts:
        at = 0
        for part, shown in zip(space.parts, _parts(space, seen), strict=True):
            _fill(part, shown, row[at : at + part.size])
            at += part.size
    elif space.kind in ("choice", "choices"):
        numbers = [seen] if space.kind == "choice" else np.asarray(seen).ravel().tolist()
        if len(numbers) != len(space.sizes):
            what = "text" if isinstance(seen, str) else counted(len(numbers), "choice", "choices")
            raise ValueError(f"{what} and not {counted(len(space.sizes), 'choice', 'choices')}")
        at = 0
        for number, size, first in zip(numbers, space.sizes, space.first, strict=True):
            row[at + _chosen(number, size, first)] = 1
            at += size
    else:
        found = np.asarray(seen)
        if found.dtype.kind not in "fiub":
            raise ValueError(f"{'text' if found.dtype.kind in 'US' else found.dtype} and not numbers")
        if found.shape != space.shape:
            raise ValueError(f"shape {found.shape} and not {space.shape}")
        with np.errstate(over="ignore"):
            row[:] = found.ravel()


def leaves(space: Space, seen: Any, path: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """(path, a copy of what is shown) of all parts that have none themselves, "" of what has no parts.

    >>> pair = Space(kind="dict", names=("place", "speed"), parts=(Space(kind="choice", sizes=(3,)), Space(kind="box")))
    >>> [(path, value.item()) for path, value in leaves(pair, {"place": 2, "speed": 0.5})]
    [('place', 2), ('speed', 0.5)]
    """
    if not space.parts:
        yield path, np.array(seen)
        return
    names = space.names or map(str, range(len(space.parts)))
    for name, part, shown in zip(names, space.parts, _parts(space, seen), strict=True):
        yield from leaves(part, shown, f"{path}.{name}" if path else name)


def _parts(space: Space, seen: Any) -> list[Any]:
    if space.kind == "dict":
        if not isinstance(seen, Mapping) or set(seen) != set(space.names):
            shown = ", ".join(map(str, seen)) if isinstance(seen, Mapping) else type(seen).__name__
            raise ValueError(f"{shown} and not the parts {', '.join(space.names)}")
        return [seen[name] for name in space.names]
    if not isinstance(seen, tuple | list) or len(seen) != len(space.parts):
        shown = f"{len(seen)} parts" if isinstance(seen, tuple | list) else type(seen).__name__
        raise ValueError(f"{shown} and not {len(space.parts)} parts")
    return list(seen)


def _chosen(number: Any, size: int, first: int) -> int:
    """From 0."""
    try:
        found = index(number) - first
    except TypeError:
        raise ValueError(f"{type(number).__name__} and not a whole number") from None
    if not 0 <= found < size:
        raise ValueError(f"{number} and not one of {first} to {first + size - 1}")
    return found
