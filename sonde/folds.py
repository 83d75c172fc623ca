"""Cross-validation: one run for each part of the rows, judged on that part, and what they reach together."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sonde.core.asked import Asked
from sonde.core.config import TrainConfig, flat
from sonde.core.config_file import SavedConfig, read_config, write_config
from sonde.core.dataset import Dataset, Fact
from sonde.core.errors import ConfigError, Interrupted
from sonde.core.files import read_json, write_json
from sonde.core.run_folder import RunFolder, fresh_path
from sonde.core.units import count, duration, metric, metric_name
from sonde.engine.journal import read_lines
from sonde.recipes.resolve import Resolved
from sonde.report.page import write_report
from sonde.resuming import begin_in, same_settings
from sonde.run import Run
from sonde.screen.screen import Screen

TrainOne = Callable[[Asked, Screen], Run]
"""Trains as asked, or goes on with a run that is there already."""

SHARED = ("status", "task", "model", "parameters", "objective", "headline")  # what is the same in every fold's result


@dataclass(frozen=True, kw_only=True)
class Folds:
    """What was found out for the first fold, and how each is trained."""

    dataset: Dataset
    resolved: Resolved
    train: TrainOne


def wants_folds(asked: Asked) -> bool:
    """Whether every part is to be judged in turn, and not one of them."""
    return bool(asked.values.get("folds")) and not asked.values.get("fold")


def one_fold(asked: Asked, number: int) -> Asked:
    """The same with the part `number` (1-based) judged."""
    return with_values(asked, fold=number)


def with_values(asked: Asked, **values: Any) -> Asked:
    """The same with some settings typed."""
    origin = {**asked.origin, **dict.fromkeys(values, "typed")}
    return replace(asked, values={**asked.values, **values}, origin=origin)


def asked_of(saved: SavedConfig, folder: RunFolder, overrides: Mapping[str, Any]) -> Asked:
    """What was asked of a cross-validation that is to go on."""
    said = {name: tuple(value) if isinstance(value, list) else value for name, value in saved.asked().items()}
    own: dict[str, Any] = {name: said.pop(name, None) for name in ("model", "task", "fold", "fresh")}
    asked = Asked(values=said, origin=dict.fromkeys(said, "typed"), model=own["model"], task=own["task"])
    return with_values(asked, **overrides, out=str(folder.path))


def cross_validate(asked: Asked, folds: Folds, screen: Screen) -> Run:
    """Train once for each part, in folders fold-1, fold-2, … of one run folder, and sum up. Folds that are done stay.

    Raises: Interrupted saying how to go on; RunFolderError for a folder that holds another run
    """
    config = _of_all(folds.resolved.config)
    out = config.place.out
    folder = RunFolder(Path(out) if out else fresh_path(folds.dataset.name, Path(config.model).name))
    with folder.claimed():
        if begin_in(folder, fresh=config.place.fresh) == "new":
            _write_start(folder, config, folds)
        else:
            same_settings(folder, config)
        screen.folder(folder.path)
        results = []
        for number in range(1, config.data.folds + 1):
            place = folder.path / f"fold-{number}"
            try:
                run = folds.train(with_values(one_fold(asked, number), out=str(place)), Screen(quiet=True))
            except ConfigError:
                if number == 1 and not place.exists():  # refused before its first step
                    folder.abandon()
                raise
            except Interrupted as stop:
                raise Interrupted(
                    f"stopped in fold {number} of {config.data.folds}; go on with: sonde resume {folder.path}",
                    signal_number=stop.signal_number,
                ) from None
            results.append(run.result)
            screen.say(_line(number, config.data.folds, run.result, read_json(place / "data.json")))
        result = summary(results)
        write_json(folder.result, result)
        write_report(folder.path)
    screen.result(result)
    screen.findings(_findings(folder, config.data.folds))
    screen.next([f"open {folder.path}/fold-1/report.html", "train on all rows: the same without --folds"])
    return Run(folder)


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
    """The mean of what ignoring the input reaches, where each fold knows it."""
    first = results[0].get("baseline") or {}
    numbers = [name for name, value in first.items() if isinstance(value, int | float)]
    shared = [name for name in numbers if all(name in (result.get("baseline") or {}) for result in results)]
    means = {name: statistics.fmean(result["baseline"][name] for result in results) for name in shared}
    return {**means, "what": first["what"]} if means else {}


def _of_all(config: TrainConfig) -> TrainConfig:
    return replace(config, data=replace(config.data, fold=0))


def _write_start(folder: RunFolder, config: TrainConfig, folds: Folds) -> None:
    dataset, resolved = folds.dataset, folds.resolved
    write_config(
        folder.config,
        data=dataset.source,
        settings={"model": config.model, "task": config.task, **flat(config)},
        origin=dict(resolved.origin),
        reasons=dict(resolved.reasons),
    )
    cut = Fact(f"cut into {config.data.folds} parts, each judged once", "--folds; what stands here is the first's")
    write_json(
        folder.data,
        {
            "source": dataset.source,
            "form": dataset.form,
            "facts": [{"what": fact.what, "why": fact.why} for fact in (*dataset.facts, cut)],
            "warnings": list(dataset.warnings),
            "splits": {name: len(rows) for name, rows in dataset.splits.items()},
            "fingerprint": dict(dataset.fingerprint),
        },
    )


def _line(number: int, folds: int, result: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """ "fold 3 of 10: 90.91 % test accuracy, 11 rows, 4.2 s"."""
    split = next(reversed(result["metrics"]))
    name = result["headline"]
    score = f"{metric(name, result['metrics'][split].get(name))} {split} {metric_name(name)}"
    rows = data["splits"].get(split, 0)
    return f"fold {number} of {folds}: {score}, {count(rows)} rows, {duration(result['seconds']['total'])}"


def _findings(folder: RunFolder, folds: int) -> list[dict[str, Any]]:
    places = [RunFolder(folder.path / f"fold-{number}").findings for number in range(1, folds + 1)]
    return [line for place in places if place.exists() for line in read_lines(place)]


def is_folded(folder: RunFolder) -> bool:
    """Whether a run folder is of a whole cross-validation."""
    settings = read_config(folder.config).settings
    return bool(settings.get("folds")) and not settings.get("fold")
