"""Examining a run from its folder: what was found while it trained, and what its signals say of its inside."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sonde.core.damaged import reading
from sonde.core.files import read_json
from sonde.core.run_folder import open_run
from sonde.engine.json_lines import read_lines
from sonde.report.layers import Inside, inside


def found(run: Path | str) -> tuple[list[dict[str, Any]], Sequence[str]]:
    """The findings of a run, and the diagnosis of one that ended: names, the likeliest cause of all others first.

    Raises: RunFolderError for a folder that holds no run
    """
    folder = open_run(run)
    diagnosis = read_json(folder.result).get("diagnosis") if folder.result.exists() else None
    return read_lines(folder.findings), diagnosis or ()


def seen_inside(run: Path | str) -> Inside | None:
    """What was measured inside the network; None where nothing was.

    Raises: RunFolderError for a folder that holds no run, or whose signals.jsonl holds what no run writes
    """
    folder = open_run(run)
    with reading(folder.signals, run=folder.path):
        return inside(list(read_lines(folder.signals)))
