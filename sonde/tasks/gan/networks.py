"""The two networks of the task: a model's generator that is told a class, and its critic that judges a row as one of a class."""

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from sonde.core.errors import ConfigError
from sonde.tasks.supervised import wide


@runtime_checkable
class Adversaries(Protocol):
    """A network with two parts.

    latent:    numbers of noise
    generator: (B, latent) noise and (B, latent) condition -> (B, *shape)
    critic:    (B, *shape) -> (B, `features`)
    """

    latent: int
    generator: nn.Module
    critic: nn.Module


def adversaries(model: nn.Module) -> Adversaries:
    """Raises: ConfigError for a network without such parts"""
    if isinstance(model, Adversaries) and isinstance(getattr(model.critic, "features", None), int):
        return model
    raise ConfigError(
        f"task gan needs a network with a `generator`, a `critic` (with `features`, how many numbers it gives) and `latent`, the "
        f"numbers of noise, and {type(model).__name__} has not; take --model dcgan (images) or gan-mlp (numbers)"
    )


class ToldGenerator(nn.Module):
    """Noise and a class to rows. The condition is made of both, so that it is there without classes too."""

    def __init__(self, net: nn.Module, latent: int, classes: int) -> None:
        super().__init__()
        self.net = net
        self.of_noise = nn.Linear(latent, latent)
        self.of_class = nn.Embedding(classes, latent) if classes else None

    def forward(self, noise: Tensor, label: Tensor | None = None) -> Tensor:
        """(B, latent), classes (B,) -> (B, *shape), at least float32."""
        condition = self.of_noise(noise)
        if self.of_class is not None and label is not None:
            condition = condition + self.of_class(label)
        return wide(self.net(noise, condition))


class Judge(nn.Module):
    """How real rows look, as what they are said to be: a logit of what the critic sees, and its projection on the class's vector.

    Source: Miyato and Koyama 2018, arXiv:1802.05637, equation 3
    """

    def __init__(self, net: nn.Module, features: int, classes: int) -> None:
        super().__init__()
        self.net = net
        self.head = nn.Linear(features, 1)
        self.of_class = nn.Embedding(classes, features) if classes else None
        if self.of_class is not None:
            nn.init.normal_(self.of_class.weight, std=features**-0.5)

    def forward(self, input: Tensor, label: Tensor | None = None) -> Tensor:
        """(B, *shape), classes (B,) -> (B,), at least float32."""
        seen = self.net(input)
        logit = self.head(seen).squeeze(1)
        if self.of_class is not None and label is not None:
            logit = logit + (seen * self.of_class(label)).sum(1)
        return wide(logit)


def noise_of_rows(index: Tensor, latent: int) -> Tensor:
    """(B, latent) standard normal numbers, the same for a row in every evaluation, whatever its batch."""
    drawn = torch.Generator()
    return torch.stack([torch.randn(latent, generator=drawn.manual_seed(row)) for row in index.tolist()])
