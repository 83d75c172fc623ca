"""Whether a run became as good as was asked for, by its log."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from sonde.core.seams import Objective
from sonde.engine.early_stop import Target
from sonde.engine.training import Progress
from sonde.run.stop_at import reached

UPWARD = Target(Objective(metric="return", mode="max"), 5.0)


def log(folder: Path, *values: float | None) -> Path:
    lines: list[dict[str, Any]] = [{"kind": "step", "step": 1}]
    lines += [{"kind": "evaluation", "step": 1, "metrics": {"return": value}, "elapsed": 2.5} for value in values]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder / "metrics.jsonl"


@pytest.mark.parametrize(
    ("values", "mode", "best"),
    [
        ((1.0, 3.0, 2.0), "max", 3.0),
        ((1.0, 3.0), "min", 1.0),
        ((None, 2.0), "max", 2.0),
        ((None,), "max", None),
    ],
)
def test_the_best_of_what_was_evaluated_is_told(values: Any, mode: Any, best: float | None, tmp_path: Path) -> None:
    target = Target(Objective(metric="return", mode=mode), 5.0)
    found = reached(log(tmp_path, *values), Progress(), target)
    assert found == {"not_reached": {"metric": "return", "best": best, "wanted": 5.0, "evaluations": len(values)}}


def test_of_one_that_ended_by_it_the_last_value_is_told(tmp_path: Path) -> None:
    progress = Progress(ended_by="stop_at", metrics={"return": 6.0})
    found = reached(log(tmp_path, 1.0, 6.0), progress, UPWARD)
    assert found == {"reached": {"metric": "return", "value": 6.0, "wanted": 5.0, "seconds": 2.5}}


def test_nothing_is_told_where_nothing_was_asked_or_evaluated(tmp_path: Path) -> None:
    assert reached(log(tmp_path, 1.0), Progress(), None) == {}
    assert reached(log(tmp_path), Progress(), UPWARD) == {}
    assert reached(log(tmp_path, 1.0), Progress(), Target(UPWARD.objective, math.inf)) == {}
