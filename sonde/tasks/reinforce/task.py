"""REINFORCE: raise the probability of actions by what followed them to the end of the episode."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.seams import Loss, Meter, Objective, Phase
from sonde.losses.policy import explained_variance, value_error
from sonde.metrics.episodes import MODES, EpisodesMeter, played
from sonde.nn.actions import share_at_bound
from sonde.nn.actor_critic import without_memory
from sonde.tasks.on_policy import Policy, by_row
from sonde.tasks.reinforce.config import REINFORCEConfig
from sonde.tasks.supervised import objective


class REINFORCE:
    """An actor, trained on whole episodes (`sonde.acting.experience.whole_episodes`) once; with a baseline also a critic.

    The loss is minus the mean over episodes of the sum over actions of log pi(a | s) (G - b(s)), whose gradient is, in
    expectation, that of the return. As is usual, the sum leaves out the factor discount^t, so that late actions count too.
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
        """Raises: ConfigError for a metric that is not there, or a network that remembers"""
        without_memory(model, "reinforce")
        self.config = config
        self.policy = Policy(model, target, input, scale_observations=config.scale_observations, critic=config.baseline)
        self.modules = self.policy.modules
        self.phases: Sequence[Phase] = (Phase(name="policy", loss=self.loss, trains=self.policy.trained),)
        self.objective: Objective = objective("return", MODES, monitor, latest=True)
        self.abilities = self.policy.abilities(discount=config.discount, sampled=config.act_sampled)

    def loss(self, batch: Batch) -> Loss:
        """Of transitions: `observation`, `action`, `return`, `length`."""
        config, found = self.config, self.policy.judge(batch)
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
        if self.policy.actor.log_std is not None:
            with torch.no_grad():
                parts["at_bound"] = share_at_bound(found.rows["action"])
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
