"""The numbers of result.json that a tracker lists runs by."""

import re
from collections.abc import Mapping
from typing import Any


def final_metrics(result: Mapping[str, Any]) -> dict[str, float]:
    """final/<split>/<metric> for every number, and how many steps were trained.

    >>> final_metrics({"metrics": {"test": {"accuracy": 0.5, "table": None}}, "steps": 3})
    {'final/test/accuracy': 0.5, 'final/steps': 3.0}
    """
    found = {
        f"final/{split}/{name}": float(value)
        for split, metrics in (result.get("metrics") or {}).items()
        for name, value in metrics.items()
        if isinstance(value, int | float)
    }
    return {**found, "final/steps": float(result.get("steps") or 0)}


def key(name: str) -> str:
    """A name with nothing in it that MLflow refuses.

    >>> key("validation/recall of 'a+b'")
    'validation/recall of _a_b_'
    """
    return re.sub(r"[^\w\-. :/]", "_", name)
