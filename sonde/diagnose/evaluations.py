"""Checks of a run's evaluations, at its end."""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sonde.core.findings import Finding


def never_finite(
    lines: Sequence[Mapping[str, Any]], objective: str | None, batch_means: Collection[str] = ()
) -> list[Finding]:
    """Metrics that were NaN or infinite in every evaluation.

    lines:     of metrics.jsonl, whose numbers are None where they are not finite
    objective: the metric that was to choose the best checkpoint and could not; None where one was chosen
    batch_means: metrics that are means over batches, of which one may not suffice for them
    """
    scores = [line["metrics"] for line in lines if line.get("kind") == "evaluation"]
    if not scores:
        return []
    broken = [name for name in scores[0] if all(_broken(each.get(name)) for each in scores)]
    often = f"in all {len(scores)} evaluations" if len(scores) > 1 else "in the only evaluation"
    return [_finding(name, often, chooses=name == objective, part=name in batch_means) for name in broken]


def sometimes_finite(lines: Sequence[Mapping[str, Any]], chose: str | None) -> list[Finding]:
    """Metrics that were NaN or infinite in some evaluations, and numbers in others.

    lines: of metrics.jsonl;  chose: the metric that chose the best checkpoint, which such evaluations had no part in
    """
    done = [line for line in lines if line.get("kind") == "evaluation"]
    found = []
    for name in done[0]["metrics"] if done else ():
        steps = [line["step"] for line in done if _broken(line["metrics"].get(name))]
        if steps and len(steps) < len(done):
            apart = "; these were ignored when choosing the best checkpoint" if name == chose else ""
            found.append(
                Finding(
                    check="metric not always finite",
                    name="metric-not-always-finite",
                    severity="warning",
                    evidence=f"metric {name!r} was NaN or infinite in {len(steps)} of {len(done)} evaluations{apart}",
                    action="it is not defined on what the network predicted then (one class only, a division by zero?)",
                    step=steps[0],
                )
            )
    return found


def _broken(value: Any) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def _finding(name: str, often: str, *, chooses: bool, part: bool) -> Finding:
    kept = ", so it could not choose the best checkpoint: the last weights are kept" if chooses else ""
    action = "it is not defined on these rows (one class only, a division by zero?)"
    if part:
        action = "it may not be defined on single batches: sonde.Metric(function, whole=True) computes it on all rows"
    return Finding(
        check="metric never finite",
        name="metric-never-finite",
        severity="warning",
        evidence=f"metric {name!r} was NaN or infinite {often}{kept}",
        action=f"{action}; monitor='loss' lets the loss choose" if chooses else action,
    )
