import pytest
import torch
from torch import nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.dcgan import DCGAN, DCGANConfig, usual_widths


def built(shape: tuple[int, ...] = (1, 28, 28), **settings: object) -> DCGAN:
    torch.manual_seed(0)
    channels = shape[0]
    spec = InputSpec(kind="image", shape=shape, mean=(0.2,) * channels, std=(0.4,) * channels)
    return DCGAN(spec, 1, DCGANConfig(**settings))  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 13, 30), (1, 8, 8), (3, 5, 64), (2, 1, 3)])
def test_images_of_any_size(shape: tuple[int, ...]) -> None:
    net = built(shape, noise_size=6)
    made = net.generator(torch.randn(3, 6), torch.randn(3, 6))
    assert made.shape == (3, *shape)
    assert net.critic(made).shape == (3, net.critic.features)
    assert net(torch.randn(3, 6), torch.randn(3, 6)).shape == (3, net.critic.features)


def test_what_is_made_lies_between_black_and_white() -> None:
    net = built(widths=(8,), noise_size=4)
    with torch.no_grad():
        net.generator.enlarge[-1].weight.mul_(1e4)  # type: ignore[union-attr, operator]
        made = net.generator(torch.randn(16, 4), torch.randn(16, 4))
    pixels = made * 0.4 + 0.2
    assert float(pixels.min()) == pytest.approx(0.0, abs=1e-5)
    assert float(pixels.max()) == pytest.approx(1.0, abs=1e-5)


def test_the_critic_judges_each_row_by_itself() -> None:
    net = built(widths=(8, 16), noise_size=4)
    rows = torch.randn(4, 1, 28, 28)
    torch.testing.assert_close(net.critic(rows), torch.cat([net.critic(row[None]) for row in rows]))
    assert not any(isinstance(part, nn.BatchNorm2d) for part in net.critic.modules())


def test_every_parameter_gets_a_gradient() -> None:
    net = built(widths=(8, 16), noise_size=4)
    net(torch.randn(6, 4), torch.randn(6, 4)).square().sum().backward()
    assert [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_sizes() -> None:
    assert usual_widths((3, 128, 96)) == (64, 128, 256, 512)
    with pytest.raises(
        ConfigError, match="--widths has 6 halvings, and images of 8 x 8 pixels allow 4; give at most 4"
    ):
        built((1, 8, 8), widths=(8,) * 6)
    built((1, 8, 8), widths=(8,) * 4)
    with pytest.raises(ConfigError, match="--noise-size must be at least 1, got 0"):
        DCGANConfig(noise_size=0)
