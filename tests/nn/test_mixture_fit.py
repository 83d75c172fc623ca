"""Mixtures beside scikit-learn's, and what stacking is for."""

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
    peer = Peer(3, random_state=0).fit(given.numpy())
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


def test_of_few_rows_stacked_mixtures_are_likelier_than_the_one_that_bic_chooses() -> None:
    stacked, chosen = [], []
    for seed in range(4):
        draw = np.random.default_rng(seed)
        scale = draw.gamma(2.0, size=(120, 1))  # heavier tails than a normal distribution's
        given = torch.from_numpy(draw.normal(size=(120, 2)) * scale)
        new = torch.from_numpy(draw.normal(size=(4000, 2)) * draw.gamma(2.0, size=(4000, 1)))
        found = fitted(given, 32)
        assert float(found.weights.sum()) == pytest.approx(1)
        stacked.append(nats(found, new))
        peers = [Peer(number, random_state=0).fit(given.numpy()) for number in (1, 2, 3)]
        chosen.append(-min(peers, key=lambda each: each.bic(given.numpy())).score(new.numpy()))
    assert np.mean(stacked) < np.mean(chosen) - 0.01


def test_equal_rows_and_columns_that_follow_from_others_have_a_mixture() -> None:
    given = torch.cat([rows(200), torch.zeros(50, 2, dtype=torch.float64)])
    found = fitted(torch.cat([given, given[:, :1]], 1), 16)
    assert torch.isfinite(found.whitening).all()
    assert np.isfinite(nats(found, torch.cat([given, given[:, :1]], 1)))
