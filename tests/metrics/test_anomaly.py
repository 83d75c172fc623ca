import pytest
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

from sonde.metrics.anomaly import AnomalyMeter, threshold_for


def scores(rows: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(rows, generator=torch.Generator().manual_seed(seed)).exp()


def meter(threshold: float | None = None) -> AnomalyMeter:
    return AnomalyMeter(["cat", "dog", "elk"], [True, False, True], false_alarms=0.1, threshold=threshold)


def test_areas_are_those_of_scikit_learn() -> None:
    made, score = meter(), scores(300)
    target = torch.randint(0, 3, (300,), generator=torch.Generator().manual_seed(1))
    score = score + 0.5 * (target == 1)
    for part in torch.arange(300).split(128):
        made.update({"score": score[part], "loss": score[part], "target": target[part]}, part)
    found, truth = made.compute(), (target == 1).numpy()
    assert found["auroc"] == pytest.approx(roc_auc_score(truth, score.numpy()))
    assert found["average_precision"] == pytest.approx(average_precision_score(truth, score.numpy()))
    assert found["loss"] == pytest.approx(float(score[target != 1].mean()))
    assert "false_alarm_rate" not in found


def test_the_threshold_is_exceeded_at_the_stated_rate_by_new_rows() -> None:
    """Of 99 held-out rows and a rate of 10 % it is the 90th smallest, whose expected rate is exactly that."""
    rates = []
    for seed in range(200):
        limit, stated = threshold_for(scores(99, seed), 0.1)
        rates.append(float((scores(500, 1000 + seed) > limit).float().mean()))
        assert stated == pytest.approx(0.1)
    assert torch.tensor(rates).mean() == pytest.approx(0.1, abs=0.01)


def test_too_few_rows_promise_what_they_can() -> None:
    limit, stated = threshold_for(torch.tensor([1.0, 3.0, 2.0]), 0.01)
    assert (limit, stated) == (3.0, 0.25)


def test_a_validation_chooses_by_its_normal_rows_alone() -> None:
    made = meter()
    score = torch.cat([torch.arange(1.0, 100.0), torch.full((50,), 1000.0)])
    target = torch.cat([torch.zeros(99, dtype=torch.long), torch.ones(50, dtype=torch.long)])
    made.update({"score": score, "loss": score, "target": target}, torch.arange(149))
    assert made.choose_threshold() == 90.0
    found = made.compute()
    assert found["false_alarm_rate"] == pytest.approx(9 / 99)
    assert found["detection_rate"] == 1.0
    by_class = {row["name"]: row for row in made.details()["by_class"]}
    assert by_class.keys() == {"cat", "dog"}  # no row is an elk
    assert by_class["dog"] == {"name": "dog", "normal": False, "rows": 50, "score": 1000.0, "above": 1.0}


def test_without_classes_all_rows_are_normal() -> None:
    made = AnomalyMeter((), (), false_alarms=0.1, threshold=2.0)
    made.update({"score": torch.tensor([1.0, 3.0]), "loss": torch.tensor([1.0, 3.0])}, torch.arange(2))
    assert made.compute() == {"loss": 2.0, "false_alarm_rate": 0.5}
    found = made.details()
    assert [case["index"] for case in found["worst"]] == [1, 0]
    assert [case["prediction"] for case in found["worst"]] == ["anomaly", "normal"]
    assert sum(found["scores"]["normal"]) == 2
    assert "by_class" not in found


def test_parts_of_an_evaluation_come_together() -> None:
    whole, one, other = meter(1.0), meter(1.0), meter(1.0)
    score, target = scores(20), torch.arange(20) % 3
    rows = {"score": score, "loss": score, "target": target}
    whole.update(rows, torch.arange(20))
    one.update({name: each[:7] for name, each in rows.items()}, torch.arange(7))
    other.update({name: each[7:] for name, each in rows.items()}, torch.arange(7, 20))
    one.merge(other)
    assert one.compute() == pytest.approx(whole.compute())
    assert one.details()["worst"] == whole.details()["worst"]
