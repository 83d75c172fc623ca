"""What was found of how a run was evaluated, once a resume evaluates otherwise."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sonde.core.findings import Finding
from sonde.engine.json_lines import read_lines
from sonde.engine.training import Progress
from sonde.run import judged_anew

LONGER = "give a longer --time-limit than 40s"
FOUND = {
    "nothing-evaluated": {"action": f"{LONGER}, or let episodes be shorter (--max-episode-steps)", "step": 368},
    "partial-evaluation": {"action": f"{LONGER} to evaluate all episodes", "step": 200},
    "episodes-never-end": {
        "action": "cut episodes off: --max-episode-steps 1000; what follows still counts",
        "step": 90,
    },
    "slow-evaluation": {"action": "give more time: --time-limit 9m", "step": 90},
    "overfitting": {"action": "more rows", "step": 90},
}


def left(place: Path, changed: list[str], best: int | None = None, found: tuple[str, ...] = ()) -> set[str]:
    """Names of findings that stay. best: step of the best checkpoint;  found: names of what the data were found to have again"""
    file = place / "findings.jsonl"
    lines = [
        {"name": name, "check": name, "severity": "warning", "evidence": "", **each} for name, each in FOUND.items()
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    size = file.stat().st_size
    again = [Finding(check=name, severity="warning", evidence="", action="", name=name) for name in found]
    attempt: Any = SimpleNamespace(folder=SimpleNamespace(findings=file), job=SimpleNamespace(found=again))
    progress = Progress(best=None if best is None else {"step": best})
    judged_anew._withdraw(attempt, changed, progress)
    assert file.stat().st_size == size, "checkpoints know how far it went"
    return {line["name"] for line in read_lines(file)}


@pytest.mark.parametrize(("changed", "gone"), [
    ([], set()),
    (["max_episode_steps"], {"nothing-evaluated", "episodes-never-end"}),
    (["time_limit"], {"nothing-evaluated", "partial-evaluation"}),
])  # fmt: skip
def test_what_named_a_setting_that_is_changed_is_taken_back(tmp_path: Path, changed: list[str], gone: set[str]) -> None:
    assert left(tmp_path, changed) == set(FOUND) - gone


def test_the_evaluation_that_still_chooses_is_in_part_whatever_the_limit(tmp_path: Path) -> None:
    assert "partial-evaluation" in left(tmp_path, ["time_limit"], best=200)
    assert "partial-evaluation" not in left(tmp_path, ["time_limit"], best=300)


def test_what_is_found_again_stays(tmp_path: Path) -> None:
    assert "episodes-never-end" in left(tmp_path, ["max_episode_steps"], found=("episodes-never-end",))
