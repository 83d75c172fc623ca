import pytest
import torch

from sonde.metrics.by_row import ByRow, answers_table
from sonde.metrics.classification import ClassificationMeter
from sonde.metrics.regression import RegressionMeter


def test_rows_stand_in_the_order_of_their_index_however_they_are_batched() -> None:
    one, other = ByRow(most=4), ByRow(most=4)
    value = torch.arange(40) * 2
    for part in torch.arange(40).flip(0).split(7):
        one.update(part, doubled=value[part])
    other.update(torch.arange(40), doubled=value)
    found = one.columns()
    assert found["index"].tolist() == sorted(found["index"].tolist())
    assert torch.equal(found["doubled"], 2 * found["index"])
    assert len(found["index"]) == 4
    assert one.rows == 40
    assert {n: v.tolist() for n, v in other.columns().items()} == {n: v.tolist() for n, v in found.items()}


def test_the_rows_of_two_processes_are_those_of_one() -> None:
    whole, left, right = ByRow(most=10), ByRow(most=10), ByRow(most=10)
    index = torch.arange(30)
    whole.update(index, x=index)
    left.update(index[::2], x=index[::2])
    right.update(index[1::2], x=index[1::2])
    left.merge(right)
    assert left.rows == 30
    assert left.columns()["x"].tolist() == whole.columns()["x"].tolist()


def test_the_index_of_all_rows_is_left_out() -> None:
    columns = {"index": torch.arange(3), "loss": torch.tensor([0.123456789, 2.0, 1e-9], dtype=torch.float64)}
    assert answers_table(3, columns) == {"rows": 3, "index": None, "loss": [0.12346, 2.0, 1e-9]}
    assert answers_table(9, {"index": torch.tensor([4, 8])})["index"] == [4, 8]


def test_a_classifiers_answers_hold_what_its_metrics_are_made_of() -> None:
    generator = torch.Generator().manual_seed(0)
    logp = torch.randn(50, 3, generator=generator).log_softmax(1)
    target = torch.randint(3, (50,), generator=generator)
    meter = ClassificationMeter(["a", "b", "c"])
    for part in torch.randperm(50, generator=generator).split(8):
        meter.update({"logp": logp[part], "target": target[part], "loss": torch.zeros(len(part))}, part)
    found, scores = meter.details()["answers"], meter.compute()
    assert (found["rows"], found["index"], found["target"]) == (50, None, target.tolist())
    assert found["prediction"] == logp.argmax(1).tolist()
    assert sum(found["log_loss"]) / 50 == pytest.approx(scores["log_loss"], rel=1e-4)


def test_two_classes_are_told_at_the_threshold_that_was_chosen_last() -> None:
    logp = torch.tensor([[0.9, 0.1], [0.7, 0.3], [0.6, 0.4], [0.2, 0.8]]).log()
    meter = ClassificationMeter(["no", "yes"])
    meter.update({"logp": logp, "target": torch.tensor([0, 1, 1, 1]), "loss": torch.zeros(4)}, torch.arange(4))
    assert meter.details()["answers"]["prediction"] == [0, 0, 0, 1]
    meter.choose_threshold()
    assert meter.details()["answers"]["prediction"] == [0, 1, 1, 1]


def test_a_regressors_answers_are_of_rows_that_have_a_target() -> None:
    meter = RegressionMeter(["price"])
    rows = {"values": torch.tensor([[1.0], [2.0], [3.0]]), "target": torch.tensor([[1.5], [torch.nan], [2.0]])}
    meter.update({**rows, "mask": torch.tensor([[1.0], [0.0], [1.0]]), "loss": torch.zeros(3)}, torch.arange(3))
    found = meter.details()["answers"]
    assert found == {"rows": 2, "index": [0, 2], "target": [1.5, 2.0], "prediction": [1.0, 3.0]}
    assert "answers" not in _two_targets()


def _two_targets() -> dict[str, object]:
    meter = RegressionMeter(["price", "area"])
    meter.update({"values": torch.ones(2, 2), "target": torch.zeros(2, 2), "loss": torch.ones(2)}, torch.tensor([0, 1]))
    return meter.details()
