"""Flow matching beside closed forms: of Gaussian data the velocity is known, and so is where each noise ends."""

import math
from itertools import permutations
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.generation import SampleRequest
from sonde.core.seams import Meter, Objective, Task
from sonde.models.denoiser_mlp import DenoiserMLP, DenoiserMLPConfig
from sonde.tasks.flow_matching.config import FlowMatchingConfig
from sonde.tasks.flow_matching.task import SOLVERS, FlowMatching, paired

CLASSES = TargetSpec(kind="class", names=("a", "b", "c"))
SPEC = InputSpec(kind="array", shape=(4,))
MEAN, SPREAD = 0.7, 0.4


def task(model: nn.Module | None = None, **settings: Any) -> FlowMatching:
    torch.manual_seed(0)
    network = model or DenoiserMLP(SPEC, 3, DenoiserMLPConfig(width=16, layers=1))
    return FlowMatching(network, CLASSES, FlowMatchingConfig(**settings), input=SPEC)


def known(at: Tensor, time: float) -> Tensor:
    """E[data - noise | (1 - t) noise + t data] of data ~ N(MEAN, SPREAD²)."""
    variance = (1 - time) ** 2 + (time * SPREAD) ** 2
    apart = at - time * MEAN
    return MEAN + (time * SPREAD**2 - (1 - time)) * apart / variance


def off(solver: str, steps: int) -> float:
    """How far a solver ends from MEAN + SPREAD · noise."""
    start = torch.linspace(-2, 2, 9, dtype=torch.float64)
    at = start
    for number in range(steps):
        at = SOLVERS[solver](known, at, number / steps, (number + 1) / steps)
    return float((at - (MEAN + SPREAD * start)).abs().mean())


@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("midpoint", 2), ("heun", 2)])
def test_the_error_falls_with_the_order_of_the_method(solver: str, order: int) -> None:
    coarse, fine = off(solver, 50), off(solver, 100)
    assert math.log2(coarse / fine) > order - 0.1


def test_it_fits_the_seams() -> None:
    made = task()
    assert isinstance(made, Task)
    assert isinstance(made.meter(), Meter)
    assert made.objective == Objective("loss", "min")


class Seen(nn.Module):
    """Keeps what it is called with, and answers 0."""

    condition = 8

    def forward(self, input: Tensor, condition: Tensor) -> Tensor:
        self.input = input
        return torch.zeros_like(input)


def test_the_loss_is_the_error_of_the_velocity_on_the_straight_line() -> None:
    network = Seen()
    made = task(network, class_dropout=0.0)
    data = torch.randn(5, 4)
    torch.manual_seed(7)
    loss = made.loss(Batch({"input": data, "target": torch.zeros(5, dtype=torch.int64)}, torch.arange(5)))
    torch.manual_seed(7)
    noise, time = torch.randn(5, 4), torch.rand(5, 1)
    torch.testing.assert_close(network.input, (1 - time) * noise + time * data)
    torch.testing.assert_close(loss.value, (data - noise).square().mean())


def test_optimal_pairing_is_the_cheapest_of_all() -> None:
    torch.manual_seed(0)
    data, noise = torch.randn(6, 4), torch.randn(6, 4)
    costs = {order: float((data - noise[list(order)]).square().sum()) for order in permutations(range(6))}
    assert tuple(paired(data, noise).tolist()) == min(costs, key=lambda order: costs[order])


def test_samples_follow_the_flow_that_was_learned() -> None:
    """A network that answers the constant velocity 3 moves each start by 3."""

    class Constant(nn.Module):
        condition = 8

        def forward(self, input: Tensor, condition: Tensor) -> Tensor:
            return torch.full_like(input, 3.0)

    made = task(Constant())
    start = torch.randn(2, 4)
    for sampler in SOLVERS:
        request = SampleRequest(start=start, labels=torch.tensor([0, 1]), steps=5, sampler=sampler)
        torch.testing.assert_close(made.draw(request), start + 3)


def test_what_is_known_stays_and_the_rest_is_made() -> None:
    made = task()
    start, given = torch.randn(3, 4), torch.arange(12.0).view(3, 4)
    keep = torch.tensor([0.0, 1.0, 1.0, 0.0]).expand(3, 4)
    with torch.no_grad():
        found = made.draw(SampleRequest(start=start, labels=torch.zeros(3).long(), steps=3, known=given, keep=keep))
    torch.testing.assert_close(found[:, 1:3], given[:, 1:3])
    assert not torch.equal(found[:, 0], given[:, 0])


def test_the_baseline_is_the_best_there_is_for_white_data() -> None:
    """Over all times the error is π / 2."""
    (_, found) = task().trivial_baseline({}, {})
    assert found["loss"] == pytest.approx(math.pi / 2, rel=0.002)
