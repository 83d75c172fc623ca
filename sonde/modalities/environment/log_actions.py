"""What is doubtful about numbers of a log: those beyond the bounds of their space, and whole numbers that may be choices."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sonde.core.dataset import TargetSpec
from sonde.core.spaces import Space, beyond
from sonde.modalities.environment.spaces import bounds_of

NAMED = 3  # actions that are told one by one


def beyond_bounds(actions: np.ndarray, target: TargetSpec) -> list[str]:
    """A warning of logged numbers that the environment does not take, (n, numbers) or (n,) of one of several."""
    if actions.ndim == 1:
        return []
    low, high = (np.asarray(each) for each in zip(*bounds_of(target), strict=True))
    told = _told(actions, low, high, target.names, "taken")
    if not told:
        return []
    return [
        f"logged actions lie outside the action space, where a policy is cut to its bounds: {told}; log actions as the "
        "environment takes them, not rescaled"
    ]


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
