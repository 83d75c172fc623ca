"""A run that is worse than an answer without a look at the input is said, and one that learns something is not."""

from collections.abc import Sequence

from sonde.diagnose.rules.baseline import below_baseline
from sonde.diagnose.seen import Context

CONTEXT = Context(own=True, task="ModuleTask", phases=1, optimizer="adam", rate=1e-3, rows=32, batches=10, total=100)


def result(score: float, other: float, metric: str = "accuracy", diagnosis: Sequence[str] = ()) -> dict[str, object]:
    return {
        "headline": metric, "metrics": {"train": {"loss": 1.0}, "test": {metric: score}}, "steps": 40,
        "baseline": {metric: other, "what": "always predicting 1"}, "diagnosis": list(diagnosis),
    }  # fmt: skip


def test_a_headline_below_the_baseline() -> None:
    (found,) = below_baseline(result(0.55, 0.64), larger=True, rows=400)
    assert (found.name, found.severity, found.step) == ("worse-than-baseline", "warning", 40)
    assert found.evidence == "accuracy on the test rows is 0.550, and always predicting 1 has 0.640"
    (found,) = below_baseline(result(1.2, 1.0, "rmse"), larger=False, rows=None)
    assert found.severity == "warning"


def test_a_difference_by_chance_is_none() -> None:
    """0.62 and 0.64 of 100 rows: a standard error is 0.048."""
    assert below_baseline(result(0.62, 0.64), larger=True, rows=100) == []
    assert below_baseline(result(1.01, 1.0, "rmse"), larger=False, rows=None) == []
    assert below_baseline(result(0.9, 0.64), larger=True, rows=100) == []
    assert below_baseline(result(0.1, 0.64), larger=None, rows=100) == []


def test_what_is_explained_already_is_a_note() -> None:
    (found,) = below_baseline(result(0.2, 0.64, diagnosis=["learning-rate-too-high"]), larger=True, rows=400)
    assert found.severity == "note"


def test_without_a_baseline_there_is_nothing_to_compare() -> None:
    assert below_baseline({"headline": "loss", "metrics": {"train": {}}, "baseline": {}}, larger=False, rows=3) == []
    assert below_baseline({"headline": "", "metrics": {}, "baseline": {}}, larger=None, rows=None) == []
