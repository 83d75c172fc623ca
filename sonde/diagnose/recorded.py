"""A run as its folder's lines tell of it: losses, samples and evaluations, as rules ask for them; and what batches add."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sonde.core.batch import Batch
from sonde.core.findings import name_of
from sonde.core.records import STAGE_BEGINS
from sonde.core.seams import Task
from sonde.diagnose.acted import Course, course_of
from sonde.diagnose.parameters import own_name
from sonde.diagnose.seen import Context, Evaluated, Moment, Seen
from sonde.diagnose.signals.sample import Entry, LossCall, Sample, Trace, of_line
from sonde.diagnose.signals.watch import ForwardWatch, Readings
from sonde.diagnose.suspicion import ELSE, FIRST, Suspicion, place_of
from sonde.diagnose.trials import loss_of, trying
from sonde.engine.step import Stepper

ALONE = 0.02  # of a loss: as near it is one of torch's losses and nothing else


def whole_samples(lines: Sequence[Mapping[str, Any]]) -> tuple[list[Sample], int]:
    """The samples of lines of signals.jsonl in the order of their steps, and how many lines were none."""
    found, damaged = [], 0
    for line in lines:
        try:
            found.append(of_line(line))
        except (KeyError, TypeError, ValueError, AttributeError):
            damaged += 1
    return sorted(found, key=lambda sample: sample.step), damaged


def trace_of(lines: Sequence[Mapping[str, Any]], samples: Sequence[Sample]) -> Trace:
    """Losses by step, of lines of metrics.jsonl, each of which holds the mean since the one before: it stands for all of them.

    Where a sample has a step's own loss, that is taken. Of a run in stages the last alone is told of.
    """
    first = last_stage(lines)
    losses: list[float] = []
    norms: list[float] = []
    for line in lines:
        if line.get("kind") != "step" or not isinstance(line.get("step"), int):
            continue
        missing = line["step"] - len(losses)
        losses += [_number(line.get("loss"))] * missing
        if line.get("norm") is not None:
            norms += [_number(line["norm"])] * missing
    for sample in samples:
        if 1 <= sample.step <= len(losses) and math.isfinite(sample.loss):
            losses[sample.step - 1] = sample.loss
    before = first - 1
    late = [sample for sample in samples if sample.step > before]
    return Trace(losses=losses[before:], norms=norms[before:], samples=late, first=first)


def last_stage(lines: Sequence[Mapping[str, Any]]) -> int:
    """The first step of the last stage that began; 1 of a run without stages.

    >>> last_stage([{"kind": "event", "event": "stage begins", "step": 1}, {"event": "stage begins", "step": 61}])
    61
    """
    steps = [line.get("step") for line in lines if line.get("event") == STAGE_BEGINS]
    return max((step for step in steps if isinstance(step, int)), default=1)


def judged_since(findings: Iterable[Mapping[str, Any]]) -> int:
    """The step up to which evaluations and returns are of other episodes, by what a resume said of that; 0 where none did.

    >>> judged_since([{"name": "evaluated-otherwise", "step": 368}, {"name": "plateau", "step": 900}])
    368
    """
    steps = [line.get("step") for line in findings if line.get("name") == "evaluated-otherwise"]
    return max((step for step in steps if isinstance(step, int)), default=0)


def seen_of(
    context: Context,
    *,
    metrics: Sequence[Mapping[str, Any]],
    signals: Sequence[Mapping[str, Any]],
    evaluations: Sequence[Evaluated],
    result: Mapping[str, Any],
    moment: Moment,
    since: int = 0,
) -> Seen:
    """All that a rule may ask of a run that is not in memory. since: see `judged_since`"""
    spent, first = result.get("seconds"), max(last_stage(metrics), since + 1)
    return Seen(
        context=context,
        trace=trace_of(metrics, whole_samples(signals)[0]),
        evaluations=[each for each in evaluations if each.step >= first],
        moment=moment,
        result=result,
        spent=spent if isinstance(spent, Mapping) else {},
        course=course_of(metrics, since) if context.acts else Course(),
    )


def looked_at(stepper: Stepper, batches: Sequence[Batch]) -> list[tuple[float, Sequence[LossCall], Entry | None]]:
    """Of each batch its loss, torch's losses that are called for it, and what reaches the first layer; nothing is trained."""
    task, found = stepper.task, []
    names = _names(task)
    with trying(stepper):
        for batch in batches:
            readings = Readings()
            with ForwardWatch(names, readings) as watch:
                loss = float(loss_of(stepper, batch).detach())
            found.append((loss, watch.loss_calls(), watch.entry()))
    return found


def with_calls(
    samples: Sequence[Sample], looks: Sequence[tuple[float, Sequence[LossCall], Entry | None]]
) -> list[Sample]:
    """Samples as the run had them, whose calls of losses no file keeps: those of other batches, with the samples' own values.

    That holds where the loss is one of torch's losses and nothing else; the other samples are left as they are. Of a run without
    samples the looks are the samples of its first steps, which hold no weights.
    """
    if not looks or any(sample.calls for sample in samples):
        return list(samples)
    samples = samples or [_unmeasured(step, loss) for step, (loss, _, _) in enumerate(looks, 1)]
    found = []
    for number, sample in enumerate(samples):
        loss, calls, entry = looks[number % len(looks)]
        alone = len(calls) == 1 and math.isclose(abs(calls[0].value), abs(loss), rel_tol=ALONE, abs_tol=1e-6)
        if alone:
            sign = math.copysign(1.0, loss) * math.copysign(1.0, calls[0].value)
            sample = replace(sample, calls=[replace(calls[0], value=sign * sample.loss)])
        found.append(replace(sample, entry=entry) if sample.entry is None else sample)
    return found


def _unmeasured(step: int, loss: float) -> Sample:
    return Sample(step=step, phase="", loss=loss, norm=math.nan, rate=math.nan, weights=())


def suspicion_of(line: Mapping[str, Any]) -> Suspicion:
    """A finding that a run has written down, as it is ranked with others."""
    certain = line.get("certainty", "certain") == "certain" and line.get("severity") != "note"
    severity, sureness = line.get("severity"), line.get("certainty", "certain")
    if sureness not in ("certain", "likely", "suspected"):
        sureness = "suspected"
    step, name = line.get("step"), name_of(line)
    return Suspicion(
        name=name,
        evidence=str(line.get("evidence")),
        action=_own_action(str(line.get("action") or "")),
        place=place_of(name) if certain else "outcome",
        certainty="suspected" if severity == "note" else sureness,
        step=step if isinstance(step, int) else None,
        where=str(line.get("where") or ""),
        severity=severity if severity in ("error", "warning", "note") else "note",  # type: ignore[arg-type]
    )


def _own_action(action: str) -> str:
    """Without what was said of another finding, which is ranked anew."""
    return action.partition(ELSE)[2] if action.startswith(FIRST) and ELSE in action else action


def _names(task: Task) -> dict[int, str]:
    return {id(p): own_name(task, name) or name for name, p in task.modules.named_parameters()}


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
