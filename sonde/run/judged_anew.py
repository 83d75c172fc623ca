"""What a resume changes of how a run is evaluated: the best so far is then not to be compared with what comes, and what was found
of evaluations is mended, or is found again."""

from collections.abc import Collection, Mapping
from typing import Any

from sonde.core.bounds import flag
from sonde.core.config import flat
from sonde.core.config_file import read_config
from sonde.core.findings import Finding
from sonde.engine.training import Progress, Training
from sonde.run.job import Attempt
from sonde.run.resume import JUDGED_BY
from sonde.run.telling import tell, withdraw

LIMIT = "time_limit"
OF_LIMIT = frozenset(
    {"nothing-evaluated", "partial-evaluation", "time-limit"}
)  # what a limit that has changed cut short


def judge_anew(attempt: Attempt, training: Training) -> None:
    """Forget the best evaluation so far, and say so, where one of `JUDGED_BY` is another now than in the folder's config.yaml.

    What was found of settings that are others now is withdrawn.
    """
    before, now = read_config(attempt.folder.config).settings, flat(attempt.config)
    other = [name for name in (*JUDGED_BY, LIMIT) if name in now and before.get(name) != now[name]]
    changed, progress = [name for name in other if name != LIMIT], training.progress
    if changed:
        progress.best, progress.improved_at, progress.metrics = None, None, {}
        progress.evaluated_at, progress.since_best, progress.best_passes = -1, 0, progress.passes
        progress.best_s = training.clock.elapsed()
    _withdraw(attempt, other, progress)
    if not changed:
        return
    told = " and ".join(f"{flag(name)} {_typed(now[name])} (before: {_typed(before.get(name))})" for name in changed)
    finding = Finding(
        check="evaluated otherwise",
        name="evaluated-otherwise",
        severity="warning",
        evidence=f"{told} from here on: scores before are of other episodes",
        action="the best checkpoint is chosen among the evaluations to come; compare no score with one of before",
        step=progress.step,
    )
    tell(attempt, [finding])


def _withdraw(attempt: Attempt, changed: Collection[str], progress: Progress) -> None:
    """Take back what is to be mended by what is changed now, and is not found again: what still holds, the run finds anew.

    Of the limit only what it cut short; an evaluation in part whose checkpoint is still the best is kept.
    """
    again = {finding.name for finding in attempt.job.found}
    best = None if progress.best is None else progress.best["step"]

    def gone(line: Mapping[str, Any]) -> bool:
        name, words = line.get("name"), {word.strip("(),;:.") for word in str(line.get("action")).split()}
        judged = any(flag(each) in words for each in changed if each != LIMIT)
        cut = LIMIT in changed and name in OF_LIMIT and not (name == "partial-evaluation" and line.get("step") == best)
        return (judged or cut) and name not in again

    if changed:
        withdraw(attempt.folder.findings, gone)


def _typed(value: object) -> str:
    return "none" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
