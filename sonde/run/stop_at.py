"""Whether a run became as good as `--stop-at` asked for."""

import math
from pathlib import Path
from typing import Any

from sonde.engine.early_stop import Target
from sonde.engine.json_lines import read_lines
from sonde.engine.training import Progress


def reached(metrics: Path, progress: Progress, target: Target | None) -> dict[str, Any]:
    """What result.json says of it: `reached` or `not_reached`; nothing where it was not asked for or never evaluated.

    metrics: metrics.jsonl;  target: the metric and the value that were to be reached
    """
    lines = [] if target is None else [line for line in read_lines(metrics) if line["kind"] == "evaluation"]
    if target is None or not lines or math.isinf(target.value):  # nothing reaches what no value is better than
        return {}
    name, wanted = target.objective.metric, target.value
    if progress.ended_by == "stop_at":
        seconds = lines[-1].get("elapsed")
        return {"reached": {"metric": name, "value": progress.metrics[name], "wanted": wanted, "seconds": seconds}}
    values = [value for line in lines if (value := line["metrics"].get(name)) is not None]
    best = (max if target.objective.mode == "max" else min)(values, default=None)
    return {"not_reached": {"metric": name, "best": best, "wanted": wanted, "evaluations": len(lines)}}
