"""Advantage actor-critic: raise the probability of actions that did better than expected, once for each."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.seams import Loss, Meter, Objective, Phase
from sonde.losses.policy import explained_variance, standardised, value_error
from sonde.metrics.episodes import MODES, EpisodesMeter, played
from sonde.nn.actions import share_at_bound
from sonde.tasks.a2c.config import A2CConfig
from sonde.tasks.on_policy import Policy, by_row
from sonde.tasks.supervised import objective


class A2C:
    """An actor and a critic, trained on each rollout once, all of it in one update.

    Source: Mnih et al. 2016, arXiv:1602.01783, algorithm S3, in step as in Huang et al. 2022, arXiv:2205.09123, who show that
    this is the first update of PPO.
    """

    def __init__(
        self, model: nn.Module, target: TargetSpec, config: A2CConfig, *, input: InputSpec, monitor: str | None = None
    ) -> None:
        """Raises: ConfigError for a metric that is not there"""
        self.config = config
        self.policy = Policy(model, target, input, scale_observations=config.scale_observations)
        self.modules = self.policy.modules
        self.phases: Sequence[Phase] = (Phase(name="policy", loss=self.loss, trains=self.policy.trained),)
        self.objective: Objective = objective("return", MODES, monitor, latest=True)
        self.abilities = self.policy.abilities(discount=config.discount, sampled=config.act_sampled)

    def loss(self, batch: Batch) -> Loss:
        """Of transitions: `observation`, `action`, `value`, `advantage`, `return`."""
        config, found = self.config, self.policy.judge(batch)
        before, value = found.rows, found.value
        assert value is not None
        advantage = standardised(before["advantage"]) if config.scale_advantages else before["advantage"]
        policy = -(found.log_prob * advantage).mean()
        error = value_error(value, before["return"], before=before["value"], clip=None)
        entropy = found.entropy.mean()
        loss = policy + config.value_weight * error - config.entropy_weight * entropy
        with torch.no_grad():
            parts = {
                "policy": policy.detach(),
                "value": error.detach(),
                "entropy": entropy.detach(),
                "explained_variance": explained_variance(value, before["return"]),
            }
            if self.policy.actor.log_std is not None:
                parts["at_bound"] = share_at_bound(before["action"])
        return Loss(loss, len(batch), parts)

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """What episodes returned, which were played before."""
        return played(batch)

    def meter(self) -> Meter:
        """A fresh one."""
        return EpisodesMeter()

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """See `Policy.predict`."""
        return self.policy.predict(batch)

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One {"action", "value"} per observation."""
        return by_row(outputs)
