"""The closing lines of a run, from `result.json` and the findings."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sonde.core.findings import certainty_of, grouped, silencing
from sonde.core.units import (
    TIME_PARTS,
    actions_in_words,
    best_place,
    count,
    duration,
    mean_of_batches,
    metric,
    metric_name,
)

ORDER = ("test", "validation", "train")  # of splits, the first that has it is told


def headline(result: Mapping[str, Any]) -> str:
    """The metric a person reads first: the task's own, else the one that chose the best checkpoint.

    >>> headline({"headline": "accuracy", "objective": {"metric": "log_loss"}}), headline({"objective": {"metric": "rmse"}})
    ('accuracy', 'rmse')
    """
    return result.get("headline") or (result.get("objective") or {}).get("metric", "")


def result_lines(result: Mapping[str, Any]) -> list[str]:
    """The main metric on the last split that was evaluated, with the best checkpoint; then the baseline and the status.

    >>> result_lines({"objective": {"metric": "accuracy", "mode": "max"}, "metrics": {"test": {"accuracy": 0.98}}})
    ['98.00 % test accuracy']
    >>> result_lines({"objective": {"metric": "accuracy", "mode": "max"}, "metrics": {"test": {"accuracy": float("nan")}}})
    ['accuracy is not a number on the test rows']
    """
    name = headline(result)
    metrics = result.get("metrics") or {}
    split = next((s for s in ORDER if _is_number((metrics.get(s) or {}).get(name))), None)
    lines = []
    if split is not None:
        beside = _best(result, name, split) or _spread(result, name, split)
        means = result.get("batch_means") or ()
        decided = actions_in_words(result.get("actions"))
        what = f"{metric_name(name)}{mean_of_batches(name, means)}{f' by {decided}' if decided else ''}"
        lines.append(f"{metric(name, metrics[split][name])} {split} {what}{_part(result, split)}{beside}")
        lines += _beside(metrics[split], name, means)
    if (first := next((s for s in ORDER if name in (metrics.get(s) or {})), None)) != split:
        lines.append(f"{metric_name(name)} is not a number on the {first} {_called(result, str(first))}")
    baseline = (result.get("baseline") or {}).get(name)
    if baseline is not None:
        what = result["baseline"].get("what") or "trivial predictor"
        lines.append(f"baseline ({what}): {metric(name, baseline)}")
    classical = result.get("classical") or {}
    if classical.get(name) is not None:
        lines.append(f"{classical['what']}: {metric(name, classical[name])}")
    lines += result.get("highlights") or []
    if isinstance(own := (result.get("references") or {}).get(name), Mapping):
        lines.append(f"{own['what']}: {metric(name, own['value'])} on average over {count(own['count'])}")
    lines += _goal(result, name, None if split is None else metrics[split][name])
    ended = _ended_by(result)
    lines += ended
    if reached := result.get("reached"):
        lines.append(_reached(reached, result.get("steps") or 0))
    elif result.get("status") not in (None, "finished", "time limit" if ended else None):
        lines.append(f"{result['status']} after {count(result.get('steps') or 0)} steps")
    if missed := result.get("not_reached"):
        lines.append(not_reached(missed))
    lines = _without_time(result, split, lines)
    return lines or ["not evaluated: the data have neither test nor validation rows"]


def _without_time(result: Mapping[str, Any], split: str | None, lines: Sequence[str]) -> list[str]:
    """The lines, with which splits the time limit left no time for: said first where it is all of them."""
    none = [name for name, part in (result.get("evaluated") or {}).items() if not part["rows"]]
    acted = result.get("experience")
    said = "not evaluated: the time limit left no time for it; give a longer --time-limit"
    if isinstance(acted, Mapping) and not acted.get("episodes", 1):
        said = "not evaluated: no episode has ended within the time limit; --max-episode-steps 1000 cuts episodes off"
    if not none:
        return list(lines)
    if split in (None, "train"):
        return [said, *lines]
    return [lines[0], f"{' and '.join(none)} {said}", *lines[1:]]


def _goal(result: Mapping[str, Any], name: str, value: float | None) -> list[str]:
    """Whether the data count as solved, where whoever made them says from which value.

    >>> _goal({"goals": {"return": 475.0}}, "return", 168.3)
    ['not solved: that is from a return of 475 on']
    """
    goal = (result.get("goals") or {}).get(name)
    if goal is None or value is None:
        return []
    return [f"{'solved' if value >= goal else 'not solved'}: that is from a {metric_name(name)} of {goal:g} on"]


def _reached(reached: Mapping[str, Any], steps: int) -> str:
    name, after = str(reached["metric"]), reached.get("seconds")
    at = f"stopped at step {count(steps)}" + ("" if after is None else f", after {duration(after)}")
    return f"{at}: validation {metric_name(name)} {metric(name, reached['value'])} has reached --stop-at {reached['wanted']:g}"


def not_reached(missed: Mapping[str, Any]) -> str:
    """That a run never became as good as was asked for.

    >>> not_reached({"metric": "return", "best": 0.25, "wanted": 5.0, "evaluations": 3})
    '--stop-at 5 was not reached: the best validation return of 3 evaluations was 0.2500'
    >>> not_reached({"metric": "return", "best": None, "wanted": 5.0, "evaluations": 3})
    '--stop-at 5 was not reached: no evaluation gave a validation return'
    """
    name, times = str(missed["metric"]), missed["evaluations"]
    if missed["best"] is None:
        return f"--stop-at {missed['wanted']:g} was not reached: no evaluation gave a validation {metric_name(name)}"
    found = f"validation {metric_name(name)} of {times} evaluations was {metric(name, missed['best'])}"
    if times == 1:
        found = f"validation {metric_name(name)} of the only evaluation was {metric(name, missed['best'])}"
    return f"--stop-at {missed['wanted']:g} was not reached: the {'best ' if times > 1 else ''}{found}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _part(result: Mapping[str, Any], split: str) -> str:
    """Of a split that a time limit left no time for, how much of it was evaluated; of the training loss, which steps it is of.

    >>> _part({"train_loss_steps": 10}, "train")
    ' (mean of the last 10 steps)'
    """
    if split == "train" and (steps := result.get("train_loss_steps")):
        return f" (mean of the last {count(steps)} steps)" if steps > 1 else " (of the last step)"
    part = (result.get("evaluated") or {}).get(split)
    if not part:
        return ""
    rows = _called(result, split)
    return f" on {count(part['rows'])}" + (f" of {count(part['of'])} {rows}" if part.get("of") else f" {rows}")


def _called(result: Mapping[str, Any], split: str) -> str:
    """What rows of a split are called, as far as the result tells."""
    told = ((result.get("evaluated") or {}).get(split) or {}).get("called")
    return str(told) if told else "episodes" if result.get("experience") else "rows"


def _ended_by(result: Mapping[str, Any]) -> list[str]:
    """Which of several lengths was reached first.

    >>> _ended_by({"ended_by": "epochs", "lengths": {"epochs": "2", "time_limit": "10m"}})
    ['ended by --epochs 2, before --time-limit 10m']
    >>> told = {"steps": "the 7,808 updates that were planned", "time_limit": "--time-limit 20s"}
    >>> _ended_by({"ended_by": "time_limit", "lengths_told": told, "steps": 480})
    ['ended by --time-limit 20s after 480 steps, before the 7,808 updates that were planned']
    """
    plain = {name: f"--{name.replace('_', '-')} {text}" for name, text in (result.get("lengths") or {}).items()}
    texts = dict(result.get("lengths_told") or plain)  # an earlier version says nothing of who gave them
    first = texts.pop(result.get("ended_by") or "", None)
    if not first or not texts:
        return []
    after = (
        f" after {count(steps)} steps" if (steps := result.get("steps")) and result["ended_by"] == "time_limit" else ""
    )
    return [f"ended by {first}{after}, before {' and '.join(texts.values())}"]


def _best(result: Mapping[str, Any], name: str, split: str) -> str:
    best = result.get("best") or {}
    if best.get("epoch") is None:
        return ""
    value = best.get("value")
    of_same_metric = split != "validation" and value is not None and best.get("metric") == name
    chosen_by = f", {metric(name, value)} validation" if of_same_metric else ""
    if value is not None and not of_same_metric and best.get("metric") not in (None, name):
        chosen_by = f", validation {metric_name(best['metric'])} {metric(best['metric'], value)}"
    return f" (best checkpoint: {best_place(result)}{chosen_by})"


def _spread(result: Mapping[str, Any], name: str, split: str) -> str:
    """What the folds of a cross-validation differ by."""
    found = ((result.get("spread") or {}).get(split) or {}).get(name)
    if not found:
        return ""
    low, high, deviation = (metric(name, found[which]) for which in ("lowest", "highest", "deviation"))
    return f" (mean of {result.get('folds')} folds, {low} to {high}, standard deviation {deviation})"


def _beside(metrics: Mapping[str, float | None], main: str, means: Sequence[str]) -> list[str]:
    """Up to five more metrics in one line, per-output and undefined ones left out."""
    others = [
        (n, v) for n, v in metrics.items() if n != main and "/" not in n and isinstance(v, int | float) and v == v
    ]
    shown = [f"{metric_name(name)} {metric(name, value)}{mean_of_batches(name, means)}" for name, value in others[:5]]
    text = ", ".join(shown)
    return [text] if text else []


def time_line(seconds: Mapping[str, float]) -> str:
    """Where the seconds of a run went; empty when they were not measured.

    >>> time_line({"total": 58.0, "input": 0.4, "step": 50.9, "evaluation": 4.0, "other": 2.7})
    '58.0 s: input 0.4, forward + backward 50.9, evaluation 4.0, other 2.7'
    """
    if not seconds.get("total"):
        return ""
    total = seconds["total"]
    digits = 2 if total < 10 else 1 if total < 1000 else 0
    parts = ", ".join(
        f"{TIME_PARTS[part]} {seconds[part]:.{digits}f}" for part in TIME_PARTS if seconds.get(part) is not None
    )
    head = f"{total:.{digits}f} s" if total < 120 else f"{duration(total)} ({total:.{digits}f} s)"
    return f"{head}: {parts}"


def findings_lines(
    found: Sequence[Mapping[str, Any]], diagnosis: Sequence[str] = (), *, most: int | None = None
) -> list[tuple[str, str]]:
    """(severity, sentence) of each finding, worst first; findings that only repeat another's check are counted with it.

    diagnosis: names, the likeliest cause first
    most: warnings in full, None for all; the others are named, since they often follow from those
    """
    lines, left = [], []
    warnings = 0
    for severity, check, same in grouped(found, diagnosis):
        warnings += severity == "warning"
        if severity == "warning" and most is not None and warnings > most:
            left.append(check)
            continue
        if severity not in ("error", "warning") and left:
            lines.append(_further(left))
            left = []
        lines.append((severity, _sentence(check, same)))
    return [*lines, _further(left)] if left else lines


def data_lines(found: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """(severity, sentence) of each finding of data; how to silence those of a name stands after the last of them.

    >>> one = {"name": "data-read-otherwise", "severity": "warning", "evidence": "3 rows are empty", "action": ""}
    >>> data_lines([one, one])
    [('warning', '3 rows are empty'), ('warning', '3 rows are empty; or --silence data-read-otherwise')]
    """
    last = {silencing(finding): place for place, finding in enumerate(found)}
    lines = []
    for place, finding in enumerate(found):
        flag = silencing(finding)
        parts = [finding["evidence"], finding["action"], f"or {flag}" if flag and last[flag] == place else ""]
        lines.append((str(finding["severity"]), "; ".join(filter(None, parts))))
    return lines


def _further(checks: Sequence[str]) -> tuple[str, str]:
    names = list(dict.fromkeys(checks))
    what = (
        f"{len(checks)} more, which may go away with these"
        if len(checks) > 1
        else "one more, which may go away with these"
    )
    return "warning", f"{what}: {', '.join(names)}; report.html shows all"


def _sentence(check: str, same: Sequence[Mapping[str, Any]]) -> str:
    last = same[-1]
    place = f" at step {count(last['step'])}" if last.get("step") is not None else ""
    last_at = f", the last{place}" if place else ""
    times = f" ({len(same)} times{last_at})" if len(same) > 1 else place
    beside = ", ".join(each for each in (str(last.get("where") or ""), certainty_of(last)) if each)
    action = f"; {last['action']}" if last.get("action") else ""
    silenced = f"; or {flag}" if (flag := silencing(last)) else ""
    return f"{check}{times}{f' [{beside}]' if beside else ''}: {last['evidence']}{action}{silenced}"
