"""A finding of an automatic check: its evidence and what to do."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["note", "warning", "error"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of `findings.jsonl`."""

    check: str  # short name, such as "batch norm under accumulation"
    severity: Severity
    evidence: str  # the numbers that were seen
    action: str  # what to change, as a flag where possible
    step: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)
