"""The range test finds a rate that trains, stops when the loss flies off, and leaves everything as it was."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from sample_tasks import Adversarial, Supervised, batch, blobs, mlp, stepper
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.seams import Loss
from sonde.engine import random_state
from sonde.engine.range_test import range_test, steepest
from sonde.engine.training import weights
from sonde.engine.tree import copied, same

SGD: Any = torch.optim.SGD


class Quadratic(Supervised):
    """Half of 10 |w|², lifted by `height`: gradient descent diverges from rate 0.2 on, and 0.1 solves it in a step."""

    def __init__(self, height: float = 0.0) -> None:
        super().__init__(nn.Linear(2, 1, bias=False))
        self.height = height
        with torch.no_grad():
            self.modules["model"].weight.fill_(10.0)  # type: ignore[union-attr]

    def loss(self, batch: Batch) -> Loss:
        weight: Tensor = self.modules["model"].weight  # type: ignore[assignment]
        return Loss(5 * weight.square().sum() + self.height, len(batch))


def endless(**fields: Tensor) -> Iterator[Batch]:
    while True:
        yield batch(**fields)


def test_a_quadratic_gets_a_rate_below_its_limit() -> None:
    found = range_test(stepper(Quadratic(), optimizer=SGD), endless(**blobs(4)))
    assert 0.2 / 20 < found.chosen < 0.2
    assert len(found.lr) == len(found.loss) < 100  # it flew off, and that ended it
    assert found.lr[0] == pytest.approx(1e-6)
    ratios = [b / a for a, b in zip(found.lr, found.lr[1:], strict=False)]
    assert ratios == pytest.approx([1e7 ** (1 / 99)] * len(ratios))
    assert found.loss[-1] <= 4 * min(found.loss)


def test_the_rate_found_for_a_classifier_trains_it() -> None:
    torch.manual_seed(0)
    data = blobs(512)

    def batches() -> Iterator[Batch]:
        while True:
            rows = torch.randint(512, (64,))
            yield batch(input=data["input"][rows], target=data["target"][rows])

    chosen = range_test(stepper(Supervised(mlp(2, 16, 3))), batches()).chosen
    assert 1e-3 < chosen < 1

    def end(lr: float) -> float:
        torch.manual_seed(0)
        steps = stepper(Supervised(mlp(2, 16, 3)), lr=lr)
        losses = [
            float(steps(row, step=n, epoch=0).losses["model/loss"])
            for n, row in zip(range(1, 121), batches(), strict=False)
        ]
        return sum(losses[-20:]) / 20

    assert end(chosen) < 0.15 < 0.5 < end(chosen / 100)


def test_everything_is_as_it_was() -> None:
    torch.manual_seed(0)
    steps = stepper(Supervised(nn.Sequential(mlp(2, 8, 3), nn.BatchNorm1d(3), nn.Dropout(0.1))))
    before = copied([weights(steps.task.modules), steps.state_dict(), random_state.capture(torch.device("cpu"))])
    found = range_test(steps, endless(**blobs(16)), steps=20)
    after = [weights(steps.task.modules), steps.state_dict(), random_state.capture(torch.device("cpu"))]
    assert same(before, after)
    assert len(found.lr) > 5
    assert steps(batch(**blobs(16)), step=1, epoch=0).lr == 1e-2


def test_a_loss_that_is_not_a_number_ends_it() -> None:
    def batches() -> Iterator[Batch]:
        yield from (batch(**blobs(8)) for _ in range(5))
        data = blobs(8)
        while True:
            yield batch(input=data["input"] * float("nan"), target=data["target"])

    found = range_test(stepper(Supervised(mlp(2, 3)), optimizer=SGD), batches())
    assert len(found.lr) == 5
    assert all(math.isfinite(value) for value in found.loss)


def test_few_batches_are_used_as_far_as_they_go() -> None:
    found = range_test(stepper(Supervised(mlp(2, 3)), optimizer=SGD), [batch(**blobs(8))] * 3)
    assert len(found.lr) == 3


def test_a_loss_below_zero_is_no_divergence() -> None:
    """A log-density may be negative: 4 times the best of those lies below it."""
    found = range_test(stepper(Quadratic(height=-10_000.0), optimizer=SGD), endless(**blobs(4)))
    assert 0.2 / 20 < found.chosen < 0.2


def test_the_first_phase_is_read_also_where_phases_take_turns() -> None:
    torch.manual_seed(0)
    task = Adversarial(mlp(4, 8, 2), mlp(2, 8, 1), 4, generator_every=3)
    found = range_test(stepper(task), endless(input=blobs(16)["input"]), steps=10)
    assert found.chosen in found.lr or found.lr[0] < found.chosen < found.lr[-1]


def test_where_nothing_falls_the_smallest_rate_is_returned() -> None:
    assert steepest([1e-3, 1e-2, 1e-1], [1.0, 2.0, 3.0]) == 1e-3
    assert steepest([], []) == 1e-3
    assert steepest([0.5], [2.0]) == 0.5
