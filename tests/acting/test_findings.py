"""What the doctor says of short runs in environments with a planted fault, while they train and of their folder."""

from pathlib import Path
from typing import Any

import pytest

import sonde
from sonde.acting.experience.counts import Counts
from sonde.core.run_folder import RunFolder
from sonde.diagnose.rules import experience
from sonde.engine.json_lines import read_lines
from sonde.run.diagnosing import read_only
from tests.acting.faulty import Blind, OneStep, Target, Unrewarded

SHORT: dict[str, Any] = {
    "threads": 1, "quiet": True, "episodes": 1, "test_episodes": 1, "schedule": "constant", "environments": 4, "rollout": 32,
    "reuse": 1, "batch_size": 64, "hidden": (4,), "evaluate_every": "30 steps", "steps": 40, "workers": 0,
    "films": False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "name"),
    [(Unrewarded, "reward-never-seen"), (Blind, "inputs-constant"), (OneStep, "episodes-of-one-step"), (Target, None)],
)
def test_a_planted_fault_is_found_first(
    kind: type[Target], name: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(experience, "AT_END", 1_000)
    run = sonde.train(kind, task="ppo", out=tmp_path / "run", **SHORT)
    lines = read_lines(run.folder / "findings.jsonl")
    loud = [line["name"] for line in lines if line["severity"] == "warning"]
    assert loud[:1] == ([] if name is None else [name])
    found = read_only(RunFolder(run.folder))
    again = [each.name for each in found.findings]  # what only ends badly by it follows as a note
    assert again[:1] == loud[:1]
    assert set(again) >= set(loud)
    assert found.seen is not None
    course = found.seen.course
    assert [each.step for each in course.entries] == [10, 20, 30, 40]
    assert {f"reward_{end}" for end in ("lowest", "highest")} <= set(course.entries[0].numbers)


def test_figures_of_counts_are_those_that_rules_ask_for() -> None:
    named = set(Counts(1).figures) | {
        f"{what}_{end}" for what in ("reward", "return", "length") for end in ("lowest", "highest")
    }
    assert {"episodes", "observations_alike", "length_going"} <= named
