"""Whether made clips move as real ones do: each measure beside that of one half of the real rows and the other."""

from typing import Any

import numpy as np
import torch

from sonde.metrics.motion import apart, speeds, time_order, told_from_shuffled, unsteadiness

FEWEST = 20  # clips on either side

# M clips on either side


def motion(samples: np.ndarray, half: np.ndarray, other: np.ndarray) -> list[dict[str, Any]]:
    """Entries of sample_quality.json, of clips (M, T, H, W) or (M, T, H, W, C); `half` and `other` are real ones."""
    made, one, two = (torch.from_numpy(np.ascontiguousarray(each)) for each in (samples, half, other))
    frames = made.shape[1]
    found: list[dict[str, Any]] = []
    if frames > 1:
        found.append(_distance("speed_distance", speeds(made), speeds(one), speeds(two)))
        order = {"value": float(time_order(made).mean()), "real": float(time_order(one).mean())}
        found.append({"name": "time_order", "better": "as real", **order})
        told = {"value": told_from_shuffled(made), "real": told_from_shuffled(one)}
        found.append({"name": "told_from_shuffled", "better": "as real", **told})
    if frames > 2:
        found.insert(1, _distance("unsteadiness_distance", unsteadiness(made), unsteadiness(one), unsteadiness(two)))
    return found


def _distance(name: str, made: torch.Tensor, half: torch.Tensor, other: torch.Tensor) -> dict[str, Any]:
    return {"name": name, "better": "lower", "value": apart(made, half), "real": apart(other, half)}
