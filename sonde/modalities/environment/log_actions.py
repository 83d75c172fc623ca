"""What is doubtful about numbers of a log: those beyond the bounds of their space, and whole numbers that may be choices."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sonde.core.dataset import TargetSpec
from sonde.core.errors import DataError
from sonde.core.spaces import Space, beyond
from sonde.modalities.environment.spaces import bounds_of

NAMED = 3  # actions that are told one by one


def beyond_bounds(actions: np.ndarray, target: TargetSpec) -> list[str]:
    """A warning of logged numbers that the environment does not take, (n, numbers); of one of several, whole numbers, nothing."""
    if actions.dtype.kind != "f":
        return []
    low, high = (np.asarray(each) for each in zip(*bounds_of(target), strict=True))
    told = _told(actions, low, high, target.names, "taken")
    if not told:
        return []
    return [
        f"logged actions lie outside the action space, where a policy is cut to its bounds: {told}; log actions as the "
        "environment takes them, not rescaled"
    ]


def as_target(actions: np.ndarray, target: TargetSpec, place: str) -> np.ndarray:
    """The actions of a log as its target has them: one of several, of several parts too, counted from 0; numbers as they are.

    Raises: DataError where they are of another environment
    """
    parts = {"action": 1, "actions": len(target.names), "control": len(target.names)}
    kind = target.kind.rpartition("-")[2]
    chosen, shape = actions.dtype.kind != "f", (1,) if actions.ndim == 1 else actions.shape[1:]
    if (chosen, actions.ndim == 1, shape) != (kind != "control", kind == "action", (parts[kind],)):
        remedy = "take the log of another"
        if kind == "action" and shape == (len(target.names),):
            remedy = f"log the number of the action, {target.names[0]} to {target.names[-1]}, and no 0 or 1 for each"
        needed = "one of several actions" if kind == "action" else _of_several(kind != "control", parts[kind])
        held = "one of several actions" if actions.ndim == 1 else f"actions of {_of_several(chosen, shape[0])}"
        raise DataError(f"{place} has {held} a step, and {needed} a step are needed; {remedy}")
    if kind == "control":
        return actions
    first = np.array([int(target.names[0])] if kind == "action" else target.mean, np.int64)
    sizes = np.array([len(target.names)] if kind == "action" else target.shape)
    told = actions.reshape(len(actions), -1)
    outside = (told < first) | (told >= first + sizes)
    if outside.any():
        row, part = np.argwhere(outside)[0].tolist()
        which = f" as its {target.names[part]}" if kind == "actions" else ""
        raise DataError(
            f"{place} has action {told[row, part]} in row {row:,}{which}; there are {first[part]} to "
            f"{first[part] + sizes[part] - 1}; take the log of another, or leave such episodes out"
        )
    return actions - (first[0] if kind == "action" else first)


def _of_several(chosen: bool, number: int) -> str:
    return f"{number} {'parts' if chosen else 'numbers'}"


def beyond_space(observations: np.ndarray, space: Space | None) -> list[str]:
    """A warning of logged observations, (n, …), that the environment does not show."""
    bounds = None if space is None or space.is_pixels or space.kind == "other" else space.bounds
    if bounds is None:
        return []
    rows = observations.reshape(len(observations), -1)
    told = _told(rows, *bounds, [f"entry {number}" for number in range(rows.shape[1])], "shown")
    said = f"logged observations lie outside the observation space: {told}; log them as the environment shows them"
    return [said] if told else []


def _told(values: np.ndarray, low: np.ndarray, high: np.ndarray, names: Sequence[str], word: str) -> str:
    """Which numbers lie outside their bounds, and in how many steps; "" where none do."""
    outside = beyond(values, (low, high))
    wrong = np.flatnonzero(outside.any(0))
    told = [
        f"{names[at]} in {int(outside[:, at].sum()):,} of {len(values):,} steps (logged from {values[:, at].min():.4g} to "
        f"{values[:, at].max():.4g}, {word} from {low[at]:.4g} to {high[at]:.4g})"
        for at in wrong[:NAMED]
    ]
    return ", ".join(told) + (f" and {len(wrong) - NAMED} more" if len(wrong) > NAMED else "")


def read_as_numbers(found: Mapping[str, Any], *, told: bool = False) -> list[str]:
    """Warnings of a log of which no environment is known: whole numbers that may each stand for one of several.

    told: whether the log says which of its observations do
    """
    warnings = []
    seen = found["observations"]
    parts = seen if isinstance(seen, Mapping) else {"": seen}
    whole = [path for path, each in parts.items() if _is_whole(np.asarray(each))]
    if whole and not told:
        which = ", ".join(f"observations.{path}" if path else "observations" for path in whole[:NAMED])
        warnings.append(
            f"{which}: whole numbers, read as numbers; where they stand for one of several (Discrete, MultiDiscrete), name the "
            "environment (--environment), which encodes them, or log a column of 0 and 1 for each"
        )
    actions = np.asarray(found["actions"])
    if actions.dtype.kind in "iu" and actions.ndim == 2 and actions.shape[1] > 1:
        warnings.append(
            f"actions: rows of {actions.shape[1]} whole numbers, learned as parts that are each one of several; where they are "
            "numbers, store them as floats"
        )
    single = actions.ndim == 1 or actions.shape[1:] == (1,)
    if single and actions.dtype.kind == "f" and len(np.unique(actions)) > 1 and (actions == np.rint(actions)).all():
        warnings.append(
            f"actions: floats that are all whole, from {actions.min():g} to {actions.max():g}, learned as numbers; where they "
            "stand for one of several, store them as integers"
        )
    return warnings


def _is_whole(values: np.ndarray) -> bool:
    """Integers with more than 0 and 1 among them; no pixels."""
    return values.dtype.kind in "iu" and values.ndim <= 2 and bool((values > 1).any())
