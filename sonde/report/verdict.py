"""The verdict, with which a report begins: whether it worked, how well, over- or underfitted, and what to do next.

It is made of facts alone: the headline score and its interval beside the baseline, what the checks found, the curves, and how the
run ended.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sonde.core.findings import WORST_FIRST, name_of
from sonde.core.run_state import checkpoint_step
from sonde.core.units import count, duration, metric, metric_name
from sonde.report.acted import experience_lines, of_returns
from sonde.report.captions import Course, course, moved
from sonde.report.fitted import fitted
from sonde.report.folder import Reading
from sonde.report.folds import fits
from sonde.report.generating import judge_steps, of_samples, sample_lines
from sonde.report.glance import glance
from sonde.report.judged import Score, less_than_baseline, measured_on, score_of, sentences
from sonde.report.learning import metric_of, train_of, validation_of
from sonde.report.metric_words import direction
from sonde.report.next_steps import Step, after_finishing, after_stopping, while_running
from sonde.report.overview import reached

Tone = Literal["yes", "partly", "no", "open"]

OF_SPEED = frozenset(["slow-evaluation", "slow-input", "time-limit"])
"""Findings that say nothing of the result."""
CHECKPOINT = "Last good checkpoint"
OF_EXTENT = frozenset(["partial-evaluation", "nothing-evaluated"])
"""Findings of how much was measured, which the verdict says itself: no reason to doubt what was."""
OF_READING = "data-read-otherwise"
"""What was made of odd data: told, and no reason to doubt a result that beats its baseline."""
MOST_TEXT = 400  # characters of what a run or a check said
MOST_NAME = 80  # characters of where, or of what a check is called


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The box. answer: "Yes";  because: why, in a sentence;  lines: (question, answer);  steps: what to do next"""

    tone: Tone
    answer: str
    because: str
    lines: Sequence[tuple[str, str]]
    steps: Sequence[Step]


def verdict(run: Reading, follow: Sequence[str] = ()) -> Verdict:
    """Of a run in any state. follow: commands that use a finished run's network, by its task"""
    return _of_result(run, follow) if run.done else _of_unfinished(run)


def _of_result(run: Reading, follow: Sequence[str]) -> Verdict:
    score = score_of(run)
    tone, answer, because = _worked(run, score)
    if run.makes is not None and not run.folds:
        tone, answer, because = of_samples(run, score, (tone, answer, because), _trouble(run, reading=False))
    if score is not None:
        tone, answer, because = of_returns(run, score, _trouble(run)) or (tone, answer, because)
    because += "".join(f" {sentence}" for sentence in measured_on(run, score))
    steps = [] if tone == "no" else judge_steps(run)
    steps += after_finishing(run, follow, worked=tone != "no", beaten=score is not None and score.beside == "worse")
    lines = sample_lines(run)
    if score is not None:
        lines.append(
            (
                "How well" if run.makes is None else "Its loss" if score.name == "loss" else "Its measure",
                _joined(sentences(run, score)),
            )
        )
    lines += _spread(run)
    if run.makes is None:
        lines += [
            ("Besides", _joined(told)) for told in [[str(each) for each in run.result.get("highlights") or []]] if told
        ]
    if run.folds:
        lines.append(("Over- or underfitted", fits(run)))
    elif run.acts:
        lines += experience_lines(run)
    else:
        fit = fitted(run, learned=tone != "no")
        lines.append(("Over- or underfitted", f"{fit.word}: {fit.text}"))
    lines += glance(run, learned=tone in ("yes", "partly") or (run.makes is not None and tone == "open"))
    return Verdict(tone=tone, answer=answer, because=because, lines=lines, steps=steps)


def _worked(run: Reading, score: Score | None) -> tuple[Tone, str, str]:
    """(tone, answer, why) of a finished run."""
    if score is None or score.split == "train":
        return "open", "Not evaluated", _not_evaluated(run, score)
    wrong, trouble = _warnings(run), _trouble(run)
    but = f"; {trouble}" if trouble else ""
    if score.against == "worse":
        return "no", "No", f"It is worse than a prediction without a network ({score.what}){but}."
    if score.against == "unsure":
        answer = "No" if trouble else "Not clearly"
        return "no", answer, f"It is not better than the baseline ({score.what}) by more than chance{but}."
    if score.against == "unknown":
        return _without_baseline(run, trouble)
    better = f"It is better than the baseline ({score.what}) by more than chance"
    if score.interval is None:
        better = f"It is better than the baseline ({score.what})"
    nats = run.makes is not None and run.makes.likelihood  # of which no share says anything
    better += f": {less}" if not nats and (less := less_than_baseline(score)) else ""
    if score.against == "little":
        return "partly", "Hardly", f"{better}, which is little{but}."
    if score.beside == "worse":
        return "partly", "Partly", f"{better}; but {score.called} did better on the same rows{but}."
    if wrong and name_of(wrong[0]) != OF_READING:
        return "partly", "Partly", f"{better}; but {trouble}."
    return "yes", "Yes", f"{better}{_unwarned(run, wrong)}."


