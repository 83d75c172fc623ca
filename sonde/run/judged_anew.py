"""What a resume changes of how a run is evaluated: the best so far is then not to be compared with what comes."""

from collections.abc import Mapping
from typing import Any

from sonde.core.bounds import flag
from sonde.core.config import flat
from sonde.core.config_file import read_config
from sonde.core.findings import Finding
from sonde.core.log_lines import parsed_line
from sonde.engine.training import Training
from sonde.run.job import Attempt
from sonde.run.resume import JUDGED_BY
from sonde.run.telling import tell


def judge_anew(attempt: Attempt, training: Training) -> None:
    """Forget the best evaluation so far, and say so, where one of `JUDGED_BY` is another now than in the folder's config.yaml."""
    before, now = read_config(attempt.folder.config).settings, flat(attempt.config)
    changed = [name for name in JUDGED_BY if name in now and before.get(name) != now[name]]
    if not changed:
        return
    progress = training.progress
    progress.best, progress.improved_at, progress.metrics = None, None, {}
    progress.evaluated_at, progress.since_best, progress.best_passes = -1, 0, progress.passes
    progress.best_s = training.clock.elapsed()
    told = " and ".join(f"{flag(name)} {_typed(now[name])} (before: {_typed(before.get(name))})" for name in changed)
    finding = Finding(
        check="evaluated otherwise",
        name="evaluated-otherwise",
        severity="warning",
        evidence=f"{told} from here on: scores before are of other episodes",
        action="the best checkpoint is chosen among the evaluations to come; compare no score with one of before",
        step=progress.step,
    )
    _withdraw(attempt, changed)
    tell(attempt, [finding])


def _withdraw(attempt: Attempt, changed: list[str]) -> None:
    """Blank the lines of findings.jsonl of what was found before training, is to be mended by what is changed now, and is not
    found again. Their bytes stay, by which checkpoints know how far the file went."""
    again = {finding.name for finding in attempt.job.found}

    def holds(line: Mapping[str, Any]) -> bool:
        action = str(line.get("action"))
        named = any(flag(name) in action.split() for name in changed)
        return not named or line.get("step") is not None or line.get("name") in again

    with attempt.folder.findings.open("r+b") as file:
        place = 0
        for line in file.read().splitlines(keepends=True):
            found = parsed_line(line.rstrip(b"\n"))
            if found is not None and not holds(found):
                file.seek(place)
                file.write(b" " * (len(line) - 1))
            place += len(line)


def _typed(value: object) -> str:
    return "none" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
