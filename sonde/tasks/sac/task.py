"""Soft actor-critic: act for return and for entropy, learning from any experience."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sonde.core.acting import Acting
from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.records import StepRecord
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase
from sonde.metrics.episodes import MODES, EpisodesMeter, played
from sonde.nn.actions import share_at_bound, squashed, stretched
from sonde.nn.actor_critic import without_memory
from sonde.nn.body import features_of, reading
from sonde.nn.gaussian_actor import GaussianActor
from sonde.nn.twin_critics import TwinCritics, follow, following
from sonde.tasks.replayed_observations import ReplayedObservations
from sonde.tasks.sac.config import SACConfig
from sonde.tasks.supervised import objective


class SAC:
    """An actor, two critics that targets follow, and a temperature that holds the entropy where it is wanted.

    Source: Haarnoja et al. 2018, arXiv:1812.05905, algorithm 1
    """

    def __init__(
        self, model: nn.Module, target: TargetSpec, config: SACConfig, *, input: InputSpec, monitor: str | None = None
    ) -> None:
        """Raises: ConfigError for a metric that is not there"""
        self.config, numbers = config, len(target.names)
        without_memory(model, "sac")
        features = features_of(model, input)
        self._observed = ReplayedObservations(input, scale=config.scale_observations)
        self.actor = GaussianActor(model, features, numbers)
        self.critics = TwinCritics(reading(model, numbers, input), reading(model, numbers, input), features)
        self.targets = following(self.critics)
        self.log_temperature = nn.Parameter(torch.zeros(()))
        weight = nn.ParameterDict({"log": self.log_temperature})
        self.modules = nn.ModuleDict(
            {"actor": self.actor, "critics": self.critics, "targets": self.targets, "temperature": weight}
            | self._observed.parts
        )
        self._entropy = -float(numbers) if config.target_entropy is None else config.target_entropy
        self._middle, self._half = target.mean, target.std
        self._begun = False
        self.phases: Sequence[Phase] = (
            Phase(name="critics", loss=self.critics_loss, trains=[self.critics]),
            Phase(name="actor", loss=self.actor_loss, trains=[self.actor]),
            Phase(name="temperature", loss=self.temperature_loss, trains=[self.log_temperature]),
        )
        self.objective: Objective = objective("return", MODES, monitor, latest=True)
        self.abilities = Abilities(
            acting=Acting(
                act=self.act,
                sent=self.sent,
                value=self.value,
                discount=config.discount,
                figures=self.figures,
                sampled=config.act_sampled,
                observed=self._observed.learned,
            )
        )

    def figures(self) -> dict[str, float]:
        """For the log: the entropy that is aimed at, beside which that of now says how much of the values is not for rewards."""
        return {"target_entropy": self._entropy}

    def act(self, seen: Tensor, random: torch.Generator | None) -> dict[str, Tensor]:
        """See `Acting`: numbers within -1 and 1; before the first update any of them."""
        mean, log_std = self.actor(self._observed(seen))
        if random is None:
            return {"action": mean.tanh()}
        if not self._begun:
            return {"action": 2 * torch.rand(mean.shape, generator=random, device=mean.device) - 1}
        noise = torch.randn(mean.shape, generator=random, device=mean.device)
        return {"action": squashed(mean, log_std, noise)[0]}

    def sent(self, action: Tensor) -> Tensor:
        """See `Acting`: stretched to the environment's bounds."""
        return stretched(action, self._middle, self._half)

    def value(self, seen: Tensor) -> Tensor:
        """See `Acting`: what the likeliest action is taken to return, with the entropy to come."""
        scaled = self._observed(seen)
        return self.critics.lower(scaled, self.actor(scaled)[0].tanh())

    def _drawn(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_std = self.actor(seen)
        return squashed(mean, log_std, torch.randn_like(mean))

    def critics_loss(self, batch: Batch) -> Loss:
        """The squared errors of both critics (equation 5 and 6)."""
        batch = self._observed.of(batch)
        with torch.no_grad():
            action, log_prob = self._drawn(batch["following"])
            worth = self.targets.lower(batch["following"], action)  # type: ignore[operator]
            goal = batch["reward"] + batch["discount"] * (worth - self.log_temperature.exp() * log_prob)
        first, second = self.critics(batch["observation"], batch["action"])
        loss = ((first - goal).square() + (second - goal).square()).mean()
        return Loss(loss, len(batch), {"value": first.detach().mean()})

    def actor_loss(self, batch: Batch) -> Loss:
        """Return and entropy, negated (equation 9)."""
        batch = self._observed.of(batch)
        action, log_prob = self._drawn(batch["observation"])
        worth = self.critics.lower(batch["observation"], action)
        loss = (self.log_temperature.detach().exp() * log_prob - worth).mean()
        parts = {"entropy": -log_prob.detach().mean(), "at_bound": share_at_bound(action.detach())}
        return Loss(loss, len(batch), parts)

    def temperature_loss(self, batch: Batch) -> Loss:
        """How far the entropy is from where it is wanted (equation 18)."""
        batch = self._observed.of(batch)
        with torch.no_grad():
            _, log_prob = self._drawn(batch["observation"])
        loss = -(self.log_temperature * (log_prob + self._entropy)).mean()
        return Loss(loss, len(batch), {"temperature": self.log_temperature.detach().exp()})

    def after_step(self, record: StepRecord) -> None:
        """Let the targets follow."""
        self._begun = True
        follow(self.targets, self.critics, self.config.follow_share)

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """What episodes returned, which were played before."""
        return played(batch)

    def meter(self) -> Meter:
        """A fresh one."""
        return EpisodesMeter()

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"action": as the environment takes it} of observations."""
        return {"action": self.sent(self.act(batch["input"], None)["action"])}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One {"action"} per observation."""
        return [{"action": action} for action in outputs["action"].tolist()]

    def state_dict(self) -> dict[str, Any]:
        """Whether it acts by itself yet."""
        return {"begun": self._begun}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it back."""
        self._begun = bool(state["begun"])
