"""Mixtures beside scikit-learn's, and what stacking is for."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.mixture import GaussianMixture as Peer

from sonde.nn import mixture_fit
from sonde.nn.mixture_fit import fitted


def rows(number: int, seed: int = 0) -> torch.Tensor:
    """Three groups that lie apart."""
    draw = np.random.default_rng(seed)
    middle = np.array([[0.0, 0.0], [6.0, 1.0], [-2.0, 7.0]])[draw.integers(0, 3, number)]
    return torch.from_numpy(middle + draw.normal(size=(number, 2)) * [1.0, 0.5])


def nats(found: mixture_fit.Mixture, given: torch.Tensor) -> float:
    return -float(found.log_densities(given).logsumexp(1).mean())


def test_of_many_rows_it_is_the_mixture_of_scikit_learn() -> None:
    given, new = rows(3000), rows(3000, seed=1)
    found = mixture_fit._fit(given, 3, tied=False)
    peer: Any = Peer(3, random_state=0).fit(given.numpy())
    assert nats(found, new) == pytest.approx(-peer.score(new.numpy()), abs=2e-3)
    order, other = found.weights.argsort(), peer.weights_.argsort()
    np.testing.assert_allclose(found.weights[order].numpy(), peer.weights_[other], atol=3e-3)
    np.testing.assert_allclose(found.means[order].numpy(), peer.means_[other], atol=0.02)
    inverse = (found.whitening.mT @ found.whitening).inverse()[order].numpy()
    np.testing.assert_allclose(inverse, peer.covariances_[other], atol=0.03)
    tied = Peer(3, covariance_type="tied", random_state=0).fit(given.numpy())
    assert nats(mixture_fit._fit(given, 3, tied=True), new) == pytest.approx(-tied.score(new.numpy()), abs=2e-3)


def test_as_many_gaussians_as_the_rows_support(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixture_fit, "NUMBERS", (1, 2, 3, 6))
    assert len(fitted(rows(3000), 128).weights) == 3
    assert len(fitted(rows(3000), 2).weights) == 2


def test_stacking_finds_the_shares_under_which_unseen_rows_are_likeliest() -> None:
    given = torch.from_numpy(np.random.default_rng(0).normal(size=400) * np.where(np.arange(400) % 4, 1.0, 4.0))
    models = [torch.distributions.Normal(0.0, scale) for scale in (1.0, 4.0, 9.0)]
    unseen = torch.stack([model.log_prob(given) for model in models])
    shares = mixture_fit.stacking(unseen)

    def level(of: torch.Tensor) -> float:
        return float((unseen + of.log()[:, None]).logsumexp(0).mean())

    assert float(shares.sum()) == pytest.approx(1)
    assert shares.tolist() == pytest.approx([0.75, 0.25, 0.0], abs=0.08)
    assert level(shares) > float(unseen.mean(1).max())
    for other in np.random.default_rng(1).dirichlet(np.ones(3), 50):
        assert level(torch.from_numpy(other)) <= level(shares) + 1e-4


def test_of_few_rows_several_mixtures_are_averaged() -> None:
    given = rows(240)
    found = fitted(given, 64)
    assert len(found.weights) > 3
    assert float(found.weights.sum()) == pytest.approx(1)
    assert nats(found, rows(3000, seed=1)) < nats(mixture_fit._fit(given, 1), rows(3000, seed=1)) - 0.3


def test_equal_rows_and_columns_that_follow_from_others_have_a_mixture() -> None:
    given = torch.cat([rows(200), torch.zeros(50, 2, dtype=torch.float64)])
    found = fitted(torch.cat([given, given[:, :1]], 1), 16)
    assert torch.isfinite(found.whitening).all()
    assert np.isfinite(nats(found, torch.cat([given, given[:, :1]], 1)))
