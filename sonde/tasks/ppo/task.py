"""Proximal policy optimisation: raise the probability of actions that did better than expected, but not far at a time."""

import copy
from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sonde.core.acting import Acting
from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase
from sonde.losses.policy import clipped_surrogate, explained_variance
from sonde.metrics.episodes import MODES, EpisodesMeter, played
from sonde.nn import actions
from sonde.nn.running_norm import RunningNorm
from sonde.tasks.ppo.config import PPOConfig
from sonde.tasks.supervised import objective


class Actor(nn.Module):
    """Observations to the logits of actions, or to the means of numbers, whose spread does not depend on the observation."""

    def __init__(self, torso: nn.Module, features: int, target: TargetSpec) -> None:
        super().__init__()
        self.torso = torso
        self.head = nn.Linear(features, len(target.names))
        self.log_std = nn.Parameter(torch.zeros(len(target.names))) if target.kind == "control" else None

    def forward(self, seen: Tensor) -> Tensor:
        """(n, *shape) -> (n, actions)."""
        return self.head(self.torso(seen))


class Critic(nn.Module):
    """Observations to the expected discounted return."""

    def __init__(self, torso: nn.Module, features: int) -> None:
        super().__init__()
        self.torso = torso
        self.head = nn.Linear(features, 1)

    def forward(self, seen: Tensor) -> Tensor:
        """(n, *shape) -> (n,)."""
        return self.head(self.torso(seen))[:, 0]


def orthogonal(module: nn.Module, head: nn.Linear, gain: float) -> None:
    """Orthogonal weights with gain sqrt 2, of the head another; no biases (Huang et al. 2022, detail 2)."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.orthogonal_(layer.weight, gain if layer is head else sqrt(2))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


class PPO:
    """An actor and a critic, trained in one phase on rollouts (`sonde.acting.rollouts`).

    Source: Schulman et al. 2017, arXiv:1707.06347; details by number in Huang et al. 2022, "The 37 implementation details of
    proximal policy optimization": advantages are standardised in each batch (7), the loss is clipped (8), the values' loss is
    not (9, as Andrychowicz et al. 2021, arXiv:2006.05990, advise), the entropy has a weight (10), the gradient is clipped (11,
    --clip), actor and critic share nothing.
    """

    def __init__(
        self, model: nn.Module, target: TargetSpec, config: PPOConfig, *, input: InputSpec, monitor: str | None = None
    ) -> None:
        self.config, self._target = config, target
        features: int = model.features  # type: ignore[assignment]
        self.actor, self.critic = Actor(model, features, target), Critic(copy.deepcopy(model), features)
        orthogonal(self.actor, self.actor.head, 0.01)
        orthogonal(self.critic, self.critic.head, 1.0)
        parts: dict[str, nn.Module] = {"actor": self.actor, "critic": self.critic}
        self._norm = RunningNorm(input.shape) if config.scale_observations and not input.has_planes else None
        if self._norm is not None:
            parts["observations"] = self._norm
        self.modules = nn.ModuleDict(parts)
        self._middle, self._half = np.asarray(target.mean), np.asarray(target.std)
        self.phases: Sequence[Phase] = (Phase(name="policy", loss=self.loss, trains=[self.actor, self.critic]),)
        self.objective: Objective = objective("return", MODES, monitor)
        self.abilities = Abilities(
            acting=Acting(
                act=self.act,
                sent=self.sent,
                value=self.value,
                discount=config.discount,
                sampled=config.act_sampled,
                observed=None if self._norm is None else self._norm.observe,
            )
        )

    def _scaled(self, seen: Tensor) -> Tensor:
        if seen.dtype == torch.uint8:
            return seen.float() / 255
        return seen if self._norm is None else self._norm(seen)

    def act(self, seen: Tensor, random: torch.Generator | None) -> dict[str, Tensor]:
        """See `Acting`: "action", and where it is sampled "log_prob" and "value"."""
        scaled = self._scaled(seen)
        answer = self.actor(scaled)
        if self.actor.log_std is None:
            action = actions.draw_category(answer, random)
        else:
            action = actions.draw_gaussian(answer, self.actor.log_std, random)
        if random is None:
            return {"action": action}
        return {"action": action, "log_prob": self._log_prob(answer, action), "value": self.critic(scaled)}

    def _log_prob(self, answer: Tensor, action: Tensor) -> Tensor:
        if self.actor.log_std is None:
            return actions.category_log_prob(answer, action)
        return actions.gaussian_log_prob(answer, self.actor.log_std, action)

    def _entropy(self, answer: Tensor) -> Tensor:
        if self.actor.log_std is None:
            return actions.category_entropy(answer)
        return actions.gaussian_entropy(answer, self.actor.log_std)

    def sent(self, action: Tensor) -> np.ndarray:
        """See `Acting`: numbers are cut off at -1 and 1, and stretched to the environment's bounds."""
        if self._target.kind == "action":
            return action.numpy(force=True) + int(self._target.names[0])
        return (action.clamp(-1, 1).numpy(force=True) * self._half + self._middle).astype(np.float32)

    def value(self, seen: Tensor) -> Tensor:
        """See `Acting`."""
        return self.critic(self._scaled(seen))

    def loss(self, batch: Batch) -> Loss:
        """Of transitions: `observation`, `action`, `log_prob`, `advantage`, `return`."""
        config, scaled = self.config, self._scaled(batch["observation"])
        answer = self.actor(scaled)
        change = self._log_prob(answer, batch["action"]) - batch["log_prob"]
        ratio = change.exp()
        advantage = batch["advantage"]
        advantage = (advantage - advantage.mean()) / (advantage.std(unbiased=False) + 1e-8)
        policy = clipped_surrogate(ratio, advantage, config.clip_range)
        value = self.critic(scaled)
        error = (value - batch["return"]).square().mean() / 2
        entropy = self._entropy(answer).mean()
        loss = policy + config.value_weight * error - config.entropy_weight * entropy
        with torch.no_grad():
            parts = {
                "policy": policy,
                "value": error,
                "entropy": entropy,
                "kl": (ratio - 1 - change).mean(),  # Schulman 2020, "Approximating KL divergence", k3
                "clipped": ((ratio - 1).abs() > config.clip_range).float().mean(),
                "explained_variance": explained_variance(value, batch["return"]),
            }
            if self.actor.log_std is not None:
                parts["at_bound"] = actions.share_at_bound(batch["action"])
        return Loss(loss, len(batch), parts)

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """What episodes returned, which were played before."""
        return played(batch)

    def meter(self) -> Meter:
        """A fresh one."""
        return EpisodesMeter()

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"action": as the environment takes it, "value": (B,)} of observations."""
        seen = batch["input"]
        found = self.act(seen, None)["action"]
        return {"action": torch.from_numpy(self.sent(found)), "value": self.value(seen)}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One {"action", "value"} per observation."""
        rows = zip(outputs["action"].tolist(), outputs["value"].tolist(), strict=True)
        return [{"action": action, "value": value} for action, value in rows]
