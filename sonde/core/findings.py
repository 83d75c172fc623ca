"""A finding of an automatic check: its evidence and what to do."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["note", "warning", "error"]
Certainty = Literal["certain", "likely", "suspected"]
WORST_FIRST: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of `findings.jsonl`."""

    check: str  # short name, such as "batch norm under accumulation"
    severity: Severity
    evidence: str  # the numbers that were seen
    action: str  # what to change, as a flag where possible
    step: int | None = None
    where: str = ""  # layer, class, column or rows
    certainty: Certainty = "certain"  # a fact; two signals that agree, or a trial; one signal
    name: str = ""  # by which `silence` leaves it out of the warnings; empty for what cannot be silenced

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def grouped(found: Iterable[Mapping[str, Any]]) -> list[tuple[str, str, list[Mapping[str, Any]]]]:
    """(severity, check, its findings) of findings as they were written, the most severe first.

    Findings of a check at several steps are one group; without a step only those with the same text are.
    """
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for finding in found:
        text = "" if finding.get("step") is not None else str(finding.get("evidence"))
        groups.setdefault((str(finding.get("severity")), str(finding.get("check")), text), []).append(finding)
    rank = {severity: place for place, severity in enumerate(WORST_FIRST)}
    ordered = sorted(groups.items(), key=lambda item: rank.get(item[0][0], len(rank)))
    return [(severity, check, same) for (severity, check, _), same in ordered]
