"""A run that acts stops where its evaluation is as good as it was to be."""

from pathlib import Path

import pytest

import sonde
from sonde.core.errors import ConfigError
from sonde.core.files import read_json
from sonde.screen.summary import result_lines
from tests.acting.test_resume import RUNS, SHORT


def test_it_ends_at_the_evaluation_that_reaches_the_value_and_is_trained_further_for_a_higher_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, settings = RUNS["ppo"]
    given = {**SHORT, **settings, "evaluate_every": "5 steps", "out": tmp_path / "run"}
    sonde.train(name, steps=20, stop_at=1, **given)  # every episode returns that
    result = read_json(tmp_path / "run" / "result.json")
    assert (result["status"], result["ended_by"], result["steps"]) == ("reached", "stop_at", 5)
    assert result["reached"]["wanted"] == 1
    assert result["reached"]["value"] == result["metrics"]["validation"]["return"]
    assert any(line.startswith("stopped at step 5, after ") for line in result_lines(result))
    with pytest.raises(ConfigError, match="has reached stop_at=1 at step 5; give a value that is harder to reach"):
        sonde.resume(tmp_path / "run", steps=30)
    capsys.readouterr()
    sonde.resume(tmp_path / "run", stop_at=float("inf"))
    assert "spans the new length" not in capsys.readouterr().out
    result = read_json(tmp_path / "run" / "result.json")
    assert (result["status"], result["ended_by"], result["steps"]) == ("finished", "steps", 20)
    assert not {"reached", "not_reached"} & set(result)


def test_a_value_that_is_never_reached_is_told(tmp_path: Path) -> None:
    name, settings = RUNS["ppo"]
    given = {**SHORT, **settings, "evaluate_every": "5 steps", "out": tmp_path / "run"}
    sonde.train(name, steps=10, stop_at=1000, **given)
    result = read_json(tmp_path / "run" / "result.json")
    best = result["metrics"]["validation"]["return"]
    assert result["not_reached"] == {"metric": "return", "best": best, "wanted": 1000, "evaluations": 2}
    told = f"--stop-at 1000 was not reached: the best validation return of 2 evaluations was {best:.2f}"
    assert told in result_lines(result)
    assert (
        "A validation return of 1,000 (--stop-at); the best evaluation gave "
        in (tmp_path / "run" / "report.html").read_text()
    )