def _not_evaluated(run: Reading, score: Score | None) -> str:
    """Why nothing tells how well it does on new rows. score: of training, None where that has none either"""
    limited = bool(run.result.get("evaluated"))
    if score is None:
        return "No score tells how well it does." if limited else f"There were no {run.row[1]} to evaluate it on."
    found, trouble = course(train_of(run)), _trouble(run)
    told = "" if found is None else f"; {moved('training loss', found)}"
    why = "No rows were held out, so how it does on new rows is not known"
    if limited:
        why = f"Nothing that was held out was evaluated, so how it does on new {run.row[1]} is not known"
    return f"{why}{told}{f'; {trouble}' if trouble else ''}."


def _trouble(run: Reading, *, reading: bool = True) -> str:
    """What the checks warn of most. reading: also where that is how the data were read alone"""
    wrong = [finding for finding in _warnings(run) if reading or name_of(finding) != OF_READING]
    return f"the checks warn: {_said(wrong[0])}" if wrong else ""


def _unwarned(run: Reading, read: Sequence[Mapping[str, Any]]) -> str:
    """What the checks had to say of a run that worked. read: what they warn of, which is how data were read alone"""
    if read:
        return f". Only how the data were read is to be looked at: {_said(read[0])}"
    if any(finding.get("severity") in ("error", "warning") for finding in run.findings):
        return ""
    notes = list(dict.fromkeys(str(finding.get("check"))[:MOST_NAME] for finding in run.findings))
    if not notes:
        return ", and the checks found nothing wrong"
    return f"; the checks have only {'a note' if len(notes) == 1 else 'notes'}: {', '.join(notes)}"


def _without_baseline(run: Reading, trouble: str) -> tuple[Tone, str, str]:
    """Of a run that there is nothing to compare with: whether its losses fell, or what chose its checkpoint got better."""
    validation, train = course(validation_of(run)), course(train_of(run))
    if validation is None and (chosen := _chosen_by(run)) is not None:
        return _got_better(run, chosen, trouble)
    found, which = (validation, "validation loss") if validation is not None else (train, "training loss")
    if found is None:
        return "open", "Not known", "There is no baseline for this task, and no loss was logged."
    told = moved(which, found)
    if found.count == 1 and train is not None and train.count > 1:  # of one evaluation alone there is no course
        found, told = train, f"{moved('training loss', train)}, {told} at the only evaluation"
    told = f"{told}; there is no baseline to tell whether that is good"
    but = f"; {trouble}" if trouble else ""
    if found.count == 1:
        return "open", "Not known", f"{told[:1].upper()}{told[1:]}, and no earlier loss to compare it with{but}."
    if found.best >= found.first or found.change != "fell":
        return "no", "No", f"It did not learn: {told}{but}."
    if trouble:
        return "partly", "Partly", f"It learned: {told}; but {trouble}."
    return "yes", "It learned", f"{told[:1].upper()}{told[1:]}."


def _chosen_by(run: Reading) -> Course | None:
    """The course of the metric that chose the checkpoint, where it was evaluated several times and more or less of it is better:
    the training losses of a generator and its critic say nothing of either."""
    higher = direction(run, run.metric) if run.metric else None
    found = None if higher is None else course(metric_of(run, run.metric), higher=bool(higher))
    return found if found is not None and found.count > 1 else None


def _got_better(run: Reading, found: Course, trouble: str) -> tuple[Tone, str, str]:
    told = f"{moved(f'validation {metric_name(run.metric)}', found)}; there is no baseline to tell whether that is good"
    if found.best == found.first:
        return "no", "No", f"It did not learn: {told}" + (f"; {trouble}." if trouble else ".")
    if trouble:
        return "partly", "Partly", f"It learned: {told}; but {trouble}."
    return "yes", "It learned", f"{told[:1].upper()}{told[1:]}."


def _spread(run: Reading) -> list[tuple[str, str]]:
    """How much the folds of a cross-validation differ."""
    for split in ("test", "validation"):
        found = ((run.result.get("spread") or {}).get(split) or {}).get(run.metric)
        if found:
            low, high, deviation = (metric(run.metric, found[which]) for which in ("lowest", "highest", "deviation"))
            return [
                ("Spread", f"{run.result.get('folds')} folds from {low} to {high}; standard deviation {deviation}.")
            ]
    return []


