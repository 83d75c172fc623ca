import pytest
import torch
import torch.nn.functional as F
from sklearn.dummy import DummyClassifier, DummyRegressor
from torch import Tensor

from sonde.tasks.custom.constant import Constant, LossOf, constant_answers
from sonde.tasks.custom.judged import Answers

GENERATOR = torch.Generator().manual_seed(0)
VALUES = torch.randn(201, generator=GENERATOR).exp()
CLASSES = torch.multinomial(torch.tensor([0.2, 0.5, 0.3]), 200, replacement=True, generator=GENERATOR)
OUTPUT = torch.randn(16, 3, generator=GENERATOR)


def of_values(loss: LossOf, targets: Tensor = VALUES, output: Tensor | None = None) -> list[Constant]:
    shown = Answers(torch.randn(16) if output is None else output, targets[:16], None, None)
    return constant_answers(targets, shown, loss)


def dummy(strategy: str) -> float:
    return float(DummyRegressor(strategy=strategy).fit(VALUES[:, None], VALUES).predict(VALUES[:1, None])[0])


def test_the_loss_says_whether_mean_or_median_comes_first() -> None:
    mean, median = of_values(F.mse_loss)
    assert (mean.what, median.what) == (
        f"always predicting the mean, {dummy('mean'):.4g}",
        f"always predicting the median, {dummy('median'):.4g}",
    )
    assert float(mean.output) == pytest.approx(dummy("mean"), rel=1e-6)
    assert float(median.output) == pytest.approx(dummy("median"), rel=1e-6)
    assert [each.what for each in of_values(F.l1_loss)] == [median.what, mean.what]
    assert mean.for_rows(7).shape == (7,)


def test_a_column_of_outputs_keeps_its_shape_and_even_numbers_have_their_middle() -> None:
    found = of_values(F.l1_loss, torch.tensor([[1.0], [2.0], [4.0], [10.0]] * 4), torch.randn(16, 1))
    assert found[0].for_rows(5).tolist() == [[3.0]] * 5
    several = of_values(F.mse_loss, torch.stack([VALUES, -VALUES], 1), torch.randn(16, 2))
    assert several[0].what == "always predicting the mean of each target"
    assert several[0].output[0].tolist() == pytest.approx([float(VALUES.mean()), -float(VALUES.mean())])


@pytest.mark.parametrize(
    "loss",
    [
        lambda output, target: F.poisson_nll_loss(output, target),  # outputs are logarithms of what is counted
        lambda output, target: F.binary_cross_entropy_with_logits(output, target),
        lambda output, target: (output * target).mean(),
        lambda output, target: None,
        lambda output, target: (output - target).square().mean() * float("nan"),
    ],
)
def test_where_a_perfect_answer_has_a_loss_nobody_knows_what_outputs_mean(loss: LossOf) -> None:
    assert of_values(loss) == []


@pytest.mark.parametrize("scores", ["one of several", None])
def test_the_commonest_class_is_as_probable_as_it_is_frequent(scores: object) -> None:
    loss = F.cross_entropy(OUTPUT, CLASSES[:16])
    (found,) = constant_answers(CLASSES, Answers(OUTPUT, CLASSES[:16], scores, loss), F.cross_entropy)  # type: ignore[arg-type]
    known = DummyClassifier(strategy="prior").fit(CLASSES[:, None], CLASSES).predict_proba(CLASSES[:1, None])[0]
    assert found.what == "guessing by the class frequencies, most often class 1"
    assert found.output.softmax(1)[0].tolist() == pytest.approx(known.tolist())


def test_probabilities_stay_probabilities() -> None:
    (found,) = constant_answers(CLASSES, Answers(OUTPUT.softmax(1), CLASSES[:16], None, None), F.mse_loss)
    assert found.output[0].tolist() == pytest.approx((CLASSES.bincount() / 200).tolist())
    target = (CLASSES > 0).float()
    (one,) = constant_answers(target, Answers(OUTPUT[:, 0].sigmoid(), target[:16], "probabilities", None), F.mse_loss)
    assert float(one.output) == pytest.approx(float(target.mean()))
    (odds,) = constant_answers(target, Answers(OUTPUT[:, :1], target[:16, None], "logits", None), F.mse_loss) or [None]
    assert odds is None  # of targets of another shape than those that were shown
    (odds,) = constant_answers(target, Answers(OUTPUT[:, 0], target[:16], "logits", None), F.mse_loss)
    assert float(odds.output.sigmoid()) == pytest.approx(float(target.mean()))


def test_scores_of_a_margin_are_no_probabilities_and_have_none() -> None:
    loss = F.multi_margin_loss(OUTPUT, CLASSES[:16])
    assert constant_answers(CLASSES, Answers(OUTPUT, CLASSES[:16], None, loss), F.multi_margin_loss) == []
