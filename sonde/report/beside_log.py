"""How a policy that learned from what others did stands beside what these returned."""

import math
from collections.abc import Mapping

from sonde.core.damaged import DAMAGE
from sonde.core.units import count, metric
from sonde.report.folder import Reading

SURE = 2.0  # standard errors of a difference of two means
FEWEST = 3  # episodes of either side, below which chance is not known


def beside_log(run: Reading, name: str, value: float, split: str, episodes: int | None) -> tuple[str, bool]:
    """(what those of the log returned beside it, whether that is more beyond chance); "" where no log is known.

    value: of the metric, on so many episodes of a split
    """
    try:
        held = (run.result.get("references") or {}).get(name)
        if not isinstance(held, Mapping):
            return "", False
        mean, std, of = float(held["value"]), float(held["std"]), int(held["count"])
        own = (run.result.get("metrics") or {}).get(split, {}).get(f"{name}_std")
        what = str(held["what"])[:60]
    except DAMAGE:
        return "", False
    told = f"{what} {metric(name, mean)} on average over {count(of)}"
    if own is None or episodes is None or min(of, episodes) < FEWEST:
        return told, False
    error = SURE * math.sqrt(std**2 / of + float(own) ** 2 / episodes)
    if value < mean - error:
        return f"{told}, which is more", True
    return told + (", which is less" if value > mean + error else ": no difference beyond chance"), False
