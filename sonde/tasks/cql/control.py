"""Conservative Q-learning of actions that are numbers: soft actor-critic on a log, whose values are held down where it acts
otherwise than the log."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sonde.core.acting import Acting
from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.records import StepRecord
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase
from sonde.losses.returns import ahead
from sonde.metrics.episodes import MODES, played
from sonde.metrics.followed import FollowedMeter
from sonde.nn.actions import share_at_bound, squashed, stretched
from sonde.nn.actor_critic import without_memory
from sonde.nn.body import features_of, reading
from sonde.nn.gaussian_actor import GaussianActor
from sonde.nn.pixels import as_logged
from sonde.nn.scaled_observations import ScaledObservations
from sonde.nn.twin_critics import TwinCritics, follow, following
from sonde.tasks.cql.config import CQLConfig, refuse_of_others
from sonde.tasks.cql.reward_unit import RewardUnit
from sonde.tasks.supervised import objective


class CQLOfNumbers:
    """An actor, two critics that targets follow, and a temperature that holds the policy's entropy where it is wanted.

    Source: Kumar et al. 2020, arXiv:2006.04779: equation 4 (CQL(H)), whose soft maximum over actions is estimated as in appendix
    F; on soft actor-critic, Haarnoja et al. 2018, arXiv:1812.05905, without entropy in what values are learned from, as equation
    4 has it, and of rewards divided by their `RewardUnit`. Without an environment the last weights count, as in `task.CQL`.
    """

    def __init__(
        self, model: nn.Module, target: TargetSpec, config: CQLConfig, *, input: InputSpec, monitor: str | None = None
    ) -> None:
        """Raises: ConfigError for a metric that is not there, or a setting of one of several actions"""
        refuse_of_others(config, numbers=True)
        self.config, self._numbers = config, len(target.names)
        without_memory(model, "cql")
        features = features_of(model, input)
        critics = [reading(model, self._numbers, input) for _ in range(2)]
        torsos = [ScaledObservations(each, input.shape) for each in (model, *critics)]
        self._scaled = torsos
        self.actor = GaussianActor(torsos[0], features, self._numbers)
        self.critics = TwinCritics(torsos[1], torsos[2], features)
        self.targets, self._unit = following(self.critics), RewardUnit()
        self.log_temperature = nn.Parameter(torch.zeros(()))
        weight = nn.ParameterDict({"log": self.log_temperature})
        self.modules = nn.ModuleDict(
            {"actor": self.actor, "critics": self.critics, "targets": self.targets, "temperature": weight}
        )
        self._entropy = -float(self._numbers) if config.target_entropy is None else config.target_entropy
        self._middle, self._half = target.mean, target.std
        self.phases: Sequence[Phase] = (
            Phase(name="critics", loss=self.critics_loss, trains=[self.critics]),
            Phase(name="actor", loss=self.actor_loss, trains=[self.actor]),
            Phase(name="temperature", loss=self.temperature_loss, trains=[self.log_temperature]),
        )
        self.objective: Objective | None = objective("return", MODES, monitor) if input.extra else None
        self.abilities = Abilities(
            acting=Acting(
                act=self.act, sent=self.sent, value=self.value, discount=config.discount, unit=lambda: self._unit.size
            ),
            know_rows=self._know,
        )
        self.state_dict, self.load_state_dict = self._unit.state_dict, self._unit.load_state_dict

    def _know(self, read: Any) -> None:
        for torso in self._scaled:
            torso.know(read)
        self._unit.know(read)
        self.targets.load_state_dict(self.critics.state_dict())

    def _drawn(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_std = self.actor(seen)
        return squashed(mean, log_std, torch.randn_like(mean))

    def critics_loss(self, batch: Batch) -> Loss:
        """Of both critics half the squared error of logged actions, and how far they lie below the soft maximum over all."""
        config, seen, known = self.config, batch["input"], batch["known"]
        with torch.no_grad():
            after = as_logged(batch["following"])
            action, _ = self._drawn(after)
            worth = self.targets.lower(after, action)  # type: ignore[operator]
            reward, discount = ahead(batch, config.discount)
            goal = self._unit.learned(reward) + discount * worth
        chosen = self.critics(seen, batch["target"])
        # of a log that breaks off, the last step has no known value to learn, and its action is known all the same
        errors = [(((each - goal).square() / 2) * known).sum() / known.sum().clamp_min(1) for each in chosen]
        gaps = [(most - each).mean() for most, each in zip(self.soft_maximum(seen), chosen, strict=True)]
        error, gap = errors[0] + errors[1], gaps[0] + gaps[1]
        parts = {
            "value": self._unit.told(chosen[0].detach().mean()),
            "error": error.detach() / 2,
            "gap": gap.detach() / 2,
        }
        return Loss(error + config.conservative * gap, len(batch), parts)

    def soft_maximum(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        """(n,) of each critic log of the integral of exp(Q) over all actions, by importance sampling: as many actions that are
        drawn from all evenly as from the policy, each over the density that it was drawn with."""
        draws, numbers, rows = self.config.drawn_actions, self._numbers, len(seen)
        again = seen.repeat_interleave(draws, 0)
        with torch.no_grad():
            acted, log_prob = self._drawn(again)
            anyhow = 2 * torch.rand_like(acted) - 1
        density = torch.cat([torch.full_like(log_prob, -numbers * math.log(2)), log_prob])
        values = self.critics(torch.cat([again, again]), torch.cat([anyhow, acted]))
        first, second = ((each - density).view(2, rows, draws) for each in values)
        return _log_mean(first), _log_mean(second)

    def actor_loss(self, batch: Batch) -> Loss:
        """Value and entropy, negated (equation 9 of Haarnoja et al. 2018)."""
        action, log_prob = self._drawn(batch["input"])
        worth = self.critics.lower(batch["input"], action)
        loss = (self.log_temperature.detach().exp() * log_prob - worth).mean()
        parts = {"entropy": -log_prob.detach().mean(), "at_bound": share_at_bound(action.detach())}
        return Loss(loss, len(batch), parts)

    def temperature_loss(self, batch: Batch) -> Loss:
        """How far the entropy is from where it is wanted (its equation 18)."""
        with torch.no_grad():
            _, log_prob = self._drawn(batch["input"])
        loss = -(self.log_temperature * (log_prob + self._entropy)).mean()
        return Loss(loss, len(batch), {"temperature": self.log_temperature.detach().exp()})

    def after_step(self, record: StepRecord) -> None:
        """Let the targets follow."""
        follow(self.targets, self.critics, self.config.follow_share)

    def act(self, seen: Tensor, random: torch.Generator | None) -> dict[str, Tensor]:
        """See `Acting`: the likeliest action, which is the one that is evaluated; or a draw."""
        mean, log_std = self.actor(seen)
        if random is None:
            return {"action": mean.tanh()}
        noise = torch.randn(mean.shape, generator=random, device=mean.device)
        return {"action": squashed(mean, log_std, noise)[0]}

    def sent(self, action: Tensor) -> Tensor:
        """See `Acting`: stretched to the environment's bounds."""
        return stretched(action, self._middle, self._half)

    def value(self, seen: Tensor) -> Tensor:
        """See `Acting`: what the likeliest action is taken to return, by the lower critic, of rewards as they are learned
        from."""
        return self.critics.lower(seen, self.actor(seen)[0].tanh())

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """What episodes returned, which were played before; of logged steps how near the action is, and what theirs is worth."""
        if "return" in batch.fields:
            return played(batch)
        seen, chosen = batch["input"], batch["target"]
        near = (self.actor(seen)[0].tanh() - chosen).abs().mean(-1)  # over numbers that are scaled alike
        return {"mae": near, "value": self._unit.told(self.critics.lower(seen, chosen))}

    def meter(self) -> Meter:
        """A fresh one."""
        return FollowedMeter()

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"action": (B, numbers) as the environment takes it} of observations."""
        return {"action": self.sent(self.act(batch["input"], None)["action"])}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One {"action"} per observation."""
        return [{"action": action} for action in outputs["action"].tolist()]


def _log_mean(weighed: Tensor) -> Tensor:
    """(2, n, draws) log of weighed samples -> (n,) log of their mean."""
    return weighed.transpose(0, 1).flatten(1).logsumexp(-1) - math.log(weighed.shape[0] * weighed.shape[2])
