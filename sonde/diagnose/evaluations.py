"""Checks of a run's evaluations, at its end."""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sonde.core.bounds import flag
from sonde.core.findings import Finding


def never_finite(
    lines: Sequence[Mapping[str, Any]],
    objective: str | None,
    batch_means: Collection[str] | None = None,
    few: tuple[int, int] | None = None,
) -> list[Finding]:
    """Metrics that were NaN or infinite in every evaluation: those of one cause are one finding.

    lines:     of metrics.jsonl, whose numbers are None where they are not finite
    objective: the metric that was to choose the best checkpoint and could not; None where one was chosen
    batch_means: metrics that are means over batches, of which one may not suffice for them; None of tasks whose loss cannot
               choose
    few:       (validation rows, how many the metrics need) where those are fewer
    """
    scores = [line["metrics"] for line in lines if line.get("kind") == "evaluation"]
    if not scores:
        return []
    broken = [name for name in scores[0] if all(_broken(each[name]) for each in scores if name in each)]
    often = f"in all {len(scores)} evaluations" if len(scores) > 1 else "in the only evaluation"
    parts = [[name for name in broken if (name in (batch_means or ())) is part] for part in (False, True)]
    loss = batch_means is not None and "loss" not in broken
    return [
        _finding(names, often, chooses=objective if objective in names else None, part=part, loss=loss, few=few)
        for names, part in zip(parts, (False, True), strict=True)
        if names
    ]


def sometimes_finite(lines: Sequence[Mapping[str, Any]], chose: str | None) -> list[Finding]:
    """Metrics that were NaN or infinite in some evaluations, and numbers in others.

    lines: of metrics.jsonl;  chose: the metric that chose the best checkpoint, which such evaluations had no part in
    """
    done = [line for line in lines if line.get("kind") == "evaluation"]
    found = []
    for name in done[0]["metrics"] if done else ():
        there = [line for line in done if name in line["metrics"]]  # an opponent may be met in some alone
        steps = [line["step"] for line in there if _broken(line["metrics"][name])]
        if steps and len(steps) < len(there):
            apart = "; these were ignored when choosing the best checkpoint" if name == chose else ""
            found.append(
                Finding(
                    check="metric not always finite",
                    name="metric-not-always-finite",
                    severity="warning",
                    evidence=f"metric {name!r} was NaN or infinite in {len(steps)} of {len(there)} evaluations{apart}",
                    action="it is not defined on what the network predicted then (one class only, a division by zero?)",
                    step=steps[0],
                )
            )
    return found


def _broken(value: Any) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def _finding(
    names: Sequence[str], often: str, *, chooses: str | None, part: bool, loss: bool, few: tuple[int, int] | None
) -> Finding:
    """loss: whether that can choose the best checkpoint instead"""
    listed = ", ".join(map(repr, names))
    it = "it" if len(names) == 1 else repr(chooses)
    kept = "" if chooses is None else f", so {it} could not choose the best checkpoint: the last weights are kept"
    were = f"metrics {listed} were" if len(names) > 1 else f"metric {listed} was"
    they = "they are" if len(names) > 1 else "it is"
    why, action = "", f"{they} not defined on these rows (one class only, a division by zero?)"
    if part:
        action = (
            f"{they} perhaps not defined on single batches: sonde.Metric(function, whole=True) computes it on all rows"
        )
    elif few is not None:
        rows, least = few
        why = f": {rows:,} validation {'row is' if rows == 1 else 'rows are'} too few to compare, {least} are needed"
        action = f"add rows, or hold back more of them ({flag('validation')}), so that {least} are validation rows"
    if chooses is not None and loss:
        action += f"; {flag('monitor')} loss lets the loss choose"
    return Finding(
        check="metric never finite",
        name="metric-never-finite",
        severity="warning",
        evidence=f"{were} NaN or infinite {often}{why}{kept}",
        action=action,
    )
