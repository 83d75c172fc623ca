"""What to do next with a run, as commands that can be pasted; of a run that a program began, as calls of Python."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sonde.core.config_file import in_memory
from sonde.core.durations import Duration, Unit, parse
from sonde.core.findings import name_of
from sonde.core.marks import shell_quoted
from sonde.report.fitted import FEWEST, cannot_learn
from sonde.report.folder import CUSTOM, Reading
from sonde.report.glance import fell_short

MOST_TEXT = 200  # characters of a path
CURABLE = frozenset(
    [
        "batch-norm-of-few-rows", "clip-too-tight", "dead-units", "dropout-too-strong", "exploding-gradient",
        "learning-rate-too-high", "learning-rate-too-low", "not-finite",
        "schedule-keeps-rate-low", "weight-decay-too-strong",
    ]
)  # fmt: skip
"""Findings of which `sonde doctor --cure` tries the remedy (`run/cure.remedies`)."""
ROWS = frozenset(["not finite inputs", "not finite targets"])  # errors that some rows are to blame for


@dataclass(frozen=True, kw_only=True)
class Step:
    """Something to do. command: to be pasted; why: what it does, or what to do where there is no command"""

    command: str = ""
    why: str = ""


def after_finishing(run: Reading, follow: Sequence[str], *, worked: bool = True, beaten: bool = False) -> list[Step]:
    """Of a finished run. follow: commands that use its network, by the task

    worked: whether it beats its baseline;  beaten: whether a classical model does better
    """
    if run.folds or run.result.get("folds"):
        return _after_folds(run)
    found: list[Step] = []
    warned = _first_warning(run)
    if warned in CURABLE and not run.own_network:
        why = f"tries the remedy for {_words(warned)} on 100 steps"
        found.append(Step(command=_call(run, "doctor", cure=True), why=why))
    if warned == "learning-rate-too-high" and (lower := _lower_rate(run)):
        found.append(_again(run, {"lr": lower}, "trains again at a tenth of the rate"))
    if warned == "learning-rate-too-low":
        found.append(_again(run, {"lr": "auto"}, "trains again at a rate that a short test finds"))
    if warned == "overfitting" and run.data.get("form") != CUSTOM:
        found.append(_again(run, {"patience": 3}, "trains again, and stops once validation no longer improves"))
    if not worked and not found and not run.own_network:
        found.append(Step(command=_call(run, "doctor"), why="looks for the cause"))
    futile = not worked and bool(cannot_learn(run))
    evaluations = sum(line.get("split") == "validation" for line in run.evaluations)
    cut_short = evaluations < FEWEST or (not worked and run.result.get("ended_by") == "time_limit")
    if (fell_short(run, learned=worked) or cut_short or beaten) and not futile and (longer := _twice(run)):
        found.append(_longer(run, longer))
    found += _elsewhere(run, found)
    if run.own_network:
        follow = ()  # commands cannot build it
    if run.own_network and worked:
        found.append(
            Step(why=f"In Python, sonde.load({str(run.path)!r}, model=…).model is your network with its best weights.")
        )
    return found + [Step(command=command, why="applies it") for command in (follow if worked else ())]


def after_stopping(run: Reading) -> list[Step]:
    """Of a run without a result, whose process is gone."""
    found = _after_stopping(run)
    return [*found, *_elsewhere(run, found)]


def _elsewhere(run: Reading, found: Sequence[Step]) -> list[Step]:
    """What to see to before these commands, where the data are no longer where they were read."""
    source = str(run.config.get("data") or "")
    if not Path(source).is_absolute() or Path(source).exists() or not any(step.command for step in found):
        return []
    return [Step(why=f"The data are no longer at {source[:MOST_TEXT]}: put them back there before you train.")]


def _after_stopping(run: Reading) -> list[Step]:
    if run.state.condition != "failed":
        return [_resumed(run, f"continues {_from(run)}, as if it had never stopped")]
    checks = {str(finding.get("check")) for finding in run.findings if finding.get("severity") == "error"}
    if ROWS & checks:  # to mend them makes other data of them, which no run goes on with
        return [_anew(run, "trains again, once these rows are fixed")]
    if "not finite" in checks and run.data.get("form") != CUSTOM and (lower := _lower_rate(run)):
        again = _again(run, {"lr": lower, "clip": 1}, "trains again at a tenth of the rate, with its gradients clipped")
        return [again, *([] if run.own_network else [Step(command=_call(run, "doctor"), why="looks for the cause")])]
    file = str((run.config.get("settings") or {}).get("model") or "").rpartition(":")[0]
    anew = f"; another {Path(file).name} needs a run of its own" if file.endswith(".py") else ""
    return [_resumed(run, f"continues {_from(run)}, once what stopped it is fixed{anew}")]


def while_running(run: Reading) -> list[Step]:
    """Of a run that is going on."""
    if run.own_network:
        return []
    return [Step(command=f"sonde report {_place(run)}", why="redraws this page")]


def _after_folds(run: Reading) -> list[Step]:
    if run.own_network:
        return []
    return [_again(run, {"folds": 0}, "trains one network on all rows but those held out")]


def _from(run: Reading) -> str:
    if run.folds:
        return f"in fold {run.state.fold}" + (
            "" if run.folds[-1].saved is None else f" from step {run.folds[-1].saved:,}"
        )
    return "from the beginning (no checkpoint was written yet)" if run.saved is None else f"from step {run.saved:,}"


def _resumed(run: Reading, why: str) -> Step:
    if run.resumed_by_call:
        return Step(why=f"The same call with out={str(run.path)!r} {why}.")
    return Step(command=_call(run, "resume"), why=why)


def _longer(run: Reading, length: tuple[str, str]) -> Step:
    name, value = length
    if run.resumed_by_call:
        amount = value if value.isdigit() else repr(value)
        return Step(why=f"The same call with out={str(run.path)!r} and {name}={amount} trains it further.")
    amount = int(value) if value.isdigit() else value
    return Step(command=_call(run, "resume", **{name: amount}), why="trains it further")


def _anew(run: Reading, why: str) -> Step:
    if run.in_program:
        return Step(why=f"The same call with out={str(run.path)!r} and fresh=True {why}.")
    return Step(command=f"sonde train --config {_place(run)}", why=why)


def _again(run: Reading, settings: Mapping[str, Any], why: str) -> Step:
    """Another run like it but for some settings."""
    if run.in_program:
        return Step(why=f"The same call with {keywords(settings)}, and out= another folder, {why}.")
    return Step(command=f"sonde train --config {_place(run)} {_flags(settings)}", why=why)


def _call(run: Reading, verb: str, **settings: Any) -> str:
    """What is done with a run folder, as one begins it oneself."""
    if run.in_program:
        data = "data=..." if in_memory(run.config.get("data")) else ""
        return (
            f"sonde.{verb}({', '.join(part for part in (_literal(str(run.path)), data, keywords(settings)) if part)})"
        )
    return " ".join(part for part in ("sonde", verb, _place(run), _flags(settings)) if part)


def _flags(settings: Mapping[str, Any]) -> str:
    """
    >>> _flags({"lr": 0.01, "time_limit": "2 h", "cure": True})
    "--lr 0.01 --time-limit '2 h' --cure"
    """
    named = {f"--{name.replace('_', '-')}": value for name, value in settings.items()}
    return " ".join(
        flag if value is True else f"{flag} {shell_quoted(_written(value))}" for flag, value in named.items()
    )


def keywords(settings: Mapping[str, Any]) -> str:
    """Settings as a call in a program has them; one name of a list of one.

    >>> keywords({"lr": 0.01, "time_limit": "2 h", "cure": True})
    'lr=0.01, time_limit="2 h", cure=True'
    """
    return ", ".join(f"{name}={_literal(value)}" for name, value in settings.items())


def _literal(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return _literal(value[0]) if len(value) == 1 else json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else _written(value)


def _written(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _twice(run: Reading) -> tuple[str, str] | None:
    """(setting, value) of twice the length that ended a run; None where its own patience or an observer did."""
    ended, lengths = str(run.result.get("ended_by") or ""), run.result.get("lengths") or {}
    if ended not in ("epochs", "steps", "time_limit") or lengths.get(ended) is None:
        return None
    if ended == "time_limit":
        return ended, str(Duration(2 * parse(lengths[ended], bare="seconds").amount, "seconds"))
    unit: Unit = "steps" if ended == "steps" else "epochs"
    return ended, f"{math.ceil(2 * parse(lengths[ended], bare=unit).amount)}"


def _lower_rate(run: Reading) -> float | None:
    rate = (run.config.get("settings") or {}).get("lr")
    return float(f"{rate / 10:.3g}") if isinstance(rate, int | float) and rate > 0 else None


def _first_warning(run: Reading) -> str:
    """The name of the likeliest cause among the warnings, which is what `sonde doctor --cure` tries."""
    warnings = {
        name_of(finding): finding for finding in run.findings if finding.get("severity") in ("warning", "error")
    }
    listed = [str(name) for name in run.result.get("diagnosis") or []]
    return next((name for name in [*listed, *warnings] if name in warnings), "")


def _place(run: Reading) -> str:
    return shell_quoted(str(run.path))


def _words(name: str) -> str:
    return name.replace("-", " ")