def _of_unfinished(run: Reading) -> Verdict:
    state = run.state
    of = "" if run.ends_at is None else f" of {count(run.ends_at)}"
    fold = f" in fold {state.fold} of {_folds(run)}" if state.fold else ""
    at = f"step {count(reached(run))}{of}{fold}"
    failed = f"it {'at' if state.failed_at else 'after'} {at}"
    if state.fold and not reached(run):
        failed = f"fold {state.fold} of {_folds(run)} before its first step was done"
    tone, answer, because = {
        "running": ("open", "Still running when drawn", f"It was at {at} when this page was drawn{_moment(run.drawn)}."),
        "interrupted": ("open", "Stopped on request", f"{_request(state.signal)} ended it after {at}; nothing was lost."),
        "failed": ("no", "Failed", f"An error ended {failed}: {state.why[:MOST_TEXT]}"),
    }.get(
        state.condition,
        (
            "no",
            "Ended without an error message",
            f"Its process is gone after {at} and left no error: it was killed (often because memory ran out), or the "
            "machine went down.",
        ),
    )  # fmt: skip
    lines = [("Is it still?", _still(run))] if state.condition == "running" else []
    lines += [("So far", text) for text in [_so_far(run)] if text]
    if state.condition != "running":
        lines.append((CHECKPOINT, _checkpoint(run)))
    lines += [("The checks", f"{_said(finding)}.") for finding in _warnings(run)[:1]]
    steps = while_running(run) if state.condition == "running" else after_stopping(run)
    return Verdict(tone=tone, answer=answer, because=because, lines=lines, steps=steps)  # type: ignore[arg-type]


def _moment(moment: datetime | None) -> str:
    """In the machine's own time, with its zone.

    >>> from datetime import timezone
    >>> _moment(datetime(2026, 1, 31, 14, 2, 11, tzinfo=timezone.utc)), _moment(None)
    (', on 2026-01-31 at 14:02:11 (UTC)', '')
    """
    return "" if moment is None else f", on {moment:%Y-%m-%d} at {moment:%H:%M:%S} ({moment:%Z})"


def _still(run: Reading) -> str:
    """What a page that may be read much later can say of a run that was running."""
    by = run.drawn_again_by
    told = "sonde report draws it anew, and tells"
    if by is None:
        return f"This page does not know what came after it: {told}."
    when = _moment(by).removeprefix(", ").removeprefix("on ")
    later = f"If you read this later, it has ended, was killed or hangs: {told}."
    return f"As long as it trains, this page is drawn anew before {when}. {later}"


def _request(signal: int) -> str:
    return {2: "Ctrl-C", 15: "A request to end (SIGTERM)"}.get(signal, "A signal")


def _so_far(run: Reading) -> str:
    at = run.folds[-1] if run.folds else run
    found, validated = course(train_of(at)), course(validation_of(at))
    told = [moved(what, each) for what, each in (("training loss", found), ("validation loss", validated)) if each]
    if run.folds and told:
        told = [*_done(run), f"{at.path.name.replace('-', ' ')}: {told[0]}", *told[1:]]
    seconds = run.state.line.get("seconds")
    if run.state.line.get("kind") != "evaluation" and isinstance(seconds, int | float):
        told.append(f"{duration(seconds)} were spent")
    return _joined(told)


def _done(run: Reading) -> list[str]:
    """The scores of the folds that have one."""
    scores = [(fold.path.name.replace("-", " "), score_of(fold)) for fold in run.folds if fold.result]
    return [
        f"{name} reached {metric(score.name, score.value)} {metric_name(score.name)} on its {score.split} {run.row[1]}"
        for name, score in scores
        if score is not None
    ]


def _checkpoint(run: Reading) -> str:
    if run.folds:
        done = sum(bool(fold.result) for fold in run.folds)
        begun = checkpoint_step(run.path / f"fold-{run.state.fold}") is not None
        then = "the one it was in continues from its own checkpoint" if begun else "the next one begins anew"
        return f"{done} of {_folds(run)} folds {'is' if done == 1 else 'are'} done and kept; {then}."
    if run.saved is None:
        return "None was written yet."
    lost = max(run.state.step, run.last_step) - run.saved
    return f"After step {count(run.saved)}" + (f"; {count(lost)} later steps will be done again." if lost > 0 else ".")


def _folds(run: Reading) -> str:
    return str((run.config.get("settings") or {}).get("folds") or "several")


def _warnings(run: Reading) -> list[Mapping[str, Any]]:
    """Errors and warnings about the result, the likeliest cause first."""
    rank = {severity: place for place, severity in enumerate(WORST_FIRST)}
    rank |= {OF_READING: len(rank)}  # last, for it alone is no reason to doubt a result
    cause = {str(name): place for place, name in enumerate(run.result.get("diagnosis") or [])}
    found = [
        finding
        for finding in run.findings
        if finding.get("severity") in ("error", "warning")
        and finding.get("name")
        and name_of(finding) not in OF_SPEED | OF_EXTENT
    ]
    return sorted(
        found,
        key=lambda each: (rank.get(name_of(each), rank[str(each["severity"])]), cause.get(name_of(each), len(cause))),
    )


def _said(finding: Mapping[str, Any]) -> str:
    where = f" in {finding['where']}" if finding.get("where") else ""
    return f"{finding.get('check')}{where[:MOST_NAME]} ({str(finding.get('evidence'))[:MOST_TEXT]})"


def _joined(told: Sequence[str]) -> str:
    """Clauses as one line with a full stop."""
    return "; ".join(told)[:1].upper() + "; ".join(told)[1:] + "." if told else ""
