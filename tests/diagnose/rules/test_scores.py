"""Answers to validation rows."""

import pytest
import torch
from examined import EVEN, answered, call, context, evaluated, flat, seen
from torch import nn

from sonde.diagnose.rules import scores
from sonde.diagnose.seen import without_tries
from sonde.diagnose.signals.answers import Answers
from sonde.settings import TrainKeywords

FALL = [1.0, 0.8, 0.7, 0.6]
THINNED = {**EVEN, 9: 2}


def test_a_class_that_is_answered_for_no_row() -> None:
    run = seen(loss_call=call(THINNED), evaluations=evaluated(FALL, answers=answered({9: 0.0})))
    found = scores.never_predicted(run)
    assert found is not None
    assert (found.name, found.where, found.certainty) == ("class-never-predicted", "class 9", "likely")
    assert "of 1,036 training targets that were counted it is 2.70 %" in found.evidence
    assert "100 validation rows" in found.evidence


def test_classes_found_now_and_then_and_classes_of_few_rows() -> None:
    assert scores.never_predicted(seen(evaluations=evaluated(FALL, answers=answered({9: 0.1})))) is None
    few = answered({9: 0.0}, sizes={9: 10})
    assert scores.never_predicted(seen(evaluations=evaluated(FALL, answers=few))) is None
    tokens = call(EVEN, target=(2000,), shape=(2000, 10))
    assert (
        scores.never_predicted(seen(loss_call=tokens, evaluations=evaluated(FALL, answers=answered({9: 0.0})))) is None
    )


def test_of_a_network_that_has_learned_little_it_is_only_suspected() -> None:
    found = scores.never_predicted(seen(flat(1.6), evaluations=evaluated(FALL, answers=answered({9: 0.0}))))
    assert found is not None
    assert found.certainty == "suspected"


def test_before_half_the_run_a_class_may_still_come() -> None:
    evaluations = evaluated(FALL, answers=answered({9: 0.0}))
    assert scores.never_predicted(seen(evaluations=evaluations[:2], moment="evaluation")) is None


@pytest.mark.parametrize(("recall", "named"), [(0.1, True), (0.5, False)])
def test_a_rare_class_that_is_hardly_found(recall: float, named: bool) -> None:
    many = {place: 400 for place in range(9)} | {9: 20}
    run = seen(loss_call=call(many, target=(80,)), evaluations=evaluated(FALL, answers=answered({9: recall})))
    found = scores.imbalance(run)
    assert (found is not None) == named
    if found is not None:
        assert found.where == "class 9"
        assert "20.0 times rarer" in found.evidence


def test_a_rare_class_of_few_rows_where_all_have_one_answer() -> None:
    """14 rows of 294: of the class nothing is found; where the loss is below that of guessing a weak signal may be why."""
    many, table = {0: 1140, 1: 60}, [[280, 0], [14, 0]]
    used = call(many, shape=(1200, 2), target=(80,))
    poor = scores.imbalance(
        seen(flat(0.38), loss_call=used, evaluations=evaluated(FALL, answers=Answers(confusion=table)))
    )
    assert poor is not None
    assert (poor.name, poor.where, poor.certainty) == ("class-imbalance", "class 1", "likely")
    assert "0 % of its 14 validation rows are found; nearly every row" in poor.evidence
    assert "is predicted as class 0" in poor.evidence
    weak = scores.imbalance(
        seen(flat(0.1), loss_call=used, evaluations=evaluated(FALL, answers=Answers(confusion=table)))
    )
    assert weak is not None
    assert weak.certainty == "suspected"
    found = Answers(confusion=[[278, 2], [12, 2]])
    assert scores.imbalance(seen(flat(0.1), loss_call=used, evaluations=evaluated(FALL, answers=found))) is None


def test_the_advice_is_a_setting_or_a_line_that_works() -> None:
    ours, own = seen(of=context(by_call=False)), seen()
    assert scores.weighing(ours).startswith("weight the classes (--class-weights balanced)")
    assert {"balanced", "class_weights"} <= TrainKeywords.__annotations__.keys()
    n = torch.tensor([0] * 90 + [1] * 10).bincount().clamp(min=1)
    line = "nn.CrossEntropyLoss(weight=n.sum() / (len(n) * n))"
    assert line in scores.weighing(own)
    assert eval(line, {"nn": nn, "n": n}).weight.tolist() == pytest.approx([0.5556, 5.0], rel=1e-3)


def test_one_answer_for_all_rows() -> None:
    table = [[0, 100] if place else [0, 100] for place in range(2)]
    found = scores.answers_alike(seen(evaluations=evaluated(FALL, answers=Answers(confusion=table, rows=200))))
    assert found is not None
    assert found.name == "answers-alike"
    assert found.action.endswith(
        "; sonde.doctor(RUN, model=…, data=…, loss=…) tests whether the network can overfit a single batch"
    )
    assert without_tries(found.action) == "the network does not use its inputs"
    unequal = Answers(confusion=[[0, 5], [0, 195]], rows=200)
    assert scores.answers_alike(seen(evaluations=evaluated(FALL, answers=unequal))) is None
    assert scores.answers_alike(seen(evaluations=evaluated(FALL, answers=answered(0.1)))) is None


def test_values_that_hardly_differ() -> None:
    run = seen(evaluations=evaluated(FALL, answers=Answers(spread=0.006, wanted=1.0, rows=99)))
    assert scores.answers_alike(run) is not None
    other = seen(evaluations=evaluated(FALL, answers=Answers(spread=0.3, wanted=1.0, rows=99)))
    assert scores.answers_alike(other) is None


def test_answers_of_the_first_evaluations_say_nothing_of_the_end() -> None:
    """Those of later ones are missing where there was no time to look on."""
    early = evaluated(FALL[:1], steps=100, answers=answered({9: 0.0})) + evaluated(FALL)[1:]
    assert scores.never_predicted(seen(loss_call=call(THINNED), evaluations=early)) is None
