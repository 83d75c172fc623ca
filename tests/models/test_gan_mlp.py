import torch

from sonde.core.dataset import InputSpec
from sonde.models.gan_mlp import GANMLP, GANMLPConfig


def test_rows_of_any_shape_and_a_gradient_everywhere() -> None:
    torch.manual_seed(0)
    net = GANMLP(InputSpec(kind="array", shape=(2, 3)), 1, GANMLPConfig(width=8, layers=2, noise_size=4))
    assert net.generator(torch.randn(5, 4), torch.randn(5, 4)).shape == (5, 2, 3)
    seen = net(torch.randn(5, 4), torch.randn(5, 4))
    assert seen.shape == (5, net.critic.features)
    seen.square().sum().backward()
    assert [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()] == []
