"""The range test finds a rate that trains, stops when the loss flies off, and leaves everything as it was."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from sample_tasks import Adversarial, Supervised, batch, blobs, mlp, stepper
from sklearn.datasets import make_classification
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.seams import Loss
from sonde.engine import random_state
from sonde.engine.range_test import chosen_on, range_test
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
    found = range_test(stepper(Quadratic(), optimizer=SGD), lambda: endless(**blobs(4)))
    assert found.chosen is not None
    assert 0.2 / 20 < found.chosen < 0.2
    assert len(found.lr) == len(found.loss) < 100  # it flew off, and that ended it
    assert found.lr[0] == pytest.approx(1e-6)
    ratios = [b / a for a, b in zip(found.lr, found.lr[1:], strict=False)]
    assert ratios == pytest.approx([1e7 ** (1 / 99)] * len(ratios))
    assert found.loss[-1] <= 2 * found.loss[0]
    assert found.sure


def test_the_rate_found_for_a_classifier_trains_it() -> None:
    torch.manual_seed(0)
    data = blobs(512)

    def batches() -> Iterator[Batch]:
        while True:
            rows = torch.randint(512, (64,))
            yield batch(input=data["input"][rows], target=data["target"][rows])

    chosen = range_test(stepper(Supervised(mlp(2, 16, 3))), batches).chosen
    assert chosen is not None
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
    found = range_test(steps, lambda: endless(**blobs(16)), steps=20)
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

    found = range_test(stepper(Supervised(mlp(2, 3)), optimizer=SGD), batches)
    assert len(found.lr) == 5
    assert all(math.isfinite(value) for value in found.loss)


def test_few_batches_are_used_as_far_as_they_go() -> None:
    found = range_test(stepper(Supervised(mlp(2, 3)), optimizer=SGD), lambda: [batch(**blobs(8))] * 3)
    assert len(found.lr) == 3


def test_a_loss_below_zero_is_no_divergence() -> None:
    """A log-density may be negative: 4 times the best of those lies below it."""
    found = range_test(stepper(Quadratic(height=-10_000.0), optimizer=SGD), lambda: endless(**blobs(4)))
    assert found.chosen is not None
    assert 0.2 / 20 < found.chosen < 0.2


def test_the_first_phase_is_read_also_where_phases_take_turns() -> None:
    torch.manual_seed(0)
    task = Adversarial(mlp(4, 8, 2), mlp(2, 8, 1), 4, generator_every=3)
    found = range_test(stepper(task), lambda: endless(input=blobs(16)["input"]), steps=10)
    assert found.chosen is not None
    assert found.chosen in found.lr or found.lr[0] < found.chosen < found.lr[-1]


def falling(rates: list[float], *, noise: float, seed: int) -> list[float]:
    """Falls by 1 around 0.01, and rises from 0.1 on, with noise as of small batches."""
    draw = torch.Generator().manual_seed(seed)
    clean = [2 - 1 / (1 + (0.01 / rate) ** 2) + (rate / 0.3) ** 2 for rate in rates]
    return [loss + noise * float(torch.randn((), generator=draw)) for loss in clean]


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.5])
def test_the_choice_lies_on_the_slope_of_a_noisy_curve(noise: float) -> None:
    rates = [1e-6 * 1e7 ** (place / 99) for place in range(100)]
    for seed in range(20):
        found = chosen_on(rates, falling(rates, noise=noise, seed=seed), width=5.0)
        assert found.chosen is not None
        assert (0.001 if noise == 0.5 else 0.003) < found.chosen < 0.15
        assert found.sure or noise == 0.5


def test_a_fall_within_the_noise_is_not_sure_and_none_chooses_nothing() -> None:
    rates = [1e-6 * 1e7 ** (place / 99) for place in range(100)]
    found = [
        chosen_on(
            rates, [2 + float(x) for x in torch.randn(100, generator=torch.Generator().manual_seed(n))], width=5.0
        )
        for n in range(40)
    ]
    assert sum(each.sure for each in found) <= 2
    for losses in ([1.0] * 100, [1.0 + rate for rate in rates], [1.0], []):
        assert chosen_on(rates[: len(losses)], losses, width=5.0).chosen is None


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("size", [16, 64])
def test_noisy_batches_do_not_choose_the_first_rate(seed: int, size: int) -> None:
    """Of fixed rates by half decades, those from 0.003 to 0.03 have the lowest validation loss after ten epochs of Adam."""
    x, y = make_classification(2000, 20, n_informative=8, random_state=seed)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
    torch.manual_seed(seed)
    steps = stepper(Supervised(mlp(20, 64, 2)))

    def batches() -> Iterator[Batch]:
        draw = torch.Generator().manual_seed(seed)
        while True:
            rows = torch.randint(2000, (size,), generator=draw)
            yield batch(input=x[rows], target=y[rows])

    found = range_test(steps, batches)
    assert found.chosen is not None
    assert 1e-3 < found.chosen < 0.1
    assert found.sure
