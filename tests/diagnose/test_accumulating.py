"""Micro-batches make the whole batch's gradient, or it is said that a loss does not let them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, nll_loss

import sonde
from sonde.core.files import read_json
from sonde.engine.json_lines import read_lines

torch.manual_seed(0)
X = torch.randn(64, 4)
Y = torch.tensor([0] * 56 + [1] * 8)[torch.randperm(64)]
SOME = Y.clone()
SOME[:20] = -100  # a whole micro-batch of 16 among them
W = torch.rand(64)
CLASSES = torch.tensor([1.0, 9.0])


def by_weight(output: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    return (cross_entropy(output, target, reduction="none") * weight).sum() / weight.sum()


def with_its_weight(output: Tensor, target: Tensor, weight: Tensor) -> sonde.Loss:
    return sonde.Loss(by_weight(output, target, weight), weight.sum())


def noisy(output: Tensor, target: Tensor) -> Tensor:
    return cross_entropy(output + torch.randn_like(output), target)


def step(folder: Path, loss: Any, data: tuple[Tensor, ...], accumulate: int, **more: Any) -> tuple[Tensor, list[Any]]:
    """The weights after one step of plain SGD, and the findings."""
    torch.manual_seed(1)
    net = nn.Linear(4, 2) if not isinstance(loss, nn.NLLLoss) else nn.Sequential(nn.Linear(4, 2), nn.LogSoftmax(1))
    settings: dict[str, Any] = {
        "optimizer": torch.optim.SGD,
        "lr": 1.0,
        "steps": 1,
        "quiet": True,
        "threads": 1,
        "doctor": False,
    }
    run = sonde.fit(
        net, [data], loss=loss, accumulate=accumulate, out=folder / f"{accumulate}", fresh=True, **settings | more
    )
    weights = torch.cat([parameter.detach().flatten() for parameter in net.parameters()])
    return weights, list(read_lines(run.folder / "findings.jsonl"))


@pytest.mark.parametrize(
    ("loss", "data"),
    [
        (cross_entropy, (X, Y)),
        (cross_entropy, (X, SOME)),
        (partial(cross_entropy, weight=CLASSES, label_smoothing=0.1), (X, Y)),
        (nn.CrossEntropyLoss(weight=CLASSES), (X, SOME)),
        (nn.CrossEntropyLoss(ignore_index=1), (X, Y)),
        (nn.CrossEntropyLoss(), (X, torch.stack([W, 1 - W], 1))),
        (nn.NLLLoss(weight=CLASSES), (X, Y)),
        (with_its_weight, (X, Y, W)),
    ],
)
def test_the_gradient_is_that_of_the_whole_batch(loss: Any, data: tuple[Tensor, ...], tmp_path: Path) -> None:
    whole, _ = step(tmp_path, loss, data, 1)
    pieces, findings = step(tmp_path, loss, data, 4)
    torch.testing.assert_close(pieces, whole, rtol=1e-5, atol=1e-6)
    assert findings == []


def test_it_is_what_torch_computes_of_the_whole_batch(tmp_path: Path) -> None:
    pieces, _ = step(tmp_path, nn.CrossEntropyLoss(weight=CLASSES), (X, SOME), 4)
    torch.manual_seed(1)
    net = nn.Linear(4, 2)
    nn.CrossEntropyLoss(weight=CLASSES)(net(X), SOME).backward()
    expected = torch.cat([(p - p.grad).detach().flatten() for p in net.parameters() if p.grad is not None])
    torch.testing.assert_close(pieces, expected, rtol=1e-5, atol=1e-6)


def test_a_loss_that_hides_its_weight_is_named(tmp_path: Path) -> None:
    _, findings = step(tmp_path, by_weight, (X, Y, W), 4)
    assert [found["check"] for found in findings] == ["gradient accumulation changes the loss"]
    assert findings[0]["severity"] == "warning"
    assert "return sonde.Loss(value, weight)" in findings[0]["action"]
    assert step(tmp_path, by_weight, (X, Y, W), 1)[1] == []


@pytest.mark.parametrize("loss", [noisy, cross_entropy, nn.MSELoss()], ids=["noisy", "mean", "of numbers"])
def test_nothing_is_said_of_the_others(loss: Callable[..., Any], tmp_path: Path) -> None:
    data = (X, X[:, :2]) if isinstance(loss, nn.MSELoss) else (X, Y)
    assert step(tmp_path, loss, data, 4)[1] == []


def test_a_network_that_masks_its_own_loss_is_named(tmp_path: Path) -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 2)

        def forward(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
            logits = self.layer(x)
            return {"loss": nll_loss(logits.log_softmax(1), labels), "logits": logits}

    run = sonde.fit(
        Own(),
        [{"x": X, "labels": SOME}],
        accumulate=3,
        steps=1,
        out=tmp_path / "r",
        quiet=True,
        threads=1,
        doctor=False,
    )
    assert [found["check"] for found in read_lines(run.folder / "findings.jsonl")] == [
        "gradient accumulation changes the loss"
    ]


def test_the_plan_says_how_many_rows_an_update_takes(tmp_path: Path) -> None:
    step(tmp_path, cross_entropy, (X, Y), 4)
    assert "64 rows an update, 16 at a time (--accumulate 4)" in read_json(tmp_path / "4" / "plan.json")["lines"]
