"""Whether a run is over- or underfitted: its training loss beside its validation loss, with their noise in mind."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sonde.core.units import best_place, share
from sonde.metrics.intervals import Interval
from sonde.report.captions import Course, course, place, short
from sonde.report.folder import Reading
from sonde.report.judged import log_loss_of_rows
from sonde.report.learning import axis_of, phase_of, train_of, validation_of

Kind = Literal["over", "under", "neither", "unknown"]
FAR = 1.5  # times the training loss, beyond which a validation loss is far from it; read off curves by eye
SAME = 1e-3  # relative; two numbers that are read as the same loss
FEWEST = 3  # evaluations, below which a curve has no course, and after the best one no rise

MOST_NAME = 80  # characters of what a check is called
NO_MATTER_OF_TIME = frozenset(
    [
        "dead-units", "exploding-gradient", "labels-unrelated-to-inputs", "learning-rate-too-high", "loss-negated",
        "network-cannot-learn", "not-learning", "parameters-without-a-gradient", "parameters-without-an-optimiser",
        "zero-gradient",
    ]
)  # fmt: skip
"""Findings that more training does not cure."""


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """kind: what it is;  word: that, to begin with;  text: the numbers"""

    kind: Kind
    word: str
    text: str


def fitted(run: Reading, *, learned: bool = True) -> Fitted:
    """Judged by the curves and the last training loss; findings of the checks come first.

    Where several phases are at work, the training loss is that of one, and no validation loss is a sum of the same: not known.

    learned: whether the run is better than its baseline: what has learned nothing is neither
    """
    curve = validation_of(run)
    validation = course(curve)
    train = course(train_of(run))
    if validation is None or train is None:
        return Fitted(kind="unknown", word="Not known", text="no validation loss was measured beside training.")
    if phase := phase_of(run):
        text = f"the training loss is that of the phase {phase} alone, with which no validation loss can be compared."
        return Fitted(kind="unknown", word="Not known", text=text)
    names = {str(finding.get("name")) for finding in run.findings if finding.get("severity") != "note"}
    later = sum(y is not None and x > validation.at for x, y in curve)
    axis, of_rows = axis_of(run), log_loss_of_rows(run)
    numbers, sure = _numbers(train, validation, axis, of_rows), _around(validation.best, of_rows)
    if not learned or train.last > train.first:
        return Fitted(kind="unknown", word="Not applicable", text=f"{numbers}; it has not learned enough to be either.")
    if (later >= FEWEST and _rose(validation, sure)) or "overfitting" in names:
        since = f" since {axis} {place(validation.at)}" if validation.at < validation.last_at else ""
        kept = _kept(run)
        return Fitted(kind="over", word=f"Overfitted{since}", text=f"{numbers}{kept}")
    if "underfitting" in names:
        return Fitted(kind="under", word="Underfitted", text=f"{numbers}; the network hardly fits its training rows.")
    if still_improving(run):
        return Fitted(
            kind="under", word="Not trained to the end", text=f"{numbers}; it was still improving at its end."
        )
    if validation.count < FEWEST and (seen := seen_once(run)):
        return Fitted(kind="unknown", word="Too short to tell", text=f"{numbers}; {seen}.")
    if validation.count < FEWEST:
        return Fitted(kind="unknown", word="Hard to tell", text=f"{numbers}; validation was evaluated too rarely.")
    rose = (
        "validation rose since its best by no more than its noise"
        if validation.turned
        else "validation did not get worse"
    )
    if validation.best > FAR * train.last > 0 and not (sure is not None and sure.holds(train.last)):
        text = f"{numbers}: it fits its training rows far better than new ones, but {rose}."
        return Fitted(kind="neither", word="Somewhat overfitted", text=text)
    return Fitted(kind="neither", word="Neither", text=f"{numbers}: they are close, and {rose}.")


def still_improving(run: Reading) -> bool:
    """Whether the checks found that training ended too early."""
    return any(finding.get("name") == "still-improving" for finding in run.findings)


def cannot_learn(run: Reading) -> str:
    """What the checks warned of that keeps a network from learning however long it is trained; "" for nothing like it."""
    warned = [
        f for f in run.findings if f.get("severity") in ("warning", "error") and f.get("name") in NO_MATTER_OF_TIME
    ]
    cause = [str(name) for name in run.result.get("diagnosis") or []]
    warned.sort(key=lambda f: cause.index(f["name"]) if f["name"] in cause else len(cause))
    return str(warned[0].get("check"))[:MOST_NAME] if warned else ""


def seen_once(run: Reading) -> str:
    """That not even all training rows were seen, in words; "" of a longer run."""
    epochs = run.result.get("epochs")
    if not isinstance(epochs, int | float) or not 0 < epochs < 1:
        return ""
    return f"only {share(epochs, 0)} of the training rows were seen, once"


def _around(best: float, of_rows: tuple[float, Interval] | None) -> Interval | None:
    """How far a validation loss may be off: by as much as the log loss of its rows, which is lower where labels are smoothed.

    >>> _around(0.5, (0.25, Interval(0.125, 0.5))), _around(0.5, None)
    (Interval(low=0.375, high=0.75), None)
    """
    if of_rows is None:
        return None
    value, interval = of_rows
    return Interval(best + interval.low - value, best + interval.high - value)


def _numbers(train: Course, validation: Course, axis: str, of_rows: tuple[float, Interval] | None) -> str:
    around = ""
    if of_rows is not None:
        value, sure = of_rows
        interval = f"95\u00a0%: {short(sure.low)} to {short(sure.high)}"
        if math.isclose(value, validation.best, rel_tol=SAME):
            around = f", {interval}"
        else:  # a loss with smoothed labels, or another evaluation's
            around = f"; the kept checkpoint's log loss is {short(value)}, {interval}"
    text = f"training loss {short(train.last)} at the end, validation loss {short(validation.best)} at best"
    if validation.at < validation.last_at:
        return f"{text} ({axis} {place(validation.at)}{around}) and {short(validation.last)} at the end"
    return f"{text} (the last evaluation{around})"


def _rose(found: Course, sure: Interval | None) -> bool:
    """Whether a validation loss rose from its best by more than its noise."""
    if found.count < FEWEST or not found.turned:
        return False
    return found.last > (sure.high if sure is not None else found.best * 1.1 if found.best > 0 else found.best)


def _kept(run: Reading) -> str:
    best: Mapping[str, Any] = run.result.get("best") or {}
    if best.get("epoch") is None:
        return "."
    return f"; the checkpoint of {best_place(run.result)} is the one that is kept and was evaluated."
