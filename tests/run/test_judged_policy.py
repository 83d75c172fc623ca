"""What is found of a policy by the episodes that judge it, from a run's parts."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sonde.acting.evaluation.episodes import Episodes
from sonde.core.dataset import TargetSpec
from sonde.core.files import write_json
from sonde.run.judged_policy import of_policy
from sonde.tasks.sac.config import SACConfig

NUMBERS = TargetSpec(kind="control", names=("action 0",), mean=(0.0,), std=(2.0,))
CHOICES = TargetSpec(kind="action", names=("0", "1"))
PARTS = TargetSpec(kind="actions", names=("action 0",), shape=(2,), mean=(0.0,), std=(1.0,))


class Played(Episodes):
    def __init__(self, taken: dict[int, np.ndarray]) -> None:
        self.taken = taken


def found(place: Path, target: TargetSpec, *, alone: bool = False, alike: float = 0.0) -> list[str]:
    """Names of what is found of four episodes of the same action. alone: whether each action was tried as a baseline

    alike: whether observations were
    """
    (place / "test").mkdir(exist_ok=True)
    policies = [{"what": "a random policy", "return": [1.0]}, {"what": "always action 1", "return": [2.0]}][: 1 + alone]
    write_json(place / "test" / "baseline.json", {"policies": policies, "why": ""})
    write_json(place / "test" / "episodes.json", {"return": [1.0] * 4})
    shape = (30,) if target is CHOICES else (30, 1)
    attempt: Any = SimpleNamespace(
        assembly=SimpleNamespace(
            evaluation_sources={"test": Played(dict.fromkeys(range(4), np.ones(shape)))},
            dataset=SimpleNamespace(schema=SimpleNamespace(target=target)),
        ),
        folder=SimpleNamespace(evaluation=place),
        config=SimpleNamespace(task_config=SACConfig()),
    )
    result = {"steps": 100, "experience": {"observations_alike": alike}, "metrics": {"test": {"return": 1.0}}}
    said = of_policy(attempt, "test", result)
    assert of_policy(attempt, "validation", result) == [], "which was not played"
    assert all(each.action.startswith("--scale-observations") for each in said)
    return [each.name for each in said]


@pytest.mark.parametrize("target", [NUMBERS, CHOICES, PARTS])
def test_a_policy_of_one_action(target: TargetSpec, tmp_path: Path) -> None:
    assert found(tmp_path, target) == ["actions-alike"]
    assert found(tmp_path, target, alike=1.0) == [], "there is nothing to tell apart"
    assert found(tmp_path, target, alone=True) == ([] if target is CHOICES else ["actions-alike"])
