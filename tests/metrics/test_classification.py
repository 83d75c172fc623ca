import math
from typing import Any

import numpy as np
import pytest
import torch
from sklearn import metrics as sk
from torch import Tensor

from sonde.core.errors import NonFinite
from sonde.metrics.classification import ClassificationMeter

NAMES = ["ant", "bee", "cat", "dog", "eel", "fox", "gnu"]


def drawn(rows: int = 300, classes: int = 7, absent: int | None = None) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    target = torch.randint(0, classes, (rows,), generator=generator)
    if absent is not None:
        target[target == absent] = (absent + 1) % classes
    logits = torch.randn(rows, classes, generator=generator, dtype=torch.float64)
    logits[torch.arange(rows), target] += 1
    logp = logits.log_softmax(1)
    return {"logp": logp, "target": target, "loss": -logp[torch.arange(rows), target]}


def fed(
    outputs: dict[str, Tensor], order: Tensor | None = None, size: int = 64, **settings: Any
) -> ClassificationMeter:
    meter = ClassificationMeter(NAMES[: outputs["logp"].shape[1]], **settings)
    rows = torch.arange(len(outputs["target"])) if order is None else order
    for part in rows.split(size):
        meter.update({name: value[part] for name, value in outputs.items()}, part)
    return meter


@pytest.mark.parametrize("absent", [None, 3])
def test_metrics_of_several_classes_are_scikit_learns(absent: int | None) -> None:
    outputs = drawn(absent=absent)
    found = fed(outputs).compute()
    truth, probs = outputs["target"].numpy(), outputs["logp"].exp().numpy()
    called = probs.argmax(1)
    there = np.unique(truth)
    expected = {
        "accuracy": sk.accuracy_score(truth, called),
        "balanced_accuracy": np.mean([(called[truth == c] == c).mean() for c in there]),
        "macro_f1": sk.f1_score(truth, called, average="macro"),
        "top5_accuracy": sk.top_k_accuracy_score(truth, probs, k=5, labels=np.arange(7)),
        "auroc": np.mean([sk.roc_auc_score(truth == c, probs[:, c]) for c in there]),
        "log_loss": sk.log_loss(truth, probs, labels=np.arange(7)),
    }
    if absent is None:
        expected["balanced_accuracy"] = sk.balanced_accuracy_score(truth, called)
        expected["auroc"] = sk.roc_auc_score(truth, probs, multi_class="ovr", average="macro")
    for name, value in expected.items():
        assert found[name] == pytest.approx(float(value), abs=1e-9), name
    assert found["loss"] == pytest.approx(found["log_loss"])
    assert found.keys() == expected.keys() | {"ece", "loss"}


