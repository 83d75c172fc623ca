"""Whether a run is over- or underfitted: its training loss beside its validation loss, with their noise in mind."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sonde.metrics.intervals import Interval
from sonde.report.captions import Course, course, place, short
from sonde.report.folder import Reading
from sonde.report.judged import loss_interval
from sonde.report.learning import axis_of, train_of, validation_of

Kind = Literal["over", "under", "neither", "unknown"]
FAR = 1.5  # times the training loss, beyond which a validation loss is far from it; read off curves by eye
FEWEST = 3  # evaluations, below which a curve has no course, and after the best one no rise


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """kind: what it is;  word: that, to begin with;  text: the numbers"""

    kind: Kind
    word: str
    text: str


def fitted(run: Reading, *, learned: bool = True) -> Fitted:
    """Judged by the curves and the last training loss; findings of the checks come first.

    learned: whether the run is better than its baseline: what has learned nothing is neither
    """
    curve = validation_of(run)
    validation = course(curve)
    train = course(train_of(run))
    if validation is None or train is None:
        return Fitted(kind="unknown", word="Not known", text="no validation loss was measured beside training.")
    names = {str(finding.get("name")) for finding in run.findings if finding.get("severity") != "note"}
    later = sum(y is not None and x > validation.at for x, y in curve)
    axis, sure = axis_of(run), loss_interval(run)
    numbers = _numbers(train, validation, axis, sure)
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


def _numbers(train: Course, validation: Course, axis: str, sure: Interval | None) -> str:
    around = "" if sure is None else f", 95\u00a0%: {short(sure.low)} to {short(sure.high)}"
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
    where = f"step {best['step']:,}" if run.result.get("epochs", 1) is None else f"epoch {best['epoch'] + 1}"
    return f"; the checkpoint of {where} is the one that is kept and was evaluated."
