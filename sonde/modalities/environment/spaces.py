"""What an environment shows and takes, of gymnasium's spaces, in the words of a schema."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from sonde.acting.environments.spaces import space_of
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.errors import DataError
from sonde.core.spaces import Space, encoder
from sonde.core.units import counted

KIND = "environment"
LISTED = 6  # numbers of an action whose bounds are told one by one
EPSILON = 1e-5  # of the range of an action: of float32 arithmetic
MOST_ACTIONS = 1_000_000  # each an output of the network


class Observations(NamedTuple):
    """spec: of what networks see;  encode: an observation of the environment -> array of that shape"""

    spec: InputSpec
    encode: Callable[[Any], np.ndarray]


def observations(space: Any, name: str, like: InputSpec | None = None) -> Observations:
    """Numbers as they are; pixels with channels first, and as bytes from 0 to 255 where their bounds are closer; what has parts
    in one row, categories as 0 and 1.

    like: what a trained model saw
    Raises: DataError for a space that is none of these, or that is not of one size
    """
    shown = space_of(space)
    if shown.is_pixels:
        spec = _pixels(shown, like)
        return Observations(spec, encoder(shown, spec.shape, pixels=True, times=spec.scale))
    if shown.known:
        shape = (shown.shape or (1,)) if shown.kind == "box" else (shown.size,)
        return Observations(InputSpec(kind=KIND, shape=shape), encoder(shown, shape, pixels=False))
    return _flattened(space, name)


def _flattened(space: Any, name: str) -> Observations:
    """What only gymnasium knows how to flatten, such as Text."""
    from gymnasium import spaces

    try:
        flat = spaces.flatten_space(space)
    except NotImplementedError:
        flat = None
    if not isinstance(flat, spaces.Box):
        raise DataError(
            f"{name} shows observations of {type(space).__name__}, whose size changes; wrap it so that they are a Box"
        )
    return Observations(
        InputSpec(kind=KIND, shape=(prod(flat.shape),)),
        lambda seen: np.asarray(spaces.flatten(space, seen), np.float32),
    )


def _pixels(shown: Space, like: InputSpec | None) -> InputSpec:
    shape = shown.shape
    channels = min(shape[0], shape[2])
    sizes = (shape[0], *shape[1:]) if shape[0] == channels and shape[2] > 4 else (shape[2], shape[0], shape[1])
    return InputSpec(kind=KIND, shape=sizes, mean=(0.0,) * sizes[0], std=(1.0,) * sizes[0], scale=scale_of(shown, like))


def scale_of(shown: Space, like: InputSpec | None) -> float:
    """What bytes of pictures are multiplied by, of a trained model as they were; 0 where they are seen as they are."""
    if like is not None:
        return like.scale
    return float(shown.brightening) if shown.brightening > 1 else 0.0


def actions(space: Any, name: str) -> TargetSpec:
    """One of several actions, of several parts too, or numbers; their mean and std are the middle and half the range.

    Raises: DataError for other spaces, and for bounds between which there is nothing
    """
    from gymnasium import spaces

    if isinstance(space, spaces.Discrete):
        if space.n > MOST_ACTIONS:
            raise DataError(
                f"{name} chooses among {space.n:,} actions, and a network tells {MOST_ACTIONS:,} apart at most; wrap it so that "
                "an action has several parts (MultiDiscrete) or is numbers (Box)"
            )
        return TargetSpec(kind="action", names=tuple(str(space.start + number) for number in range(space.n)))
    if isinstance(space, spaces.MultiDiscrete) and len(space.shape) == 1:
        return several_parts(space.nvec.tolist(), space.start.tolist())
    if isinstance(space, spaces.MultiBinary) and isinstance(space.n, int):
        return several_parts([2] * space.n, [0] * space.n)
    if isinstance(space, spaces.Box) and np.issubdtype(space.dtype, np.integer):
        raise DataError(
            f"{name} takes whole numbers in a Box ({space.dtype}), and numbers that are learned are fractions; make its "
            "action_space a MultiDiscrete, or a Box of float32"
        )
    if isinstance(space, spaces.Box) and len(space.shape) <= 1:
        low, high = (np.atleast_1d(bound).astype(np.float64) for bound in (space.low, space.high))
        same = np.flatnonzero(~(high > low))
        if len(same):
            raise DataError(
                f"{name}: action {same[0]} lies between {low[same[0]]:g} and {high[same[0]]:g}, so there is nothing to choose; "
                "mend the environment's action_space"
            )
        bounded = np.isfinite(low) & np.isfinite(high)
        low, high = np.where(bounded, low, -1.0), np.where(bounded, high, 1.0)
        middle, half = (high + low) / 2, (high - low) / 2
        return TargetSpec(
            kind="control",
            names=tuple(f"action {number}" for number in range(len(low))),
            mean=tuple(middle.tolist()),
            std=tuple(half.tolist()),
        )
    raise DataError(
        f"{name} takes actions of {type(space).__name__}; environments with Discrete actions, or a Box, MultiDiscrete or "
        "MultiBinary of one row, are learned: wrap it so that it takes these"
    )


def taken_in_words(target: TargetSpec) -> str:
    """What actions are, for a person; the bounds of each of a few numbers, where they differ.

    >>> taken_in_words(TargetSpec(kind="control", names=("action 0", "action 1"), mean=(1.0, 5.0), std=(2.0, 5.0)))
    'actions of 2 numbers, from -1 to 3 and from 0 to 10'
    """
    many = len(target.names)
    if target.kind == "action":
        first = "" if target.names[0] == "0" else f", {target.names[0]} to {target.names[-1]}"
        return f"{counted(many, 'action', 'actions')}{first}"
    if target.kind == "actions":
        return f"actions of {counted(many, 'part', 'parts')}, of {' x '.join(map(str, target.shape))}"
    bounds = [f"from {low:g} to {high:g}" for low, high in bounds_of(target)]
    numbers = f"actions of {counted(many, 'number', 'numbers')}"
    if len(set(bounds)) == 1:
        return f"{numbers} {bounds[0]}"
    if many <= LISTED:
        return f"{numbers}, {', '.join(bounds[:-1])} and {bounds[-1]}"
    lowest, highest = min(low for low, _ in bounds_of(target)), max(high for _, high in bounds_of(target))
    return f"{numbers} with bounds of their own, between {lowest:g} and {highest:g}"


def bounds_of(target: TargetSpec) -> list[tuple[float, float]]:
    """The least and the greatest of each number of an action."""
    return [(mean - std, mean + std) for mean, std in zip(target.mean, target.std, strict=True)]


def within(sent: TargetSpec, taken: TargetSpec) -> bool:
    """Whether all numbers that a model sends lie in the bounds of an environment's actions."""
    pairs = zip(bounds_of(sent), bounds_of(taken), strict=True)
    return all(
        a >= low - EPSILON * (high - low) and b <= high + EPSILON * (high - low) for (a, b), (low, high) in pairs
    )


def unbounded(space: Any) -> list[str]:
    """A warning of actions in numbers that have no bounds, of which `actions` makes -1 to 1."""
    from gymnasium import spaces

    if not isinstance(space, spaces.Box):
        return []
    without = int((~(np.isfinite(space.low) & np.isfinite(space.high))).sum())
    if not without:
        return []
    which = "" if without == space.low.size else f"{without} of the {space.low.size} entries of "
    return [
        f"{which}action_space {'has' if not which else 'have'} no bounds, so that -1 to 1 is sent there; give it the bounds that "
        "the environment works with"
    ]


def several_parts(sizes: Sequence[int], first: Sequence[int] = (), prefix: str = "") -> TargetSpec:
    """Actions of several parts, of each one of as many as its size. prefix: before the kind of target"""
    return TargetSpec(
        kind=f"{prefix}actions",
        names=tuple(f"action {number}" for number in range(len(sizes))),
        shape=tuple(sizes),
        mean=tuple(float(start) for start in (first or [0] * len(sizes))),
        std=(1.0,) * len(sizes),
    )
