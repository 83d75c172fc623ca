"""Cross-validation: a run for each part of the rows, evaluated on that part, and their mean metrics."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any

from sonde.core.bounds import flag
from sonde.core.errors import ConfigError, DataError, Interrupted, RunFolderError, SondeError
from sonde.core.files import read_json
from sonde.core.findings import Finding
from sonde.core.run_folder import RunFolder
from sonde.core.run_state import FAILED
from sonde.core.units import count, duration, metric, metric_name
from sonde.engine.json_lines import JsonLinesLog, read_lines
from sonde.run.ending import in_words
from sonde.run.errors import words_to_go_on
from sonde.run.job import Attempt, Job
from sonde.run.report import write_report

SHARED = ("status", "task", "model", "parameters", "objective", "headline")  # what is the same in every fold's result


@contextmanager
def fold_of(attempt: Attempt, number: int) -> Iterator[Job]:
    """The job of one fold, to be carried out in the body; its metrics are printed. A fold that is done already is kept.

    Raises: Interrupted saying how to resume; what fails otherwise as it is, with the fold and what is kept added
    """
    fold, folds, folder = attempt.job.fold, attempt.config.data.folds, attempt.folder
    assert fold is not None
    try:
        yield fold(folder, number)
    except Interrupted as stop:
        with suppress(OSError, RunFolderError):  # of a full disk
            write_report(folder.path)
        again = words_to_go_on(folder, attempt.config)
        raise Interrupted(
            f"stopped in fold {number} of {folds}; resume with: {again}", signal_number=stop.signal_number
        ) from None
    except Exception as trouble:
        refused = isinstance(trouble, ConfigError | DataError | RunFolderError)
        if number == 1 and attempt.before is not None and refused:  # a refused resume leaves the folder as it was
            folder.config.write_bytes(attempt.before)
        elif number == 1 and attempt.before is None and not _place(folder, number).path.exists():
            folder.abandon()  # nothing was done yet
        elif not isinstance(trouble, RunFolderError):  # which names the folder and the remedy itself
            _tell_failed(attempt, number, trouble)
        raise
    place = _place(folder, number)
    attempt.findings += [Finding(**line) for line in read_lines(place.findings)] if place.findings.exists() else []
    attempt.job.screen.say(_line(number, folds, read_json(place.result), read_json(place.data)))


def _tell_failed(attempt: Attempt, number: int, trouble: Exception) -> None:
    """Say which fold failed: in the error, the report, and the folder, since a fold that fails before a step leaves none."""
    folder, folds, why = attempt.folder, attempt.config.data.folds, in_words(trouble)
    with suppress(OSError, RunFolderError):  # of a full disk
        details = {"why": why, "fold": number}
        with closing(JsonLinesLog(folder.metrics)) as log:
            log.write({"kind": "event", "step": 0, "event": FAILED, "details": details})
        write_report(folder.path)
    done = sum(_place(folder, each).result.exists() for each in range(1, number))
    kept = ("", "; fold 1 is kept", f"; folds 1 to {done} are kept")[min(done, 2)]
    if isinstance(trouble, SondeError):  # whose message is all that is shown, and says what to do
        trouble.args = (f"fold {number} of {folds}: {trouble}{kept}",)
        return
    again = words_to_go_on(folder, attempt.config)
    if ".py:" in attempt.config.model:  # of which a changed one is refused: what is kept was trained with it as it was
        again += f" (with {attempt.config.model.partition(':')[0]} as it is; a changed one needs another {flag('out')})"
    trouble.add_note(f"fold {number} of {folds} failed: {why}{kept}; resume with: {again}")


def summed_up(attempt: Attempt) -> dict[str, Any]:
    """result.json of all folds together."""
    numbers = range(1, attempt.config.data.folds + 1)
    attempt.folder.metrics.unlink(missing_ok=True)  # which says that a fold failed, in an earlier sitting
    return summary([read_json(_place(attempt.folder, number).result) for number in numbers])


def _place(folder: RunFolder, number: int) -> RunFolder:
    return RunFolder(folder.path / f"fold-{number}")


def summary(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """result.json of them all: the mean of each metric over the folds, and beside it the standard deviation and the range."""
    first = results[0]
    splits = [split for split in first["metrics"] if split != "train"]
    metrics, spread = {}, {}
    for split in splits:
        found = {name: [result["metrics"][split].get(name) for result in results] for name in first["metrics"][split]}
        there = {name: values for name, values in found.items() if all(value is not None for value in values)}
        metrics[split] = {name: statistics.fmean(values) for name, values in there.items()}
        spread[split] = {
            name: {"deviation": statistics.stdev(values), "lowest": min(values), "highest": max(values)}
            for name, values in there.items()
        }
    seconds = {part: sum(result["seconds"].get(part, 0.0) for result in results) for part in first["seconds"]}
    return {
        **{name: first.get(name) for name in SHARED},
        "folds": len(results),
        "steps": sum(result["steps"] for result in results),
        "metrics": metrics,
        "spread": spread,
        "fold_metrics": [{split: result["metrics"][split] for split in splits} for result in results],
        "best": {},
        "seconds": {part: round(value, 3) for part, value in seconds.items()},
        "plan": first.get("plan"),
        "baseline": _baseline(results),
    }


def _baseline(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The mean of the folds' baselines, where each has one."""
    first = results[0].get("baseline") or {}
    numbers = [name for name, value in first.items() if isinstance(value, int | float)]
    shared = [name for name in numbers if all(name in (result.get("baseline") or {}) for result in results)]
    means = {name: statistics.fmean(result["baseline"][name] for result in results) for name in shared}
    return {**means, "what": first["what"]} if means else {}


def _line(number: int, folds: int, result: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """ "fold 3 of 10: 90.91 % test accuracy, 11 rows, 4.2 s"."""
    split = next(reversed(result["metrics"]))
    name = result["headline"]
    score = f"{metric(name, result['metrics'][split].get(name))} {split} {metric_name(name)}"
    rows = data["splits"].get(split, 0)
    return f"fold {number} of {folds}: {score}, {count(rows)} rows, {duration(result['seconds']['total'])}"
