"""What is found of a policy by the episodes that judge it."""

from collections.abc import Mapping
from typing import Any

from sonde.acting.evaluation.episodes import Episodes
from sonde.core.config import flat
from sonde.core.files import read_json
from sonde.core.findings import Finding
from sonde.core.seams import abilities_of
from sonde.diagnose.rules.judged_policies import actions_alike, below_its_log
from sonde.report.plain_policies import policies
from sonde.run.job import Attempt
from sonde.tasks.table import spec


def of_policy(attempt: Attempt, split: str, result: Mapping[str, Any]) -> list[Finding]:
    """Nothing of a run that does not act."""
    assembly = attempt.assembly
    source = assembly.evaluation_sources.get(split)
    if not isinstance(source, Episodes) or assembly.dataset is None or assembly.dataset.schema.target is None:
        return []
    file = attempt.folder.evaluation / split / "episodes.json"
    episodes = len(read_json(file)["return"]) if file.exists() else 0
    return [*_alike(attempt, split, source, result), *below_its_log(result, split, episodes)]


def with_memory(attempt: Attempt) -> str:
    """The settings by which a policy of the same observations remembers what was shown earlier; "" where this one does, or there
    are none."""
    assembly = attempt.assembly
    acting, dataset = abilities_of(assembly.task).acting, assembly.dataset
    if acting is None or acting.memory is not None or dataset is None or dataset.schema.input.has_planes:
        return ""
    return spec(assembly.config.task).remembers


def _alike(attempt: Attempt, split: str, source: Episodes, result: Mapping[str, Any]) -> list[Finding]:
    """Not where there is nothing to tell apart, which is found too, nor where the baseline has each action alone."""
    target = attempt.assembly.dataset.schema.target  # type: ignore[union-attr]
    file = attempt.folder.evaluation / split / "baseline.json"
    tried = policies({"baseline": read_json(file)}) if file.exists() else []
    alone = not target.std and any(each.what.startswith("always ") for each in tried)
    if alone or (result.get("experience") or {}).get("observations_alike") == 1:
        return []
    kept = split == "validation" and attempt.meter_of_kept(attempt.steps) is not None
    taken = attempt.best_taken if kept else source.taken
    unscaled = flat(attempt.config.task_config).get("scale_observations") is False
    half = target.std if target.kind.endswith("control") else ()
    return actions_alike(list(taken.values()), half, steps=result.get("steps", 0), unscaled=unscaled)
