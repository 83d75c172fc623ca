"""A run that is worse than an answer without a look at the input is said, and one that learns something is not."""

import math
from collections.abc import Sequence

from sonde.diagnose.rules.baseline import below_baseline, worse_than_guessing
from sonde.diagnose.seen import Context, Evaluated, Seen
from sonde.diagnose.signals import calls
from sonde.diagnose.signals.answers import Answers
from sonde.diagnose.signals.sample import LossCall, Sample, Trace

CONTEXT = Context(own=True, task="ModuleTask", phases=1, optimizer="adam", rate=1e-3, rows=32, batches=10, total=100)


def seen(*answers: Answers, loss: float = 1.0, samples: Sequence[Sample] = ()) -> Seen:
    looked = [
        Evaluated(step=10 * n, epoch=n, metrics={"loss": loss}, answers=each) for n, each in enumerate(answers, 1)
    ]
    return Seen(
        context=CONTEXT, trace=Trace(losses=[1.0] * 100, samples=list(samples)), evaluations=looked, moment="end"
    )


def confusion(*rows: Sequence[int]) -> Answers:
    return Answers(confusion=rows, rows=sum(map(sum, rows)))


def test_answers_no_better_than_the_most_frequent_class() -> None:
    found = worse_than_guessing(seen(*2 * [confusion((30, 30), (20, 20))]))
    assert found is not None
    assert (found.name, found.certainty, found.place) == ("worse-than-guessing", "likely", "outcome")
    assert "50.0 % of 100 validation rows are answered right; always answering class 0 has 60.0 %" in found.evidence


def test_one_evaluation_that_was_better_is_enough() -> None:
    assert worse_than_guessing(seen(confusion((50, 10), (5, 35)), confusion((30, 30), (20, 20)))) is None


def test_weighted_classes_may_cost_right_answers() -> None:
    """90 of 100 rows are of one class: 80 % right, and both classes are found in 80 %."""
    assert worse_than_guessing(seen(*2 * [confusion((72, 18), (2, 8))])) is None


def test_of_a_single_class_or_few_rows_nothing_is_said() -> None:
    assert worse_than_guessing(seen(*2 * [confusion((160, 0), (0, 0))])) is None
    assert worse_than_guessing(seen(*2 * [confusion((8, 8), (8, 8))])) is None
    assert worse_than_guessing(seen()) is None


def test_squared_errors_beside_the_variance() -> None:
    n, mean, square = 1000.0, 0.0, 1.0  # targets with a variance of 1
    call = LossCall(
        kind=calls.VALUES, name="mse_loss", value=1.0, shape=(32, 1), target=(32, 1), lowest=-1, highest=1, off=None, spread=1.0,
        sums=(n, n * mean, n * square),
    )  # fmt: skip
    sample = Sample(step=1, phase="model", loss=1.0, norm=1.0, rate=1e-3, weights=[], calls=[call])
    answers = Answers(spread=1.0, wanted=1.0, rows=200)
    found = worse_than_guessing(seen(answers, answers, loss=1.5, samples=[sample]))
    assert found is not None
    assert (
        "the squared error of the validation rows is 1.50, and always answering their mean has 1.00" in found.evidence
    )
    assert worse_than_guessing(seen(answers, answers, loss=1.01, samples=[sample])) is None
    assert worse_than_guessing(seen(answers, answers, loss=math.nan, samples=[sample])) is None
    assert worse_than_guessing(seen(answers, answers, loss=1.5)) is None  # a loss of somebody's own


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
