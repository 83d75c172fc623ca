"""REINFORCE: raise the probability of actions by what followed them to the end of the episode."""

import torch
from torch import nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.seams import Loss
from sonde.losses.policy import explained_variance, value_error
from sonde.nn.actions import share_at_bound
from sonde.tasks.on_policy import OnPolicy
from sonde.tasks.reinforce.config import REINFORCEConfig


class REINFORCE(OnPolicy):
    """An actor, trained on whole episodes (`sonde.acting.whole_episodes`) once; with a baseline also a critic.

    The loss is minus the mean over episodes of the sum over actions of log pi(a | s) (G - b(s)), whose gradient is, in expectation,
    that of the return. As is usual, the sum leaves out the factor discount^t: without it, late actions count as much as early ones.
    Source: Williams 1992, Machine Learning 8; Sutton and Barto 2018, Reinforcement learning, sections 13.3 and 13.4
    """

    def __init__(
        self,
        model: nn.Module,
        target: TargetSpec,
        config: REINFORCEConfig,
        *,
        input: InputSpec,
        monitor: str | None = None,
    ) -> None:
        """Raises: ConfigError for a metric that is not there"""
        super().__init__(model, target, config, input=input, loss=self.loss, monitor=monitor, critic=config.baseline)
        self.config = config

    def loss(self, batch: Batch) -> Loss:
        """Of transitions: `observation`, `action`, `return`, `length`."""
        config, found = self.config, self.judge(batch)
        returned, expected = found.rows["return"], found.value
        better = returned if expected is None else returned - expected.detach()
        policy = -(found.log_prob * better * found.rows["length"]).mean()
        entropy = found.entropy.mean()
        loss = policy - config.entropy_weight * entropy
        parts = {"policy": policy.detach(), "entropy": entropy.detach()}
        if expected is not None:
            error = value_error(expected, returned, before=expected, clip=None)
            loss = loss + config.value_weight * error
            parts |= {"value": error.detach(), "explained_variance": explained_variance(expected.detach(), returned)}
        if self.actor.log_std is not None:
            with torch.no_grad():
                parts["at_bound"] = share_at_bound(found.rows["action"])
        return Loss(loss, len(batch), parts)
