"""A diagnosis in lines: what is wrong, by what it was seen, where, what to do about it, how sure that is, how to silence it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sonde.core.units import count

SURE = {"certain": "a fact", "likely": "likely", "suspected": "a suspicion"}


def diagnosis_lines(found: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """(severity, lines) of each finding, in their order, which is that of causes before what follows from them.

    >>> diagnosis_lines([{"check": "dead units", "severity": "warning", "evidence": "90 % are 0", "action": "use gelu", "step": 3,
    ...                   "where": "body.2", "certainty": "likely", "name": "dead-units"}])[0][1]
    ['dead units (likely), step 3, in body.2: 90 % are 0', 'to do: use gelu', 'intended? --silence dead-units']
    """
    blocks = []
    for finding in found:
        step, where = finding.get("step"), finding.get("where")
        place = (f", step {count(step)}" if step is not None else "") + (f", in {where}" if where else "")
        sure = SURE.get(str(finding.get("certainty", "certain")), "")
        lines = [f"{finding['check']} ({sure}){place}: {finding['evidence']}"]
        if finding.get("action"):
            lines.append(f"to do: {finding['action']}")
        if finding.get("name") and finding.get("severity") != "note":
            lines.append(f"intended? --silence {finding['name']}")
        blocks.append((str(finding.get("severity")), lines))
    return blocks


def answered(answer: bool | None) -> str:
    """What a trial has shown, in a word."""
    return "open" if answer is None else "yes" if answer else "no"
