"""Whether a loss ended far above where it began, though it stayed a number."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from sonde.core.findings import Finding
from sonde.core.records import STAGE_BEGINS

TIMES = 1e3
"""How far above its start a loss that is never negative must end. Noise, warm restarts and a rate too high for a while stay far
below: of cross entropies of C classes a start is log C, and an answer that is surely wrong in fp32 about 100."""

TIMES_GUESSING = 3.0
"""The same beside the start and what guessing has, where both are known: `doctor.md` O1 (b); healthy runs of nine recipes never
stood above their start."""

TIMES_SIGNED = 1e6
"""The same for a loss that is negative somewhere: a critic's, whose zero means nothing, drifts by
thousands in runs that are well."""

SMALL, SMALL_SIGNED = 1e-6, 1.0
"""What a smaller start is taken for, so that a loss that begins near 0 (a term that grows on purpose) is not a quotient
by nothing. Where several phases are at work, whose losses pull against each other, the larger holds for all."""

LAST = 5  # logged lines of which the median is the end, so that one spike is none
NAME = "diverged"


@dataclass(frozen=True, kw_only=True)
class Divergence:
    """start, end: losses;  times: how far above;  above: the step by which the loss was `limit` times its start
    known: whether the start is that of the run's first step;  steps: those whose median is the end, in words"""

    start: float
    end: float
    times: float
    above: int
    limit: float
    known: bool
    begins: int
    steps: str

    @property
    def evidence(self) -> str:
        """In words."""
        begun = "in the first step" if self.known else f"at step {self.begins:,}"
        return (
            f"the training loss was {self.start:.4g} {begun} and {self.end:.4g} at the end (median of what was logged at "
            f"{self.steps}), {self.times:.1g} times as high; it passed {self.limit:g} times at step {self.above:,}"
        )


def divergence(
    points: Sequence[tuple[int, float]],
    first: float | None,
    *,
    several: bool = False,
    guessing: float | None = None,
    last: int = LAST,
) -> Divergence | None:
    """Where a loss ended `TIMES` and more above its start; `TIMES_GUESSING` above it and guessing, where that is known.

    points:   (step, finite loss), in order
    first:    loss of the run's first step, where that is known: a rate that is far too high is through within the first line
    several:  whether several phases are at work
    guessing: loss of the best answer that ignores the input
    last:     points whose median is the end
    """
    if not points:
        return None
    losses = [loss for _, loss in points]
    known = first is not None and math.isfinite(first)
    start = first if known and first is not None else losses[0]
    if start == 0:  # of a row that was right by itself, which is no measure
        known, start = False, median([loss for loss in losses if loss][:LAST] or [0.0])
    signed = several or min(*losses, start) < 0
    end = median(losses[-last:])
    scale = max(abs(start), SMALL_SIGNED if signed else SMALL)
    limit, shown = (TIMES_SIGNED if signed else TIMES) * scale, TIMES
    if guessing is not None and not signed and known and TIMES_GUESSING * max(start, guessing) < limit:
        limit, shown = TIMES_GUESSING * max(start, guessing), TIMES_GUESSING
    if end < limit:
        return None
    ends = points[-last:]
    steps = f"step{'s' * (len(ends) > 1)} {ends[0][0]:,}" + (f" to {ends[-1][0]:,}" if len(ends) > 1 else "")
    above = next(step for step, loss in points if loss >= shown * scale)
    return Divergence(
        start=start, end=end, times=end / scale, above=above, limit=shown, known=known, begins=points[0][0], steps=steps
    )


def diverged(
    lines: Sequence[Mapping[str, Any]], first: float | None, *, remedy: str, several: bool = False
) -> list[Finding]:
    """That the training loss ended far above its start: `divergence` of what was logged, for runs that no doctor looked on.

    lines:   of metrics.jsonl, each with the mean loss of some steps; of stages the last alone is looked at
    first:   loss of the run's first step, where that is known
    remedy:  which settings to lower, in words
    several: whether several phases are at work
    """
    begins = max((at for at, line in enumerate(lines) if line.get("event") == STAGE_BEGINS), default=-1)
    logged = [line for line in lines[begins + 1 :] if line.get("kind") == "step" and _is_number(line.get("loss"))]
    points = [(int(line["step"]), float(line["loss"])) for line in logged]
    found = divergence(points, first if begins < 0 else None, several=several)
    if found is None:
        return []
    return [
        Finding(check=NAME, name=NAME, severity="warning", evidence=found.evidence, action=remedy, step=found.above)
    ]


def remedy(rate: float, *, own: bool, clip: float) -> str:
    """Which settings to lower. rate: the highest so far;  own: whether the caller's optimiser has it;  clip: 0 for none"""
    lower = f"the rate of the optimiser, which was {rate:.3g}" if own else (
        f"--lr, which was {rate:.3g}, such as --lr {rate / 10:.1g}"
    )  # fmt: skip
    return f"lower {lower}" + ("" if clip else ", or add --clip 1")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
