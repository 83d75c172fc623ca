"""Findings of a run that are not about how its toy network learns."""

from pathlib import Path
from typing import Any

from sonde.core.findings import NOTICES
from sonde.engine.json_lines import read_lines

ABOUT_THE_PROGRAM = frozenset(
    [
        "frozen-part-in-training-mode",
        "loss-that-sums",
        "outputs-that-are-no-log-probabilities",
        "parameters-without-a-gradient",
        "parameters-without-an-optimiser",
        "phase-that-never-runs",
        "probabilities-instead-of-logits",
    ]
)


def other_findings(run: Path) -> list[dict[str, Any]]:
    """Those that are facts about the program: no network of a few steps learns as the doctor would have it."""
    return [
        line
        for line in read_lines(run / "findings.jsonl")
        if not line["name"] or line["name"] in ABOUT_THE_PROGRAM | NOTICES
    ]
