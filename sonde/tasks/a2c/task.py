"""Advantage actor-critic: raise the probability of actions that did better than expected, once for each."""

import torch
from torch import nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.seams import Loss
from sonde.losses.policy import explained_variance, standardised, value_error
from sonde.nn.actions import share_at_bound
from sonde.tasks.a2c.config import A2CConfig
from sonde.tasks.on_policy import OnPolicy


class A2C(OnPolicy):
    """An actor and a critic, trained on each rollout once, all of it in one update.

    Source: Mnih et al. 2016, arXiv:1602.01783, algorithm S3, in step as in Huang et al. 2022, arXiv:2205.09123, who show that
    this is the first update of PPO.
    """

    def __init__(
        self, model: nn.Module, target: TargetSpec, config: A2CConfig, *, input: InputSpec, monitor: str | None = None
    ) -> None:
        """Raises: ConfigError for a metric that is not there"""
        super().__init__(model, target, config, input=input, loss=self.loss, monitor=monitor)
        self.config = config

    def loss(self, batch: Batch) -> Loss:
        """Of transitions: `observation`, `action`, `value`, `advantage`, `return`."""
        config, found = self.config, self.judge(batch)
        before, value = found.rows, found.value
        assert value is not None
        advantage = standardised(before["advantage"]) if config.scale_advantages else before["advantage"]
        policy = -(found.log_prob * advantage).mean()
        error = value_error(value, before["return"], before=before["value"], clip=None)
        entropy = found.entropy.mean()
        loss = policy + config.value_weight * error - config.entropy_weight * entropy
        with torch.no_grad():
            parts = {
                "policy": policy,
                "value": error,
                "entropy": entropy,
                "explained_variance": explained_variance(value, before["return"]),
            }
            if self.actor.log_std is not None:
                parts["at_bound"] = share_at_bound(before["action"])
        return Loss(loss, len(batch), parts)