def test_metrics_of_two_classes_are_scikit_learns_at_the_threshold() -> None:
    outputs = drawn(classes=2)
    meter = fed(outputs, threshold=0.7)
    found = meter.compute()
    truth, score = outputs["target"].numpy(), outputs["logp"][:, 1].exp().numpy()
    called = (score >= 0.7).astype(int)
    expected = {
        "accuracy": sk.accuracy_score(truth, called),
        "balanced_accuracy": sk.balanced_accuracy_score(truth, called),
        "macro_f1": sk.f1_score(truth, called, average="macro"),
        "f1": sk.f1_score(truth, called),
        "auroc": sk.roc_auc_score(truth, score),
        "average_precision": sk.average_precision_score(truth, score),
        "log_loss": sk.log_loss(truth, score),
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(float(value), abs=1e-9), name
    assert found["threshold"] == 0.7
    assert "threshold" not in fed(outputs).compute()
    assert "top5_accuracy" not in found
    assert meter.details()["confusion"]["counts"] == sk.confusion_matrix(truth, called).tolist()


def test_calibration_is_of_the_most_likely_class() -> None:
    outputs = drawn()
    probs = outputs["logp"].exp()
    sure, called = probs.max(1)
    bins = np.clip(np.ceil(sure.numpy() * 15).astype(int) - 1, 0, 14)
    right = (called == outputs["target"]).numpy()
    gap = sum(abs(right[bins == b].sum() - sure.numpy()[bins == b].sum()) for b in range(15)) / 300
    assert fed(outputs).compute()["ece"] == pytest.approx(gap)


def test_the_order_and_the_size_of_batches_do_not_matter_and_merged_is_one_pass() -> None:
    outputs = drawn()
    whole = fed(outputs)
    shuffled = fed(outputs, torch.randperm(300, generator=torch.Generator().manual_seed(1)), size=7)
    one = fed(outputs, torch.arange(0, 300, 2), size=50)
    one.merge(fed(outputs, torch.arange(1, 300, 2)))
    one.merge(ClassificationMeter(NAMES))
    for other in (shuffled, one):
        assert other.compute() == pytest.approx(whole.compute(), abs=1e-12)
        left, right = other.details(), whole.details()
        assert left["confusion"] == right["confusion"]
        assert left["worst"] == right["worst"]
        assert left["calibration"]["count"] == right["calibration"]["count"]


def test_details_name_the_most_wrong_rows() -> None:
    outputs = drawn()
    details = fed(outputs).details()
    truth, called = outputs["target"].numpy(), outputs["logp"].argmax(1).numpy()
    assert details["confusion"] == {"names": NAMES, "counts": sk.confusion_matrix(truth, called).tolist()}
    table = np.array(sk.precision_recall_fscore_support(truth, called))
    for row, name in enumerate(("precision", "recall", "f1", "support")):
        assert details["per_class"][name] == pytest.approx(table[row].tolist())
    order = outputs["loss"].argsort(descending=True)[:24].tolist()
    assert [entry["index"] for entry in details["worst"]] == order
    first = details["worst"][0]
    assert first["target"] == NAMES[truth[order[0]]]
    assert first["prediction"] == NAMES[called[order[0]]]
    assert first["confidence"] == pytest.approx(outputs["logp"][order[0]].max().exp().item())
    assert first["loss"] == pytest.approx(outputs["loss"][order[0]].item())
    assert "curve" not in details
    assert fed(drawn(classes=2)).details()["curve"].keys() == {"fpr", "tpr", "precision", "recall", "thresholds"}


def test_a_chosen_threshold_judges_the_rows_already_seen_and_those_to_come() -> None:
    outputs = drawn(classes=2)
    meter = fed(outputs)
    before = meter.compute()
    chosen = meter.choose_threshold()
    fresh = fed(outputs, threshold=chosen)
    assert meter.compute() == pytest.approx(fresh.compute())
    assert meter.details()["worst"] == fresh.details()["worst"]
    assert meter.compute()["f1"] > before["f1"]
    truth, score = outputs["target"].numpy(), outputs["logp"][:, 1].exp().numpy()
    best = max(sk.f1_score(truth, score >= limit) for limit in score)
    assert meter.compute()["f1"] == pytest.approx(best)


def test_scores_that_are_no_probabilities_are_not_judged_as_such() -> None:
    meter = fed(drawn(), probabilistic=False)
    assert not {"log_loss", "ece"} & meter.compute().keys()
    assert "calibration" not in meter.details()
    assert meter.details()["worst"][0]["confidence"] is None


def test_equal_outputs_are_not_all_in_the_top_five() -> None:
    outputs = drawn()
    outputs["logp"] = torch.full_like(outputs["logp"], -math.log(7))
    assert fed(outputs).compute()["top5_accuracy"] == pytest.approx((outputs["target"] < 5).double().mean().item())


def test_certain_outputs_are_judged() -> None:
    logp = torch.tensor([[0.0, -200.0], [-200.0, 0.0], [0.0, -300.0]])
    outputs = {"logp": logp, "target": torch.tensor([0, 1, 1]), "loss": torch.tensor([0.0, 0.0, 300.0])}
    found = fed(outputs).compute()
    assert found["log_loss"] == pytest.approx(100)
    assert found["auroc"] == 0.5


def test_rows_that_weigh_more_count_more_in_the_loss_alone() -> None:
    outputs = drawn(rows=4)
    outputs["weight"] = torch.tensor([1.0, 0.0, 0.0, 3.0])
    loss = outputs["loss"]
    found = fed(outputs).compute()
    assert found["loss"] == pytest.approx(((loss[0] + 3 * loss[3]) / 4).item())
    assert found["log_loss"] == pytest.approx(loss.mean().item())


def test_nan_outputs_stop_the_judgement_and_name_the_row() -> None:
    outputs = drawn()
    outputs["logp"][[250, 17]] = torch.nan
    with pytest.raises(NonFinite, match=r"the model's output is NaN \(first at row 17 of the split\); lower --lr"):
        fed(outputs, torch.arange(300).flip(0)).compute()


def test_binned_scores_are_said() -> None:
    meter = ClassificationMeter(NAMES)
    assert meter.notes == []
    meter.ranking.max_rows = 100
    outputs = drawn()
    meter.update(outputs, torch.arange(300))
    assert meter.notes == ["auroc of 300 rows is computed from binned scores (accurate to about 0.001)"]
    assert meter.compute()["auroc"] == pytest.approx(fed(outputs).compute()["auroc"], abs=1e-3)
