import numpy as np
import torch
from sklearn.metrics import mean_pinball_loss

from sonde.losses.forecasting import pinball


def test_pinball_is_that_of_scikit_learn() -> None:
    generator = torch.Generator().manual_seed(0)
    target, prediction = torch.randn(50, generator=generator), torch.randn(50, 3, generator=generator)
    quantiles = torch.tensor([0.1, 0.5, 0.8])
    found = pinball(prediction, target, quantiles).mean()
    expected = [mean_pinball_loss(target, prediction[:, n], alpha=float(q)) for n, q in enumerate(quantiles)]
    np.testing.assert_allclose(float(found), np.mean(expected), rtol=1e-6)


def test_its_least_is_at_the_quantile() -> None:
    target = torch.arange(101.0)
    guesses = torch.arange(0.0, 100.0, 0.5)
    each = pinball(
        guesses[:, None, None].expand(-1, 101, 1), target.expand(len(guesses), -1), torch.tensor([0.9])
    ).mean(1)
    assert guesses[each.argmin()] == 90
