"""Metrics by name, over batches of unequal size, beside scikit-learn's on the whole set."""

from typing import Any

import pytest
import torch
from sklearn import metrics as sk
from torch import Tensor

from sonde.core.errors import ConfigError
from sonde.metrics.named import NAMES, NamedMetric


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def computed(name: str, output: Tensor, target: Tensor, **how: Any) -> float:
    """Of batches of 32, 32 and what is left; in two processes."""
    first, second = NamedMetric(name, **how), NamedMetric(name, **how)
    for meter, rows in ((first, slice(0, 32)), (first, slice(32, 64)), (second, slice(64, None))):
        meter.update(output[rows], target[rows])
    first.merge(second)
    return first.compute()


def of_two(name: str, score: Tensor, truth: Tensor) -> float:
    found = {
        "accuracy": lambda: sk.accuracy_score(truth, score >= 0),
        "precision": lambda: sk.precision_score(truth, score >= 0),
        "recall": lambda: sk.recall_score(truth, score >= 0),
        "f1": lambda: sk.f1_score(truth, score >= 0),
        "auroc": lambda: sk.roc_auc_score(truth, score),
    }
    return float(found[name]())


OF_CLASSES = ["accuracy", "precision", "recall", "f1", "auroc"]


@pytest.mark.parametrize("name", OF_CLASSES)
def test_two_classes_however_they_are_written(name: str) -> None:
    logits = drawn(100, 2)
    score = logits[:, 1] - logits[:, 0]
    truth = (score + 1.5 * drawn(100, seed=1) > 0.8).long()
    expected = pytest.approx(of_two(name, score, truth), rel=1e-9)
    assert computed(name, logits, truth) == expected
    assert computed(name, score, truth) == expected
    assert computed(name, score[:, None], truth[:, None].float()) == expected
    assert computed(name, score[:, None], truth) == expected
    assert computed(name, score.sigmoid(), truth.float(), scores="probabilities") == expected


@pytest.mark.parametrize("name", ["top5", *OF_CLASSES])
def test_many_classes(name: str) -> None:
    logits, truth = drawn(150, 7), drawn(150, 7, seed=3).argmax(1)
    logits = logits + torch.nn.functional.one_hot(truth, 7)
    logits[:, 6], truth[truth == 6] = (
        -9.0,
        0,
    )  # a class that is neither there nor predicted, which scikit-learn leaves out too
    called, probs = logits.argmax(1), logits.softmax(1)
    expected: dict[str, Any] = {
        "top5": lambda: sk.top_k_accuracy_score(truth, probs, k=5, labels=range(7)),
        "accuracy": lambda: sk.accuracy_score(truth, called),
        "precision": lambda: sk.precision_score(truth, called, average="macro"),
        "recall": lambda: sk.recall_score(truth, called, average="macro"),
        "f1": lambda: sk.f1_score(truth, called, average="macro"),
        "auroc": lambda: sum(sk.roc_auc_score(truth == c, probs[:, c]) for c in range(6)) / 6,
    }
    value = pytest.approx(float(expected[name]()), rel=1e-7)
    assert computed(name, logits, truth) == value
    one_hot = torch.nn.functional.one_hot(truth, 7).float()
    assert computed(name, logits, one_hot, scores="one of several") == value
    assert computed(name, logits.softmax(1), truth) == value


@pytest.mark.parametrize("name", OF_CLASSES)
def test_labels(name: str) -> None:
    logits = drawn(100, 4)
    truth = (logits + drawn(100, 4, seed=5) > 0.3).float()
    called = logits >= 0
    expected: dict[str, Any] = {
        "accuracy": lambda: (called == (truth > 0)).float().mean(),
        "precision": lambda: sk.precision_score(truth, called, average="macro"),
        "recall": lambda: sk.recall_score(truth, called, average="macro"),
        "f1": lambda: sk.f1_score(truth, called, average="macro"),
        "auroc": lambda: sk.roc_auc_score(truth, logits, average="macro"),
    }
    assert computed(name, logits, truth) == pytest.approx(float(expected[name]()), rel=1e-6)


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("mae", sk.mean_absolute_error), ("mse", sk.mean_squared_error),
        ("rmse", sk.root_mean_squared_error), ("r2", sk.r2_score),
    ],
)  # fmt: skip
@pytest.mark.parametrize("columns", [0, 1, 3])
def test_numbers(name: str, reference: Any, columns: int) -> None:
    shape = (100, columns) if columns else (100,)
    output, target = drawn(*shape), drawn(*shape, seed=7) + 5
    expected = pytest.approx(reference(target, output), rel=1e-6)
    assert computed(name, output, target) == expected
    if columns == 1:
        assert computed(name, output, target[:, 0]) == expected  # not all pairs of rows


def test_a_nan_is_never_an_answer() -> None:
    logits = drawn(70, 3)
    logits[40, 1] = float("nan")
    assert computed("accuracy", logits, torch.zeros(70).long()) != computed("accuracy", logits, torch.zeros(70).long())


@pytest.mark.parametrize(
    ("name", "output", "target", "told"),
    [
        (
            "accuracy",
            drawn(80, 1),
            drawn(80, 1),
            r"takes logits \(B, C\) with classes \(B,\), .* not an output \(32, 1\) with a",
        ),
        ("accuracy", drawn(80, 3), torch.full((80,), 3), "classes run from 3 to 3, and the outputs have 3 columns"),
        ("top5", drawn(80, 3), torch.zeros(80).long(), "needs more than 5 classes, and there are 3"),
        ("mae", drawn(80, 3), torch.zeros(80), "takes outputs and targets of one shape, not"),
        ("f1", drawn(80).sigmoid(), torch.arange(80) % 2, "they may be probabilities or logits"),
        ("accuracy", drawn(80, 3), torch.eye(3).repeat(27, 1)[:80], "they may be classes or labels"),
    ],
)
def test_what_it_is_not_defined_for_is_one_line(name: str, output: Tensor, target: Tensor, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        computed(name, output, target)


def test_other_names() -> None:
    assert all(NamedMetric(name).name == name for name in NAMES)
    with pytest.raises(ConfigError, match="unknown metric 'auorc'; did you mean 'auroc'"):
        NamedMetric("auorc")
