"""Examining a run from its folder: what was found while it trained, and what its signals say of its inside."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sonde.core.files import read_json
from sonde.core.findings import WORST_FIRST
from sonde.core.run_folder import open_run
from sonde.diagnose.recorded import whole_samples
from sonde.diagnose.signals.sample import Sample
from sonde.engine.json_lines import read_lines


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


def samples(run: Path | str) -> list[Sample]:
    """What was measured at the steps that were looked at; damaged lines are passed over.

    Raises: RunFolderError for a folder that holds no run
    """
    return whole_samples(read_lines(open_run(run).signals))[0]


def inside(sampled: Sequence[Sample]) -> list[tuple[str, ...]]:
    """A row for each weight, from the network's input to its output, at the first and last step that was looked at: its name, the
    norm of its gradient, update / size in per cent."""
    if not sampled:
        return []
    first, last = sampled[0], {weight.name: weight for weight in sampled[-1].weights}
    rows = []
    for weight in first.weights:
        then = last.get(weight.name, weight)
        norms = (each.gradient * each.entries**0.5 for each in (weight, then))
        ratios = (100 * each.ratio for each in (weight, then))
        rows.append((weight.name, *(f"{value:.3g}" for value in (*norms, *ratios))))
    return rows
