"""Checks of a run before its first step."""

from torch import nn

from sonde.core.config import TransferConfig
from sonde.core.findings import Finding
from sonde.core.seams import Source, Task, extras_of

MIXING = (nn.modules.batchnorm._BatchNorm,)


def accumulation(task: Task, pieces: int) -> list[Finding]:
    """What makes the accumulated gradient of `pieces` micro-batches differ from the whole batch's."""
    if pieces == 1:
        return []
    found = []
    norms = sum(isinstance(module, MIXING) for module in task.modules.modules())
    if norms:
        found.append(
            _finding("batch norm", f"{norms} batch-norm layers see {pieces} micro-batches instead of the whole batch")
        )
    drops = sum(drops_units(module) for module in task.modules.modules())
    if drops:
        found.append(_finding("dropout", f"{drops} dropout layers draw a new mask for each of {pieces} micro-batches"))
    found += [
        _finding(name, f"the loss {name!r} compares rows with each other, and a micro-batch holds fewer")
        for name in extras_of(task).across_rows
    ]
    return found


def frozen_untrained(config: TransferConfig) -> list[Finding]:
    """Weights of a network of ours that are kept as they were drawn: frozen, though nothing was loaded into them."""
    if config.freeze in ("none", 0) or config.pretrained is not None:
        return []
    return [
        Finding(
            check="frozen random weights",
            name="frozen-random-weights",
            severity="warning",
            evidence=f"--freeze {config.freeze} keeps weights as they were initialised: no --pretrained is given",
            action="add --pretrained, or leave --freeze out",
        )
    ]


def inexact_resume(source: Source, *, step: int = 0) -> list[Finding]:
    """Why a run on these data cannot be resumed exactly, as far as the source tells. step: that of a run that is resumed"""
    source = getattr(source, "source", source)  # one that was looked at is wrapped
    if getattr(source, "exact", True):
        return []
    sees = "may not see" if getattr(source, "likely", False) else "does not see"
    who = "this resumed run" if step else "a resumed run"
    return [
        Finding(
            check="resume is not exact",
            name="resume-is-not-exact",
            severity="note" if getattr(source, "likely", False) else "warning",
            evidence=f"{who} {sees} the batches that an uninterrupted one would have seen: {getattr(source, 'why', '')}",
            action=getattr(source, "remedy", ""),
            step=step or None,
        )
    ]


def drops_units(module: nn.Module) -> bool:
    """Whether a module zeroes units at random while training: torch's dropout, ours, and those that models bring along.

    Recognised by the name of its class and its rate, which are the same wherever such layers are written; torch's attention and
    recurrent layers keep theirs in `dropout`.

    >>> drops_units(nn.Dropout(0.1)), drops_units(nn.Dropout(0.0)), drops_units(nn.MultiheadAttention(4, 1, dropout=0.1))
    (True, False, True)
    """
    named = "drop" in type(module).__name__.lower()
    shares = [getattr(module, name, None) for name in (("p", "drop_prob", "dropout") if named else ("dropout",))]
    return any(isinstance(share, float | int) and share > 0 for share in shares)


def _finding(what: str, evidence: str) -> Finding:
    return Finding(
        check="gradient accumulation differs from the whole batch",
        severity="note",
        evidence=f"{what}: {evidence}",
        action="expected; use group or layer norm, or --accumulate 1, where equality with the whole batch matters",
    )
