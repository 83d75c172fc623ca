"""An actor, which answers for a policy, and a critic, which says what is to be expected: heads on features of observations."""

from collections.abc import Sequence
from math import sqrt
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from sonde.core.errors import ConfigError
from sonde.nn import actions
from sonde.nn.full_precision import FullLinear


class Remembers(Protocol):
    """What a torso is that carries a memory (n, remembers) from one observation of an episode to the next."""

    remembers: int

    def step(self, input: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]: ...  # features, and what to carry on
    def through(
        self, input: Tensor, memory: Tensor, began: Tensor
    ) -> Tensor: ...  # (n, T, *shape), (n, M), (n, T) bool -> features (n, T, F)


def remembering(torso: nn.Module) -> Remembers | None:
    """The torso, where it remembers."""
    return cast(Remembers, torso) if isinstance(getattr(torso, "remembers", None), int) else None


def without_memory(torso: nn.Module, task: str) -> None:
    """Raises: ConfigError for a torso that remembers, of a task that learns from single transitions or episodes"""
    if remembering(torso) is not None:
        raise ConfigError(
            f"--task {task} does not learn from what came before an observation, which {type(torso).__name__} remembers; take "
            "--model policy-mlp, or --task ppo or a2c"
        )


class Actor(nn.Module):
    """Observations to the logits of actions, or to the means of numbers, whose spread does not depend on the observation.

    choices: categories of each part of an action;  numbers: in an action, where it is of numbers
    """

    def __init__(self, torso: nn.Module, features: int, *, choices: Sequence[int] = (), numbers: int = 0) -> None:
        super().__init__()
        self.torso, self.choices = torso, tuple(choices)
        self.head = FullLinear(features, sum(choices) + numbers)
        self.log_std = nn.Parameter(torch.zeros(numbers)) if numbers else None

    def forward(self, seen: Tensor) -> Tensor:
        """(n, *shape) -> (n, answers)."""
        return self.head(self.torso(seen))

    def draw(self, answer: Tensor, random: torch.Generator | None) -> Tensor:
        """(n, answers) -> an action each, (n,) or (n, parts), the likeliest without a generator."""
        if self.log_std is not None:
            return actions.draw_gaussian(answer, self.log_std, random)
        if len(self.choices) == 1:
            return actions.draw_category(answer, random)
        return actions.draw_categories(answer, self.choices, random)

    def log_prob(self, answer: Tensor, action: Tensor) -> Tensor:
        """(n,) of actions as `draw` gives them."""
        if self.log_std is not None:
            return actions.gaussian_log_prob(answer, self.log_std, action)
        if len(self.choices) == 1:
            return actions.category_log_prob(answer, action)
        return actions.categories_log_prob(answer, self.choices, action)

    def entropy(self, answer: Tensor) -> Tensor:
        """(n,) nats."""
        if self.log_std is not None:
            return actions.gaussian_entropy(answer, self.log_std)
        return actions.categories_entropy(answer, self.choices)


class Critic(nn.Module):
    """Observations to the expected discounted return."""

    def __init__(self, torso: nn.Module, features: int) -> None:
        super().__init__()
        self.torso = torso
        self.head = FullLinear(features, 1)

    def forward(self, seen: Tensor) -> Tensor:
        """(n, *shape) -> (n,)."""
        return self.head(self.torso(seen))[:, 0]


def orthogonal(module: nn.Module, head: nn.Linear, gain: float) -> None:
    """Orthogonal weights with gain sqrt 2, of the head another, of a GRU 1 for each gate; no biases.

    Source: Huang et al. 2022, "The 37 implementation details of proximal policy optimization", detail 2, of its LSTM 1
    """
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.orthogonal_(layer.weight, gain if layer is head else sqrt(2))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.GRU):
            for name, weight in layer.named_parameters():
                if "bias" in name:
                    nn.init.zeros_(weight)
                else:
                    for gate in weight.detach().chunk(3):
                        nn.init.orthogonal_(gate)
