"""Behaviour cloning beside what maximises a likelihood."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.errors import ConfigError
from sonde.tasks.cloning.config import CloningConfig
from sonde.tasks.cloning.task import Cloning

CHOICE = TargetSpec(kind="logged-action", names=("5", "6", "7"))
NUMBERS = TargetSpec(kind="logged-control", names=("a", "b"), mean=(1.0, 0.0), std=(2.0, 0.5))


class Tabular(nn.Identity):
    """One-hot places are all the features there are."""

    features = 2


def task(target: TargetSpec, **settings: Any) -> Cloning:
    torch.manual_seed(0)
    return Cloning(Tabular(), target, CloningConfig(**settings), input=InputSpec(kind="environment", shape=(2,)))


def trained(one: Cloning, batch: Batch, steps: int = 400) -> Cloning:
    parameters = [parameter for phase in one.phases for parameter in phase.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=0.05)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = one.loss(batch).value  # type: ignore[union-attr]
        loss.backward()
        optimizer.step()
    return one


def steps_of(action: torch.Tensor, place: torch.Tensor) -> Batch:
    return Batch({"input": torch.eye(2)[place], "target": action}, torch.arange(len(place)))


def test_actions_become_as_likely_as_they_are_in_the_log() -> None:
    place = torch.tensor([0] * 10 + [1] * 10)
    action = torch.tensor([0] * 7 + [1] * 2 + [2] + [2] * 5 + [0] * 5)
    one = trained(task(CHOICE), batch := steps_of(action, place))
    entropy = -(0.7 * math.log(0.7) + 0.2 * math.log(0.2) + 0.1 * math.log(0.1)), math.log(2)
    found = one.evaluate(batch)
    assert found["log_likelihood"][:10].mean().item() == pytest.approx(-entropy[0], abs=2e-3)
    assert found["log_likelihood"][10:].mean().item() == pytest.approx(-entropy[1], abs=2e-3)
    assert found["accuracy"][:10].mean().item() == pytest.approx(0.7)
    assert one.predict(Batch({"input": torch.eye(2)[:1]}, torch.arange(1)))["action"].tolist() == [5]
    drawn = one.act(torch.eye(2)[:1].expand(20_000, 2), torch.Generator().manual_seed(0))["action"]
    np.testing.assert_allclose(np.bincount(drawn.numpy()) / 20_000, [0.7, 0.2, 0.1], atol=0.015)


def test_numbers_get_the_mean_and_the_deviation_of_the_log() -> None:
    draw = torch.Generator().manual_seed(1)
    place = torch.arange(400) % 2
    centre = torch.tensor([[0.3, -0.5], [-0.6, 0.2]])[place]
    action = centre + torch.randn(400, 2, generator=draw) * torch.tensor([0.1, 0.3])
    one = trained(task(NUMBERS), batch := steps_of(action, place))
    exact = torch.stack([action[place == number].mean(0) for number in (0, 1)])
    torch.testing.assert_close(one.act(torch.eye(2), None)["action"], exact, atol=0.02, rtol=0)
    apart = (action - exact[place]).square().mean(0).sqrt()
    torch.testing.assert_close(one.log_std.exp().detach(), apart, atol=0.01, rtol=0)
    sent = one.sent(torch.tensor([[0.5, -3.0]]))
    np.testing.assert_allclose(sent, [[2.0, -0.5]])  # stretched, and held within the bounds
    mae = (action - exact[place]).abs().mean().item()  # over numbers of other ranges alike
    assert one.evaluate(batch)["mae"].mean().item() == pytest.approx(mae, abs=0.02)


def test_squares_lead_to_the_same_mean_and_leave_the_deviation() -> None:
    action = torch.tensor([[0.2, 0.0], [0.4, 0.1], [0.9, -0.3]])
    one = trained(task(NUMBERS, cloning_loss="mse"), steps_of(action, torch.zeros(3, dtype=torch.long)))
    torch.testing.assert_close(one.act(torch.eye(2)[:1], None)["action"], action.mean(0)[None], atol=0.01, rtol=0)
    assert one.log_std.tolist() == [0.0, 0.0]
    found = one.evaluate(steps_of(action, torch.zeros(3, dtype=torch.long)))
    assert found["mse"].mean().item() == pytest.approx(action.var(0, unbiased=False).mean().item(), abs=1e-4)


@pytest.mark.parametrize("loss", ["mse", "likelihood"])
def test_what_is_nearer_than_the_mean_action_is_better_than_it_from_the_beginning(loss: str) -> None:
    """Whatever its deviations would become: they begin as those of the log."""
    draw = torch.Generator().manual_seed(1)
    place = torch.arange(200) % 2
    action = torch.tensor([[0.3, -0.01], [-0.3, 0.01]])[place] + 0.001 * torch.randn(200, 2, generator=draw)
    batch = steps_of(action, place)
    one = task(NUMBERS, cloning_loss=loss)
    one.abilities.know_rows(lambda: [batch])  # type: ignore[misc]
    before = one.log_std.tolist()
    one.abilities.know_rows(lambda: [batch])  # type: ignore[misc]
    assert one.log_std.tolist() == before  # once
    known = {"target": action}
    what, baseline = one.trivial_baseline(known, known)
    with torch.no_grad():  # half way from the mean action to the log
        one.head.weight.copy_(torch.tensor([[0.15, -0.15], [-0.005, 0.005]]) / 2)
        one.head.bias.copy_(action.mean(0))
    found = {name: each.mean().item() for name, each in one.evaluate(batch).items()}
    assert what == "always the mean action"
    assert sorted(found) == sorted(baseline)
    metric, sign = one.objective.metric, {"max": 1, "min": -1}[one.objective.mode]
    assert metric == {"mse": "mse", "likelihood": "log_likelihood"}[loss]
    assert sign * found[metric] > sign * baseline[metric]


def test_an_action_that_never_changes_makes_no_baseline_that_cannot_be_reached() -> None:
    same = {"target": torch.zeros(4, 2)}
    _, found = (one := task(NUMBERS)).trivial_baseline(same, same)
    one.abilities.know_rows(lambda: [steps_of(same["target"], torch.zeros(4, dtype=torch.long))])  # type: ignore[misc]
    with torch.no_grad():
        one.head.weight.zero_()
        one.head.bias.zero_()
    reached = one.evaluate(steps_of(same["target"], torch.zeros(4, dtype=torch.long)))["log_likelihood"]
    assert found["log_likelihood"] == pytest.approx(reached.mean().item())


def test_squares_are_for_numbers() -> None:
    with pytest.raises(ConfigError, match="--cloning-loss mse learns no spread to draw them from"):
        task(NUMBERS, cloning_loss="mse", act_sampled=True)
    assert task(NUMBERS).abilities.acting.draws  # type: ignore[union-attr]
    assert not task(NUMBERS, cloning_loss="mse").abilities.acting.draws  # type: ignore[union-attr]
    with pytest.raises(ConfigError, match="--cloning-loss mse is for actions that are numbers"):
        task(CHOICE, cloning_loss="mse")


def test_the_baseline_knows_how_often_each_action_is() -> None:
    known, evaluated = {"target": torch.tensor([0.0] * 7 + [2] * 2)}, {"target": torch.tensor([0.0, 2.0])}
    what, found = task(CHOICE).trivial_baseline(known, evaluated)
    assert (what, found["accuracy"]) == ("always action 5", 0.5)
    assert found["log_likelihood"] == pytest.approx((math.log(8 / 12) + math.log(3 / 12)) / 2)
