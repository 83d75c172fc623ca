"""Whether micro-batches together have the loss of the whole batch: tried on the first one."""

import math

import torch
from torch import Tensor

from sonde.core.batch import Batch
from sonde.core.findings import Finding
from sonde.core.seams import Loss, Phase, Task, as_loss, extras_of
from sonde.engine import random_state
from sonde.engine.evaluate import WithoutGradients, evaluation_mode
from sonde.engine.tree import copied

APART = 2e-5  # of the loss: rounding of fp32 sums, in which it is tried whatever the run's precision, stays far below


def accumulated_loss(task: Task, pieces: int, batch: Batch | None, device: torch.device) -> list[Finding]:
    """A warning for a loss that is no mean over the rows and does not say what it is a mean over.

    Nothing is found where losses are drawn at random, of which two computations differ anyway.
    """
    if pieces == 1 or batch is None or len(batch) < 2 or extras_of(task).across_rows:  # which is named already
        return []
    found = []
    state = copied(extras_of(task).state_dict())
    with random_state.apart(device), evaluation_mode(task.modules):
        for phase in task.phases:
            whole, again = (_together(phase, [batch]) for _ in range(2))
            if whole is None or whole != again or not math.isfinite(whole):
                continue
            parts = _together(phase, batch.split(pieces))
            if parts is None or not abs(parts - whole) <= APART * max(abs(whole), 1e-6):
                found.append(_finding(phase, pieces, whole, parts))
    extras_of(task).load_state_dict(state)
    return found


def _together(phase: Phase, pieces: list[Batch]) -> float | None:
    """The loss of pieces weighted as a step weights them; None where it is no number, which the step itself refuses."""
    look, total, weight = WithoutGradients(lambda piece: {"loss": phase.loss(piece)}), 0.0, 0.0  # type: ignore[dict-item]
    for piece in pieces:
        loss = as_loss(look(piece)["loss"], len(piece))
        if not isinstance(loss, Loss) or not isinstance(loss.value, Tensor) or loss.value.numel() != 1:
            return None
        total += float(loss.value.detach()) * float(loss.weight)
        weight += float(loss.weight)
    return total / weight if weight else None


def _finding(phase: Phase, pieces: int, whole: float, parts: float | None) -> Finding:
    seen = "of which one or more have none" if parts is None else f"{parts:.4g} over {pieces} micro-batches"
    return Finding(
        check="gradient accumulation changes the loss",
        name="gradient-accumulation-changes-the-loss",
        severity="warning",
        evidence=f"phase {phase.name!r}: the first batch has the loss {whole:.4g} as a whole, and {seen}: it is not a "
        "mean over its rows",
        action="return sonde.Loss(value, weight), where weight is what the sum was divided by, such as weights.sum() "
        "or mask.sum(); or give --accumulate 1",
    )
