"""Examining a run from its folder: what was found while it trained, and what its signals say of its inside."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sonde.core.damaged import reading
from sonde.core.files import read_json
from sonde.core.findings import WORST_FIRST
from sonde.core.run_folder import open_run
from sonde.engine.json_lines import read_lines
from sonde.report.layers import Inside, inside


def found(run: Path | str) -> list[dict[str, Any]]:
    """The findings of a run, the likeliest cause of all others first, then by severity in the order in which they were said.

    Raises: RunFolderError for a folder that holds no run
    """
    folder = open_run(run)
    lines = read_lines(folder.findings)
    diagnosis: Sequence[str] = read_json(folder.result).get("diagnosis", []) if folder.result.exists() else []
    return sorted(lines, key=lambda line: (_rank(line, diagnosis), WORST_FIRST.index(line["severity"])))


def _rank(line: Mapping[str, Any], diagnosis: Sequence[str]) -> int:
    if line.get("severity") == "error":
        return -1
    name = line.get("name")
    return diagnosis.index(name) if name in diagnosis else len(diagnosis)


def seen_inside(run: Path | str) -> Inside | None:
    """What was measured inside the network; None where nothing was.

    Raises: RunFolderError for a folder that holds no run, or whose signals.jsonl holds what no run writes
    """
    folder = open_run(run)
    with reading(folder.signals, run=folder.path):
        return inside(list(read_lines(folder.signals)))
