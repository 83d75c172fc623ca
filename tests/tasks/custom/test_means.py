"""A validation loss is that of the whole set, however it is cut into batches."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, nll_loss
from torch.utils.data import DataLoader, TensorDataset

import sonde
from sonde.tasks.custom.means import MEAN_OF, Means

X = torch.linspace(-1, 1, 92).reshape(23, 4)
Y = (torch.arange(23) > 15).long() + (torch.arange(23) % 5 == 0)
WEIGHT = torch.tensor([0.2, 1.0, 9.0])
GAPS = Y.where(torch.arange(23) < 12, -100)  # whole batches of these hold no target at all


class LogSoftmax(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x).log_softmax(1)


def loss_of(network: nn.Module, target: Tensor, loss: Any, out: Path) -> float:
    """The validation loss of the weights as they are, in batches of 5."""
    validation = DataLoader(TensorDataset(X, target), 5)
    options: dict[str, Any] = {
        "lr": 1e-30,
        "optimizer": "sgd",
        "quiet": True,
        "threads": 1,
        "steps": 1,
        "batch_size": 4,
    }
    run = sonde.fit(network, (X[:12], Y[:12]), validation=validation, loss=loss, out=str(out), **options)
    return run.metrics["loss"]


@pytest.mark.parametrize(
    ("loss", "target"),
    [
        (nn.CrossEntropyLoss(weight=WEIGHT), Y),
        (nn.CrossEntropyLoss(weight=WEIGHT, label_smoothing=0.1), GAPS),
        (partial(cross_entropy, weight=WEIGHT), GAPS),
        (nn.CrossEntropyLoss(), GAPS),
        (cross_entropy, Y),
        (nn.NLLLoss(weight=WEIGHT), Y),
        (partial(nll_loss, ignore_index=1), Y),
        (nn.CrossEntropyLoss(weight=WEIGHT), nn.functional.one_hot(Y, 3).float()),
    ],
)
def test_torchs_losses_of_classes_are_means_over_what_they_count(loss: Any, target: Tensor, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = LogSoftmax()
    with torch.no_grad():
        whole = float(loss(network(X), target))
    assert loss_of(network, target, loss, tmp_path / "run") == pytest.approx(whole, rel=1e-5)


def test_a_loss_that_says_its_weight_is_believed(tmp_path: Path) -> None:
    mask = (torch.arange(23) % 7 < 2).float()

    def masked(output: Tensor, target: Tensor) -> sonde.Loss:
        each = cross_entropy(output, target % 10, reduction="none")
        counts = (target >= 10).float()
        return sonde.Loss((each * counts).sum() / counts.sum().clamp(min=1), counts.sum(), {"part": counts.mean()})

    network = nn.Linear(4, 3)
    target = Y + 10 * mask.long()
    with torch.no_grad():
        whole = float(masked(network(X), target).value)
    validation = DataLoader(TensorDataset(X, target), 5)
    options: dict[str, Any] = {
        "lr": 1e-30,
        "optimizer": "sgd",
        "quiet": True,
        "threads": 1,
        "steps": 1,
        "batch_size": 23,
    }
    run = sonde.fit(network, (X, target), validation=validation, loss=masked, out=str(tmp_path / "run"), **options)
    assert run.metrics["loss"] == pytest.approx(whole, rel=1e-5)

    class Own(sonde.Task):
        def __init__(self) -> None:
            self.net = network

        def loss(self, batch: sonde.Batch) -> sonde.Loss:
            return masked(self.net(batch["input"]), batch["target"])

    run = sonde.fit(Own(), (X, target), validation=validation, out=str(tmp_path / "own"), **options)
    assert run.metrics["loss"] == pytest.approx(whole, rel=1e-5)


def test_what_counts_nothing_adds_nothing() -> None:
    means, index = Means(), torch.arange(4)
    means.add({"loss": torch.tensor(2.0), "a": 1.0, MEAN_OF: {"loss": torch.tensor(3)}}, index)
    means.add({"loss": torch.tensor(float("nan")), "a": 2.0, MEAN_OF: {"loss": 0}}, index)
    other = Means()
    other.add({"loss": torch.tensor(6.0), "a": 0.0}, torch.arange(1))
    means.merge(other)
    means.refuse()
    assert means.compute() == {"loss": 3.0, "a": (4 + 8 + 0) / 9}


def test_a_weighted_loss_in_a_function_of_one_s_own_is_said_to_be_a_mean_of_batches(tmp_path: Path) -> None:
    def hidden(output: Tensor, target: Tensor) -> Tensor:
        return cross_entropy(output, target, weight=WEIGHT)

    def checks(name: str, loss: Any, rows: int) -> list[str]:
        loss_of(nn.Linear(4, 3), Y, loss, tmp_path / name) if rows == 5 else sonde.fit(
            nn.Linear(4, 3),
            (X, Y),
            validation=(X, Y),
            loss=loss,
            steps=1,
            quiet=True,
            threads=1,
            out=str(tmp_path / name),
        )
        found = map(json.loads, (tmp_path / name / "findings.jsonl").read_text().splitlines())
        return [each["evidence"] for each in found if each["check"] == "validation loss is a mean of batches"]

    (said,) = checks("hidden", hidden, 5)
    assert "it is not a mean over rows" in said
    assert checks("one batch", hidden, 23) == []
    assert checks("plain", lambda output, target: cross_entropy(output, target), 5) == []
    assert checks("known", nn.CrossEntropyLoss(weight=WEIGHT), 5) == []
