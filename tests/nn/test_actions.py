"""Distributions over actions, beside torch's."""

import torch
from torch.distributions import Categorical, Independent, Normal, TanhTransform, TransformedDistribution

from sonde.nn import actions


def test_categories_are_those_of_torch() -> None:
    logits = torch.randn(5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    chosen, theirs = torch.tensor([0, 1, 2, 3, 0]), Categorical(logits=logits)
    torch.testing.assert_close(actions.category_log_prob(logits, chosen), theirs.log_prob(chosen))
    torch.testing.assert_close(actions.category_entropy(logits), theirs.entropy())


def test_categories_are_drawn_as_often_as_they_are_likely() -> None:
    logits = torch.tensor([[0.0, 1.0, -1.0]]).expand(200_000, 3)
    drawn = actions.draw_category(logits, torch.Generator().manual_seed(0))
    shares = torch.bincount(drawn, minlength=3) / len(drawn)
    torch.testing.assert_close(shares, logits[0].softmax(0), atol=0.004, rtol=0)  # 3.5 standard errors
    assert actions.draw_category(logits[:2], None).tolist() == [1, 1]


def test_gaussians_are_those_of_torch() -> None:
    random = torch.Generator().manual_seed(0)
    mean = torch.randn(5, 3, dtype=torch.float64, generator=random)
    log_std = torch.tensor([0.1, -1.0, 0.5], dtype=torch.float64)
    theirs = Independent(Normal(mean, log_std.exp().expand_as(mean)), 1)
    drawn = actions.draw_gaussian(mean, log_std, random)
    torch.testing.assert_close(actions.gaussian_log_prob(mean, log_std, drawn), theirs.log_prob(drawn))
    torch.testing.assert_close(actions.gaussian_entropy(mean, log_std), theirs.entropy())
    assert torch.equal(actions.draw_gaussian(mean, log_std, None), mean)
    many = actions.draw_gaussian(mean[:1].expand(100_000, 3), log_std, random)
    torch.testing.assert_close(many.std(0), log_std.exp(), rtol=0.01, atol=0)


def test_squashed_gaussians_are_those_of_torch() -> None:
    mean, log_std = torch.tensor([[0.3, -2.0], [1.5, 0.0]], dtype=torch.float64), torch.tensor([[-1.0, 0.5]] * 2)
    noise = torch.randn(2, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    theirs = Independent(TransformedDistribution(Normal(mean, log_std.exp()), TanhTransform()), 1)
    action, log_prob = actions.squashed(mean, log_std, noise)
    torch.testing.assert_close(log_prob, theirs.log_prob(action))
    assert torch.equal(actions.squashed(mean, log_std, None)[0], mean.tanh())


def test_the_number_that_lies_most_often_at_a_bound() -> None:
    chosen = torch.tensor([[1.0, -1.0], [3.0, -2.0], [-1.0, 0.5], [0.2, -0.999]])
    assert (
        actions.share_at_bound(chosen).item() == 0.75
    )  # the second, at -1; that the first is at either bound counts apart


def test_categories_of_several_parts_are_independent_ones_of_torch() -> None:
    random = torch.Generator().manual_seed(0)
    logits, sizes = torch.randn(6, 5, dtype=torch.float64, generator=random), (2, 3)
    theirs = [Categorical(logits=part) for part in logits.split(sizes, 1)]
    chosen = actions.draw_categories(logits, sizes, random)
    assert chosen.shape == (6, 2)
    assert bool((chosen < torch.tensor(sizes)).all())
    log_prob = sum(part.log_prob(chosen[:, number]) for number, part in enumerate(theirs))
    torch.testing.assert_close(actions.categories_log_prob(logits, sizes, chosen), log_prob)
    torch.testing.assert_close(actions.categories_entropy(logits, sizes), sum(part.entropy() for part in theirs))
    assert actions.draw_categories(logits, sizes, None)[:, 1].equal(logits[:, 2:].argmax(1))
