"""What evaluations answer, beside values computed by hand."""

import pytest
import torch
from torch.nn import functional as F

from sonde.diagnose.signals.answers import EvaluationWatch

SCORES = torch.tensor([[2.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [5.0, 0.0, 0.0]])
TRUTH = torch.tensor([0, 1, 2, -100, 2])


def test_classes_are_counted_over_batches_by_truth_and_answer() -> None:
    with EvaluationWatch() as watch:
        F.cross_entropy(SCORES[:2], TRUTH[:2])
        F.cross_entropy(SCORES[2:], TRUTH[2:])
    answers = watch.answers()
    assert answers is not None
    assert answers.confusion == [[1, 0, 0], [0, 1, 0], [1, 1, 0]]
    assert answers.found() == [1.0, 1.0, 0.0]


def test_a_class_without_rows_has_no_share() -> None:
    with EvaluationWatch() as watch:
        F.nll_loss(SCORES[:2].log_softmax(1), TRUTH[:2])
    answers = watch.answers()
    assert answers is not None
    assert answers.found() == [1.0, 1.0, None]


def test_values_have_the_spread_of_all_rows_together() -> None:
    given, wanted = torch.linspace(0, 3, 12).reshape(6, 2), torch.linspace(-5, 9, 12).reshape(6, 2)
    with EvaluationWatch() as watch:
        F.mse_loss(given[:4], wanted[:4])
        F.mse_loss(given[4:], wanted[4:])
    answers = watch.answers()
    assert answers is not None
    assert answers.spread == pytest.approx(float(given.std(unbiased=False)))
    assert answers.wanted == pytest.approx(float(wanted.std(unbiased=False)))
    assert answers.rows == 12


def test_losses_of_several_widths_and_none_give_nothing() -> None:
    with EvaluationWatch() as watch:
        F.cross_entropy(SCORES, TRUTH)
        F.cross_entropy(SCORES[:, :2], torch.zeros(5, dtype=torch.long))
    assert watch.answers() is None
    assert EvaluationWatch().answers() is None


def test_what_is_computed_stays_the_same() -> None:
    with EvaluationWatch():
        inside = F.cross_entropy(SCORES, TRUTH)
    assert torch.equal(inside, F.cross_entropy(SCORES, TRUTH))
