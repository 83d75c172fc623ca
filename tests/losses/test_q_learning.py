"""Losses of action values."""

import math

import torch
import torch.nn.functional as F

from sonde.losses.q_learning import divergence, huber, projected, quantile_huber


def test_huber_is_that_of_torch() -> None:
    error = torch.linspace(-3, 3, 25)
    torch.testing.assert_close(huber(error), F.huber_loss(error, torch.zeros(25), reduction="none"))


def test_quantiles_that_minimise_the_loss_are_those_of_the_targets() -> None:
    """Far apart, where the loss is nearly that of quantile regression."""
    draws = torch.randn(1, 4001, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 1000
    found = torch.zeros(1, 5, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([found], lr=30)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.99)
    for _ in range(600):
        optimizer.zero_grad()
        quantile_huber(found, draws).sum().backward()
        optimizer.step()
        schedule.step()
    exact = draws[0].quantile(torch.tensor([0.1, 0.3, 0.5, 0.7, 0.9], dtype=torch.float64))
    torch.testing.assert_close(found.detach()[0], exact, atol=30, rtol=0)  # 3 % of the spread


def by_algorithm_1(shares: list[float], places: list[float], support: list[float]) -> list[float]:
    """As it stands in Bellemare et al. 2017, in float64, with the repair for places that fall on an atom."""
    low, high, count = support[0], support[-1], len(support)
    apart, found = (high - low) / (count - 1), [0.0] * count
    for share, place in zip(shares, places, strict=True):
        b = (min(max(place, low), high) - low) / apart
        lower, upper = math.floor(b), math.ceil(b)
        if lower == upper:
            found[lower] += share
        else:
            found[lower] += share * (upper - b)
            found[upper] += share * (b - lower)
    return found


def test_a_projection_is_that_of_algorithm_1() -> None:
    random = torch.Generator().manual_seed(0)
    support = torch.linspace(-10, 10, 51, dtype=torch.float64)
    shares = torch.rand(7, 51, generator=random, dtype=torch.float64).softmax(-1)
    reward = torch.randn(7, 1, generator=random, dtype=torch.float64) * 8
    places = reward + 0.9 * support
    places[0] = support  # on the atoms
    places[1] = 3.2  # an episode that is over: all at the reward
    found = projected(shares, places, support)
    expected = [
        by_algorithm_1(*row) for row in zip(shares.tolist(), places.tolist(), [support.tolist()] * 7, strict=True)
    ]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), atol=1e-12, rtol=0)
    torch.testing.assert_close(found.sum(-1), torch.ones(7, dtype=torch.float64))


def test_a_projection_keeps_the_mean_where_nothing_is_cut_off() -> None:
    support = torch.linspace(0, 4, 5)
    found = projected(torch.tensor([[0.5, 0, 0, 0, 0.5]]), torch.tensor([[0.25, 1, 1, 1, 2.5]]), support)
    torch.testing.assert_close(found, torch.tensor([[0.375, 0.125, 0.25, 0.25, 0]]))


def test_divergence_is_that_of_torch() -> None:
    logits, target = torch.randn(4, 6), torch.rand(4, 6).softmax(-1)
    target[0] = F.one_hot(torch.tensor(2), 6)
    expected = F.kl_div(logits.log_softmax(-1), target, reduction="none").sum(-1)
    torch.testing.assert_close(divergence(logits, target), expected)
