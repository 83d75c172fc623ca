"""Normalizing flows: undone, with the log-determinant of autograd's Jacobian, and a Gaussian's exact likelihood."""

from typing import Any

import pytest
import torch
from scipy.stats import multivariate_normal

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.glow import Glow, GlowConfig
from sonde.models.realnvp_mlp import RealNVP, RealNVPConfig

NETWORKS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "realnvp": (lambda spec: RealNVP(spec, 1, RealNVPConfig(width=8, layers=3)), (5,)),
    "affine": (lambda spec: RealNVP(spec, 1, RealNVPConfig(width=8, layers=3, coupling="affine")), (5,)),
    "one number": (lambda spec: RealNVP(spec, 1, RealNVPConfig(width=8, layers=2)), (1,)),
    "glow": (lambda spec: Glow(spec, 1, GlowConfig(width=8, layers=2)), (1, 8, 4)),
    "glow of one level": (lambda spec: Glow(spec, 1, GlowConfig(width=8, layers=2, levels=1)), (3, 2, 6)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_volume_inverse_and_gradients(name: str) -> None:
    torch.manual_seed(0)
    make, shape = NETWORKS[name]
    network = make(InputSpec(kind="image" if len(shape) == 3 else "table", shape=shape)).double()
    for parameter in network.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    rows, condition = torch.randn(2, *shape, dtype=torch.float64), torch.randn(2, 16, dtype=torch.float64)
    normal, volume = network(rows, condition)
    assert normal.shape == rows.shape
    torch.testing.assert_close(network.inverse(normal, condition), rows)
    for row in range(2):

        def flat(x: torch.Tensor, row: int = row) -> torch.Tensor:
            return network(x.view(1, *shape), condition[row : row + 1])[0].flatten()

        jacobian = torch.autograd.functional.jacobian(flat, rows[row].flatten())
        torch.testing.assert_close(volume[row], torch.linalg.slogdet(jacobian)[1])  # type: ignore[arg-type]
    (normal.square().sum() - volume.sum()).backward()
    assert [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_a_gaussian_that_it_whitens_has_scipys_likelihood() -> None:
    torch.manual_seed(0)
    network = RealNVP(
        InputSpec(kind="table", shape=(3,)), 1, RealNVPConfig(width=4, layers=1, coupling="affine")
    ).double()
    root = torch.tensor([[1.0, 0.0, 0.0], [0.5, 2.0, 0.0], [-1.0, 0.3, 0.7]], dtype=torch.float64)
    mean = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    white = root.inverse()
    norm, mix = network.flow.layers[0], network.flow.layers[1]
    permutation, lower, upper = torch.linalg.lu(white)
    with torch.no_grad():
        norm.shift.copy_(-mean)  # type: ignore[union-attr, operator]
        mix.permutation.copy_(permutation)  # type: ignore[union-attr, operator]
        mix.signs.copy_(upper.diagonal().sign())  # type: ignore[union-attr, operator]
        mix.log_scale.copy_(upper.diagonal().abs().log())  # type: ignore[union-attr, operator]
        mix.lower.copy_(lower)  # type: ignore[union-attr, operator]
        mix.upper.copy_(upper)  # type: ignore[union-attr, operator]
    rows = torch.randn(20, 3, dtype=torch.float64) * 3
    normal, volume = network(rows, torch.zeros(20, 16, dtype=torch.float64))
    found = torch.distributions.Normal(0, 1).log_prob(normal).sum(1) + volume
    expected = multivariate_normal.logpdf(rows.numpy(), mean.numpy(), (root @ root.T).numpy())  # type: ignore[arg-type]
    torch.testing.assert_close(found.detach(), torch.from_numpy(expected))


def test_images_are_halved_as_often_as_they_can_be() -> None:
    def levels(height: int, width: int, asked: int = 0) -> int:
        spec = InputSpec(kind="image", shape=(1, height, width))
        return len(Glow(spec, 1, GlowConfig(width=4, layers=1, levels=asked)).levels)

    assert (levels(28, 28), levels(32, 32), levels(64, 64), levels(64, 64, 4)) == (2, 3, 3, 4)
    with pytest.raises(ConfigError, match="27 x 28 pixels cannot be; give --image-size 28$"):
        levels(28, 27)
    with pytest.raises(ConfigError, match="28 x 28 pixels cannot be; give --image-size 32, or --levels 2$"):
        levels(28, 28, 3)
