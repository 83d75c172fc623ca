"""Phases and stages that leave something untrained: one that never falls due, and best weights from before a stage."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from sonde.core.findings import Finding
from sonde.core.seams import Phase, parameters_of
from sonde.core.units import ordinal
from sonde.engine.stages import Stages


def never_due(phases: Sequence[Phase], stages: Stages, *, total: int) -> list[Finding]:
    """Phases with `every` that have no step in a run of `total` steps."""
    found = []
    for phase in phases:
        first, last = (
            (1, total) if phase.stage is None else stages.bounds(stages.stages.index(phase.stage), total=total)
        )
        if last // phase.every > (first - 1) // phase.every:
            continue
        where = "the run" if phase.stage is None else f"stage {phase.stage.name!r}"
        found.append(
            Finding(
                check="phase that never runs",
                name="phase-that-never-runs",
                severity="warning",
                evidence=f"phase {phase.name!r} runs on every {ordinal(phase.every)} step, and {where} has the steps {first:,} "
                f"to {last:,}: it is never trained",
                action="lower every, or train for longer",
            )
        )
    return found


def best_before(
    phases: Sequence[Phase], stages: Stages, modules: nn.Module, best: Mapping[str, Any] | None
) -> list[Finding]:
    """That the best checkpoint is older than a stage that trains what was untrained until then.

    best: "step", and "metric", which chose it; None where nothing did
    """
    if best is None or best.get("metric") is None or not stages.stages:
        return []
    at = stages.at(best["step"])[0]
    names = {id(weight): name for name, weight in modules.named_parameters()}
    early: set[int] = set()
    late: dict[int, str] = {}
    for phase in phases:
        number = 0 if phase.stage is None else stages.stages.index(phase.stage)
        held = {id(weight) for trained in phase.trains for weight in parameters_of(trained)}
        if number <= at:
            early |= held
        else:
            late |= dict.fromkeys(held, stages.stages[number].name)
    left = {key: stage for key, stage in late.items() if key not in early}
    if not left:
        return []
    parts = list(dict.fromkeys(names.get(key, "?").split(".")[0] for key in left))
    later = list(dict.fromkeys(left.values()))
    return [
        Finding(
            check="best before a stage",
            name="best-before-a-stage",
            severity="warning",
            evidence=f"the best {best['metric']} was reached at step {best['step']:,}, in stage "
            f"{stages.stages[at].name!r}: in the weights that are kept {', '.join(parts)}, which only "
            f"{' and '.join(map(repr, later))} trains, is still as initialised",
            action="choose by a metric of the last stage, or objective=None to keep the last weights (checkpoints/ holds them)",
        )
    ]
