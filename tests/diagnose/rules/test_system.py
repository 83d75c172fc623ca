"""Where the time of a run goes."""

import pytest
from examined import evaluated, seen

from sonde.diagnose.rules import system


@pytest.mark.parametrize(
    ("waited", "computed", "named"),
    [(20.0, 10.0, True), (4.0, 1.0, True), (4.0, 4.0, False), (0.4, 0.1, False), (20.0, 90.0, False)],
)
def test_waiting_for_rows(waited: float, computed: float, named: bool) -> None:
    found = system.slow_input(seen(spent={"input": waited, "step": computed, "optimizer": 0.0}))
    assert (found is not None) == named
    if found is not None:
        assert found.name == "slow-input"
        assert f"{100 * waited / (waited + computed):.1f} %" in found.evidence


def test_evaluating_longer_than_training() -> None:
    evaluations = evaluated([1.0, 0.9, 0.8])
    found = system.slow_evaluation(seen(spent={"evaluation": 20.0, "step": 10.0}, evaluations=evaluations))
    assert found is not None
    assert found.name == "slow-evaluation"
    assert system.slow_evaluation(seen(spent={"evaluation": 5.0, "step": 10.0}, evaluations=evaluations)) is None


def test_acting_belongs_to_training() -> None:
    evaluations = evaluated([1.0, 0.9, 0.8])
    spent = {
        "total": 60.0,
        "startup": 4.0,
        "input": 1.0,
        "step": 7.6,
        "optimizer": 0.6,
        "evaluation": 11.0,
        "other": 3.0,
    }
    assert system.slow_evaluation(seen(spent=spent, evaluations=evaluations)) is not None
    acted = {"environment": 12.5, "policy": 7.2}
    assert system.slow_evaluation(seen(spent=spent | acted, evaluations=evaluations)) is None
    assert system.slow_input(seen(spent=spent | {"input": 6.0})) is not None
    assert system.slow_input(seen(spent=spent | {"input": 6.0} | acted)) is None
