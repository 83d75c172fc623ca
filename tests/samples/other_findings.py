"""Findings of a run that are not about how its toy network learns."""

from pathlib import Path
from typing import Any

from sonde.engine.json_lines import read_lines


def other_findings(run: Path) -> list[dict[str, Any]]:
    """Those without a name by which they could be silenced: no network of a few steps learns as the doctor would have it."""
    return [line for line in read_lines(run / "findings.jsonl") if not line["name"]]
