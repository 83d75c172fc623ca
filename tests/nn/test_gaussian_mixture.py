import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from sonde.nn.gaussian_mixture import GaussianMixture


def mixture() -> GaussianMixture:
    torch.manual_seed(0)
    made = GaussianMixture(3, 2).double()
    for parameter in made.parameters():
        parameter.data += 0.5 * torch.randn_like(parameter)
        parameter.requires_grad_(False)
    return made


def moments(made: GaussianMixture) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """(weights, means, covariances)."""
    weights = made.weights.softmax(0).numpy()
    precision = made._whitening().mT @ made._whitening()
    return weights, list(made.means.numpy()), precision.inverse().numpy()


def test_the_density_is_that_of_scipy() -> None:
    made, rows = mixture(), torch.randn(6, 2, dtype=torch.float64)
    wanted = sum(w * multivariate_normal(m, c).pdf(rows.numpy()) for w, m, c in zip(*moments(made), strict=True))
    np.testing.assert_allclose(made.log_density(rows).exp().numpy(), wanted)


def test_what_is_drawn_has_its_mean_and_covariance() -> None:
    made = mixture()
    torch.manual_seed(1)
    drawn = made.draw(torch.randn(40_000, 2, dtype=torch.float64), torch.rand(40_000, dtype=torch.float64)).numpy()
    weights, means, covariances = moments(made)
    mean = sum(w * m for w, m in zip(weights, means, strict=True))
    second = sum(w * (c + np.outer(m, m)) for w, m, c in zip(weights, means, covariances, strict=True))
    np.testing.assert_allclose(drawn.mean(0), mean, atol=0.05)
    np.testing.assert_allclose(np.cov(drawn.T), second - np.outer(mean, mean), atol=0.1)


def test_it_begins_at_rows_and_covers_about_as_much() -> None:
    made, rows = GaussianMixture(4, 3), torch.arange(24.0).view(8, 3)
    made.begin_at(rows)
    assert made.means.detach().equal(rows[::2])
    volume = made._whitening()[0].detach().logdet()
    assert float(volume) == pytest.approx(np.log(4), abs=1e-5)
