from typing import Any

import pytest

from sonde.core.errors import ConfigError
from sonde.tasks.gan.config import GANConfig


def test_what_a_loss_brings_with_it() -> None:
    assert (GANConfig().normalised, GANConfig().every, GANConfig().penalty) == (True, 1, 0.0)
    wgan = GANConfig(gan_loss="wgan-gp")
    assert (wgan.normalised, wgan.every, wgan.penalty) == (False, 5, 10.0)
    assert GANConfig(gan_loss="non-saturating", critic_norm="spectral", critic_steps=2).normalised
    assert not GANConfig(critic_norm="none").normalised


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"r1": -1.0}, "--r1 must be at least 0, got -1"),
        ({"critic_steps": 0}, "--critic-steps must be at least 1, got 0"),
        ({"critic_lr": 0.0}, "--critic-lr must be above 0, got 0"),
        ({"gan_loss": "wgan-gp", "gradient_penalty": 0.0}, "--gradient-penalty must be above 0, got 0"),
        (
            {"gradient_penalty": 1.0},
            "--gradient-penalty has no effect: it is for --gan-loss wgan-gp, and this is hinge",
        ),
    ],
)
def test_settings_out_of_range(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        GANConfig(**settings)
