from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.tasks.custom.judged import Answers, JudgedMeter
from sonde.tasks.custom.task import ModuleTask

GENERATOR = torch.Generator().manual_seed(0)
LOGITS = torch.randn(60, 3, generator=GENERATOR)
CLASSES = torch.randint(0, 3, (60,), generator=GENERATOR)


def details(*batches: tuple[Tensor, Tensor, Any, Any]) -> dict[str, Any]:
    meter, begun = JudgedMeter(), 0
    for output, target, scores, loss in batches:
        meter.update(Answers(output, target, scores, loss), torch.arange(begun, begun + len(output)))
        begun += len(output)
    return meter.details()


def test_classes_are_counted_however_they_are_batched() -> None:
    counts = torch.zeros(3, 3, dtype=torch.int64)
    for truth, found in zip(CLASSES.tolist(), LOGITS.argmax(1).tolist(), strict=True):
        counts[truth, found] += 1
    whole = details((LOGITS, CLASSES, "one of several", None))
    parts = details(*((LOGITS[n : n + 7], CLASSES[n : n + 7], "one of several", None) for n in range(0, 60, 7)))
    assert whole["confusion"] == {"names": ["0", "1", "2"], "counts": counts.tolist()}
    assert parts["confusion"] == whole["confusion"]
    assert parts["answers"]["prediction"] == LOGITS.argmax(1).tolist()


def test_a_loss_that_equals_cross_entropy_is_one() -> None:
    known = details((LOGITS, CLASSES, None, F.cross_entropy(LOGITS, CLASSES)))
    unknown = details((LOGITS, CLASSES, None, F.multi_margin_loss(LOGITS, CLASSES)))
    assert "calibration" in known
    assert "calibration" not in unknown  # scores of a margin are no probabilities
    assert unknown["confusion"] == known["confusion"]


def test_probabilities_are_taken_as_they_are() -> None:
    found = details((LOGITS.softmax(1), CLASSES, None, None))
    expected = F.cross_entropy(LOGITS, CLASSES, reduction="none").tolist()
    assert found["answers"]["log_loss"] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("scores", ["logits", "probabilities"])
def test_one_output_is_the_second_of_two_classes(scores: Any) -> None:
    logits, target = LOGITS[:, :1], (CLASSES > 0).float()[:, None]
    output = logits.sigmoid() if scores == "probabilities" else logits
    found = details((output, target, scores, None))
    right = ((logits > 0) == (target > 0.5)).sum()
    counts = found["confusion"]["counts"]
    assert counts[0][0] + counts[1][1] == right
    assert found["roc"]["of"] == 1


def test_ignored_classes_and_rows_without_numbers_are_left_out() -> None:
    target = CLASSES.clone()
    target[:5] = -100
    output = LOGITS.clone()
    output[5:7] = torch.nan
    found = details((output, target, "one of several", None))
    assert sum(map(sum, found["confusion"]["counts"])) == 53
    assert found["answers"]["index"] == list(range(7, 60))


def test_numbers_have_residuals() -> None:
    target = LOGITS.double() + 0.5
    found = details((LOGITS, target, None, None))
    assert found["scatter"]["names"] == ["target 0", "target 1", "target 2"]
    rest = [t - p for t, p in zip(found["scatter"]["target"][1], found["scatter"]["prediction"][1], strict=True)]
    assert rest == pytest.approx([0.5] * 60, abs=1e-5)
    assert details((LOGITS[:, 0], target[:, :1], None, None))["scatter"]["names"] == ["target"]


@pytest.mark.parametrize(
    ("output", "target"),
    [
        (torch.zeros(4, 3, 5), torch.zeros(4, 5, dtype=torch.int64)),
        (torch.zeros(4, 20), torch.zeros(4, 20)),
        (torch.zeros(4, 2), torch.zeros(4, 1)),
        (torch.zeros(4, dtype=torch.int64), torch.zeros(4)),
        (torch.zeros(4, 2), torch.zeros(3)),
    ],
)
def test_of_other_outputs_nothing_is_said(output: Tensor, target: Tensor) -> None:
    assert details((output, target, None, None)) == {}


def test_batches_of_different_kinds_are_nothing() -> None:
    assert details((LOGITS, CLASSES, None, None), (LOGITS[:, :2], CLASSES, None, None)) == {}


def test_processes_are_merged() -> None:
    one, other = JudgedMeter(), JudgedMeter()
    one.update(Answers(LOGITS[:20], CLASSES[:20], "one of several", None), torch.arange(20))
    other.update(Answers(LOGITS[20:], CLASSES[20:], "one of several", None), torch.arange(20, 60))
    one.merge(other)
    assert one.details() == details((LOGITS, CLASSES, "one of several", None))
    empty = JudgedMeter()
    empty.merge(one)
    assert empty.details()["confusion"] == one.details()["confusion"]


def test_a_network_of_ones_own_is_judged_and_its_metrics_stay_its_own() -> None:
    task = ModuleTask(nn.Linear(3, 3), nn.CrossEntropyLoss())
    meter = task.meter()
    with torch.no_grad():
        meter.update(task.evaluate(Batch({"input": LOGITS, "target": CLASSES}, torch.arange(60))), torch.arange(60))
    assert list(meter.compute()) == ["loss"]
    assert {"confusion", "per_class", "calibration", "roc", "answers", "worst"} <= meter.details().keys()


def test_the_error_of_a_row_is_called_what_it_is() -> None:
    """The caller's loss, Huber's say, is of a batch."""
    values, wanted = torch.tensor([[0.0], [5.0]]), torch.zeros(2, 1)
    first = details((values, wanted, None, F.huber_loss(values, wanted)))["worst"][0]
    assert (first["index"], first["loss"], first["by"]) == (1, 25.0, "squared error")
    assert details((values.expand(2, 3), wanted.expand(2, 3), None, None))["worst"][0]["by"] == "mean squared error"
