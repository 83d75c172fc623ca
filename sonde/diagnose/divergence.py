"""Whether a loss ended far above where it began, though it stayed a number."""

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from sonde.core.findings import Finding
from sonde.core.records import STAGE_BEGINS

TIMES = 1e3
"""How far above its start a loss that is never negative must end. Noise, warm restarts and a rate too high for a while stay far
below: of cross entropies of C classes a start is log C, and an answer that is surely wrong in fp32 about 100."""

TIMES_SIGNED = 1e6
"""The same for a loss that is negative somewhere: a critic's, whose zero means nothing, drifts by
thousands in runs that are well."""

SMALL, SMALL_SIGNED = 1e-6, 1.0
"""What a smaller start is taken for, so that a loss that begins at 0 (a term that grows on purpose, a critic's) is not a quotient
by nothing. Where several phases are at work, whose losses pull against each other, the larger holds for all."""

LAST = 5  # logged lines of which the median is the end, so that one spike is none


def diverged(
    lines: Sequence[Mapping[str, Any]], first: float | None, *, remedy: str, several: bool = False
) -> list[Finding]:
    """That the training loss ended `TIMES` and more above its start.

    lines:   of metrics.jsonl, each with the mean loss of some steps; of stages the last alone is looked at
    first:   loss of the run's first step, where that is known: a rate that is far too high is through within the first line
    remedy:  which settings to lower, in words
    several: whether several phases are at work
    """
    begins = max((at for at, line in enumerate(lines) if line.get("event") == STAGE_BEGINS), default=-1)
    logged = [line for line in lines[begins + 1 :] if line.get("kind") == "step" and _is_number(line.get("loss"))]
    if not logged:
        return []
    losses = [float(line["loss"]) for line in logged]
    known = first is not None and begins < 0 and math.isfinite(first)
    start = first if known and first is not None else losses[0]
    signed = several or min(*losses, start) < 0
    last = losses[-LAST:]
    end = median(last)
    scale = max(abs(start), SMALL_SIGNED if signed else SMALL)
    if end < (TIMES_SIGNED if signed else TIMES) * scale:
        return []
    steps = f"step{'s' * (len(last) > 1)} {logged[-len(last)]['step']:,}" + (
        f" to {logged[-1]['step']:,}" if len(last) > 1 else ""
    )
    begun = "in the first step" if known else f"at step {logged[0]['step']:,}"
    above = next(line["step"] for line, loss in zip(logged, losses, strict=True) if loss >= TIMES * scale)
    return [
        Finding(
            check="diverged",
            severity="warning",
            evidence=f"the training loss was {start:.4g} {begun} and {end:.4g} at the end (median of what was logged at "
            f"{steps}), {end / scale:.1g} times as much; above {TIMES:g} times by step {above:,}",
            action=remedy,
            step=above,
        )
    ]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
