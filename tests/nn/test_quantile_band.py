import torch
from torch.distributions import Normal

from sonde.nn.quantile_band import QuantileBand


def test_quantiles_rise_about_the_middle_in_deviations_of_the_window() -> None:
    band = QuantileBand(3, 2, (0.1, 0.3, 0.5, 0.9))
    for parameter in band.parameters():
        torch.nn.init.normal_(parameter)
    middle = torch.randn(4, 3, 2)
    window = torch.randn(4, 30, 2)
    found = band(middle, window)
    assert found.shape == (4, 3, 2, 4)
    assert (found.diff(dim=-1) > 0).all()
    torch.testing.assert_close(found[..., 2], middle)
    wider = band(middle, 3 * window)
    torch.testing.assert_close(wider - middle[..., None], 3 * (found - middle[..., None]))


def test_it_begins_as_a_normal_distribution() -> None:
    window = torch.tensor([[[1.0], [-1.0]]])  # of deviation 1
    quantiles = (0.05, 0.2, 0.5, 0.75)
    found = QuantileBand(2, 1, quantiles)(torch.zeros(1, 2, 1), window)
    expected = Normal(0.0, 1.0).icdf(torch.tensor(quantiles))
    torch.testing.assert_close(found[0, :, 0], expected.expand(2, -1), atol=1e-5, rtol=1e-5)
