from typing import Any

import numpy as np
import pytest
import torch
from sklearn import metrics as sk
from torch import Tensor

from sonde.core.errors import NonFinite
from sonde.metrics.labels import LabelsMeter

NAMES = ["red", "round", "ripe"]


def drawn(rows: int = 300, masked: bool = False) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    target = (torch.rand(rows, 3, generator=generator) < torch.tensor([0.5, 0.2, 0.7])).double()
    odds = torch.randn(rows, 3, generator=generator, dtype=torch.float64) + target
    outputs = {"odds": odds, "target": target, "loss": torch.rand(rows, generator=generator)}
    if masked:
        outputs["mask"] = (torch.rand(rows, 3, generator=generator) < 0.7).float()
        garbage = torch.tensor([torch.nan, 1.0, 0.0], dtype=torch.float64)  # whatever a reader leaves there
        outputs["target"] = torch.where(outputs["mask"] > 0, target, garbage)
    return outputs


def fed(outputs: dict[str, Tensor], order: Tensor | None = None, size: int = 64, **settings: Any) -> LabelsMeter:
    meter = LabelsMeter(NAMES, **settings)
    rows = torch.arange(len(outputs["target"])) if order is None else order
    for part in rows.split(size):
        meter.update({name: value[part] for name, value in outputs.items()}, part)
    return meter


def test_metrics_are_scikit_learns() -> None:
    outputs = drawn()
    thresholds = [0.5, 0.3, 0.6]
    found = fed(outputs, thresholds=thresholds).compute()
    truth, probs = outputs["target"].numpy(), outputs["odds"].sigmoid().numpy()
    called = (probs >= np.array(thresholds)).astype(float)
    expected = {
        "average_precision": sk.average_precision_score(truth, probs, average="macro"),
        "auroc": sk.roc_auc_score(truth, probs, average="macro"),
        "macro_f1": sk.f1_score(truth, called, average="macro"),
        "label_accuracy": 1 - sk.hamming_loss(truth, called),
        "subset_accuracy": sk.accuracy_score(truth, called),
        "log_loss": np.mean([sk.log_loss(truth[:, c], probs[:, c]) for c in range(3)]),
        "loss": outputs["loss"].double().mean().item(),
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(float(value), abs=1e-9), name
    assert found.keys() == expected.keys() | {"ece", "threshold/round", "threshold/ripe"}
    assert found["threshold/ripe"] == 0.6


def test_masked_entries_are_left_out_of_everything() -> None:
    outputs = drawn(masked=True)
    meter = fed(outputs)
    found, kept = meter.compute(), outputs["mask"].numpy() > 0
    truth, probs = outputs["target"].numpy(), outputs["odds"].sigmoid().numpy()
    columns = [(truth[kept[:, c], c], probs[kept[:, c], c]) for c in range(3)]
    assert found["auroc"] == pytest.approx(np.mean([sk.roc_auc_score(*column) for column in columns]))
    assert found["macro_f1"] == pytest.approx(np.mean([sk.f1_score(t, p >= 0.5) for t, p in columns]))
    right = ((probs >= 0.5) == (truth > 0.5))[kept]
    assert found["label_accuracy"] == pytest.approx(right.mean())
    assert found["log_loss"] == pytest.approx(
        sk.log_loss(np.concatenate([t for t, _ in columns]), np.concatenate([p for _, p in columns]))
    )
    rows = (((probs >= 0.5) == (truth > 0.5)) | ~kept).all(1)
    assert found["subset_accuracy"] == pytest.approx(rows.mean())
    assert meter.details()["per_class"]["support"] == [int(t.sum()) for t, _ in columns]


@pytest.mark.parametrize("masked", [False, True])
def test_batches_do_not_matter_and_merged_is_one_pass(masked: bool) -> None:
    outputs = drawn(masked=masked)
    whole = fed(outputs)
    one = fed(outputs, torch.arange(1, 300, 2), size=11)
    one.merge(fed(outputs, torch.arange(0, 300, 2), size=150))
    assert one.compute() == pytest.approx(whole.compute(), abs=1e-12)
    assert one.details()["worst"] == whole.details()["worst"]


@pytest.mark.parametrize("masked", [False, True])
def test_chosen_thresholds_judge_the_rows_already_seen_and_those_to_come(masked: bool) -> None:
    outputs = drawn(masked=masked)
    meter = fed(outputs)
    before = meter.compute()
    chosen = meter.choose_threshold()
    assert len(set(chosen)) == 3
    assert meter.compute() == pytest.approx(fed(outputs, thresholds=chosen).compute())
    assert meter.compute()["macro_f1"] > before["macro_f1"]


def test_details_name_labels() -> None:
    outputs = drawn()
    details = fed(outputs).details()
    each = torch.nn.functional.binary_cross_entropy_with_logits(outputs["odds"], outputs["target"], reduction="none")
    worst = int(each.mean(1).argmax())
    entry = details["worst"][0]
    assert entry["index"] == worst
    assert entry["loss"] == pytest.approx(each.mean(1)[worst].item())
    truth = [name for name, flag in zip(NAMES, outputs["target"][worst], strict=True) if flag]
    called = [name for name, odds in zip(NAMES, outputs["odds"][worst], strict=True) if odds >= 0]
    assert entry["target"] == (", ".join(truth) or "none")
    assert entry["prediction"] == (", ".join(called) or "none")
    table = np.array(
        sk.precision_recall_fscore_support(outputs["target"].numpy(), (outputs["odds"] >= 0).numpy(), average=None)
    )
    for row, name in enumerate(("precision", "recall", "f1", "support")):
        assert details["per_class"][name] == pytest.approx(table[row].tolist())


def test_what_binning_costs_is_said() -> None:
    outputs = drawn()
    meter = LabelsMeter(NAMES)
    meter.ranking.max_rows = 100
    meter.update(outputs, torch.arange(300))
    assert len(meter.notes) == 1
    exact = fed(outputs)
    exact.choose_threshold()
    meter.choose_threshold()
    assert meter.compute()["macro_f1"] == pytest.approx(exact.compute()["macro_f1"], abs=0.01)
    assert "subset_accuracy" not in meter.compute()
    assert meter.notes[1] == "subset_accuracy of 300 rows at the chosen thresholds is not known"


def test_nan_outputs_stop_the_judgement() -> None:
    outputs = drawn()
    outputs["odds"][3, 1] = torch.nan
    with pytest.raises(NonFinite, match="first at row 3 of the split"):
        fed(outputs).compute()


def test_each_label_has_its_curves() -> None:
    odds, truth = (
        torch.tensor([[2.0, 0.0], [1.0, 1.0], [-1.0, -1.0]]),
        torch.tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 0.0]]),
    )
    meter = LabelsMeter(["a", "b"])
    meter.update({"odds": odds, "target": truth, "loss": torch.zeros(3)}, torch.arange(3))
    roc = meter.details()["roc"]
    assert [one["name"] for one in roc["classes"]] == ["a"]  # of b there is no true row
    assert (roc["classes"][0]["auroc"], roc["classes"][0]["tpr"], roc["of"]) == (0.5, [0.5, 0.5, 1.0], 2)
