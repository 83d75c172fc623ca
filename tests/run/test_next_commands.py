"""What the end of a run offers to try next works."""

from pathlib import Path

import pytest

from sonde.core.config_file import write_config
from sonde.core.run_folder import RunFolder
from sonde.report.next_steps import Step
from sonde.run import next_commands


@pytest.mark.parametrize(
    ("steps", "shown"), [(["sonde eval run pics --judge CLASSIFIER_RUN"], 0), (["train", "eval"], 2)]
)
def test_a_judge_is_offered_where_one_can_be_trained(
    steps: list[str], shown: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("read_folder", "as_shown"):
        monkeypatch.setattr(next_commands, name, lambda given: given)
    monkeypatch.setattr(next_commands, "judge_steps", lambda run: [Step(command=each, why="") for each in steps])
    write_config(tmp_path / "config.yaml", data="pics", settings={}, origin={}, reasons={})
    assert next_commands._judging(RunFolder(tmp_path), clips=False) == steps[:shown]
    assert next_commands._judging(RunFolder(tmp_path), clips=True) == [f"sonde eval {tmp_path} pics --number 200"]
