"""Proximal policy optimisation: raise the probability of actions that did better than expected, but not far at a time."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.records import StepRecord
from sonde.core.seams import Loss, Meter, Objective, Phase
from sonde.losses.policy import clipped_surrogate, explained_variance, standardised, value_error
from sonde.metrics.episodes import MODES, EpisodesMeter, played
from sonde.nn.actions import share_at_bound
from sonde.tasks.on_policy import Policy, by_row
from sonde.tasks.ppo.config import PPOConfig
from sonde.tasks.supervised import objective

TOO_FAR = 1.5  # times --target-kl: Achiam 2018, Spinning Up in Deep RL


class PPO:
    """An actor and a critic, trained on rollouts (`sonde.acting.experience.rollouts`) in several passes.

    Source: Schulman et al. 2017, arXiv:1707.06347; details by number in Huang et al. 2022, "The 37 implementation details of
    proximal policy optimization": advantages are standardised in each batch (7), the loss is clipped (8), the values' loss is
    not by default (9, as Andrychowicz et al. 2021, arXiv:2006.05990, advise), the entropy has a weight (10), the gradient is
    clipped (11, --clip), the passes may end early (--target-kl, their last "auxiliary" detail).
    """

    def __init__(
        self, model: nn.Module, target: TargetSpec, config: PPOConfig, *, input: InputSpec, monitor: str | None = None
    ) -> None:
        """Raises: ConfigError for a metric that is not there"""
        enough = None if config.target_kl is None else lambda: self._enough
        self.config, self._enough = config, False
        self.policy = Policy(
            model, target, input, scale_observations=config.scale_observations, share=config.share_layers
        )
        self.modules = self.policy.modules
        self.phases: Sequence[Phase] = (Phase(name="policy", loss=self.loss, trains=self.policy.trained),)
        self.objective: Objective = objective("return", MODES, monitor, latest=True)
        self.abilities = self.policy.abilities(discount=config.discount, sampled=config.act_sampled, enough=enough)

    def loss(self, batch: Batch) -> Loss:
        """Of transitions: `observation`, `action`, `log_prob`, `value`, `advantage`, `return`."""
        config, found = self.config, self.policy.judge(batch)
        before, value = found.rows, found.value
        assert value is not None
        change = found.log_prob - before["log_prob"]
        ratio = change.exp()
        advantage = standardised(before["advantage"]) if config.scale_advantages else before["advantage"]
        policy = clipped_surrogate(ratio, advantage, config.clip_range)
        error = value_error(value, before["return"], before=before["value"], clip=config.value_clip_range)
        entropy = found.entropy.mean()
        loss = policy + config.value_weight * error - config.entropy_weight * entropy
        with torch.no_grad():
            parts = {
                "policy": policy.detach(),
                "value": error.detach(),
                "entropy": entropy.detach(),
                "kl": (ratio - 1 - change).mean(),  # Schulman 2020, "Approximating KL divergence", k3
                "clipped": ((ratio - 1).abs() > config.clip_range).float().mean(),
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

    def after_step(self, record: StepRecord) -> None:
        """See how far the policy moved."""
        if self.config.target_kl is not None:
            self._enough = record.number("policy/kl") > TOO_FAR * self.config.target_kl

    def state_dict(self) -> dict[str, Any]:
        """Whether the rollout was learned from enough."""
        return {"enough": self._enough}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it back."""
        self._enough = bool(state["enough"])
