"""What is doubtful about numbers of a log: actions beyond their bounds, and whole numbers that may be choices."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sonde.core.dataset import TargetSpec
from sonde.core.spaces import beyond
from sonde.core.units import counted
from sonde.modalities.environment.spaces import bounds_of

NAMED = 3  # actions that are told one by one


def beyond_bounds(actions: np.ndarray, target: TargetSpec) -> list[str]:
    """A warning of logged numbers that the environment does not take, (n, numbers) or (n,) of one of several."""
    if actions.ndim == 1:
        return []
    low, high = (np.asarray(each) for each in zip(*bounds_of(target), strict=True))
    outside = beyond(actions, (low, high))
    if not outside.any():
        return []
    wrong = np.flatnonzero(outside.any(0))
    told = [
        f"{target.names[at]} in {int(outside[:, at].sum()):,} of {len(actions):,} steps (logged from {actions[:, at].min():.4g} "
        f"to {actions[:, at].max():.4g}, taken from {low[at]:.4g} to {high[at]:.4g})"
        for at in wrong[:NAMED]
    ]
    more = f" and {counted(len(wrong) - NAMED, 'more', 'more')}" if len(wrong) > NAMED else ""
    return [
        f"logged actions lie outside the action space, where a policy is cut to its bounds: {', '.join(told)}{more}; log actions "
        "as the environment takes them, not rescaled"
    ]


def read_as_numbers(found: Mapping[str, Any]) -> list[str]:
    """Warnings of a log of which no environment is known: whole numbers that may each stand for one of several."""
    warnings = []
    seen = found["observations"]
    parts = seen if isinstance(seen, Mapping) else {"": seen}
    whole = [path for path, each in parts.items() if _is_whole(np.asarray(each))]
    if whole:
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
