"""TD3: a policy without chance climbs the value of its actions, and two critics keep that value from being too good."""

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
from sonde.nn.actions import share_at_bound, stretched
from sonde.nn.actor_critic import without_memory
from sonde.nn.body import features_of, reading
from sonde.nn.pixels import as_shares
from sonde.nn.twin_critics import TwinCritics, follow, following
from sonde.tasks.replayed_observations import ReplayedObservations
from sonde.tasks.supervised import objective
from sonde.tasks.td3.config import TD3Config


class Actor(nn.Module):
    """Observations to numbers within -1 and 1."""

    def __init__(self, torso: nn.Module, features: int, numbers: int) -> None:
        super().__init__()
        self.torso = torso
        self.head = nn.Linear(features, numbers)

    def forward(self, seen: Tensor) -> Tensor:
        """(n, *shape) -> (n, numbers)."""
        return self.head(self.torso(as_shares(seen))).tanh()


class TD3:
    """An actor and two critics, and targets that follow all three.

    Source: Fujimoto et al. 2018, arXiv:1802.09477, algorithm 1
    """

    def __init__(
        self, model: nn.Module, target: TargetSpec, config: TD3Config, *, input: InputSpec, monitor: str | None = None
    ) -> None:
        """Raises: ConfigError for a metric that is not there"""
        self.config, numbers = config, len(target.names)
        without_memory(model, "td3")
        features = features_of(model, input)
        self._observed = ReplayedObservations(input, scale=config.scale_observations)
        self.actor = Actor(model, features, numbers)
        self.critics = TwinCritics(reading(model, numbers, input), reading(model, numbers, input), features)
        self.target_actor, self.target_critics = following(self.actor), following(self.critics)
        self.modules = nn.ModuleDict(
            {
                "actor": self.actor,
                "critics": self.critics,
                "target_actor": self.target_actor,
                "target_critics": self.target_critics,
                **self._observed.parts,
            }
        )
        self._middle, self._half = target.mean, target.std
        self._begun = False
        self.phases: Sequence[Phase] = (
            Phase(name="critics", loss=self.critics_loss, trains=[self.critics]),
            Phase(name="actor", loss=self.actor_loss, trains=[self.actor], every=config.policy_every),
        )
        self.objective: Objective = objective("return", MODES, monitor, latest=True)
        self.abilities = Abilities(
            acting=Acting(
                act=self.act,
                sent=self.sent,
                value=self.value,
                discount=config.discount,
                sampled=config.act_sampled,
                observed=self._observed.learned,
            )
        )

    def act(self, seen: Tensor, random: torch.Generator | None) -> dict[str, Tensor]:
        """See `Acting`: numbers within -1 and 1; before the first update any of them."""
        action = self.actor(self._observed(seen))
        if random is None:
            return {"action": action}
        if not self._begun:
            return {"action": 2 * torch.rand(action.shape, generator=random, device=action.device) - 1}
        noise = torch.randn(action.shape, generator=random, device=action.device)
        return {"action": (action + self.config.explore_noise * noise).clamp(-1, 1)}

    def sent(self, action: Tensor) -> Tensor:
        """See `Acting`: stretched to the environment's bounds."""
        return stretched(action, self._middle, self._half)

    def value(self, seen: Tensor) -> Tensor:
        """See `Acting`: what the policy's own action is taken to return."""
        scaled = self._observed(seen)
        return self.critics.lower(scaled, self.actor(scaled))

    @torch.no_grad()
    def goal(self, batch: Batch, noise: Tensor) -> Tensor:
        """(B,) what actions are to be worth: the lower value of a smoothed action of the target policy (equation 14 and 15).

        batch: of observations as networks see them;  noise: (B, numbers) draws of a standard Gaussian
        """
        config, seen = self.config, batch["following"]
        smoothing = (config.smooth_noise * noise).clamp(-config.smooth_limit, config.smooth_limit)
        action = (self.target_actor(seen) + smoothing).clamp(-1, 1)
        return batch["reward"] + batch["discount"] * self.target_critics.lower(seen, action)  # type: ignore[operator]

    def critics_loss(self, batch: Batch) -> Loss:
        """The squared errors of both critics."""
        batch = self._observed.of(batch)
        goal = self.goal(batch, torch.randn_like(batch["action"]))
        first, second = self.critics(batch["observation"], batch["action"])
        loss = ((first - goal).square() + (second - goal).square()).mean()
        return Loss(loss, len(batch), {"value": first.detach().mean()})

    def actor_loss(self, batch: Batch) -> Loss:
        """The first critic's value of the policy's actions, negated (deterministic policy gradient, Silver et al. 2014)."""
        batch = self._observed.of(batch)
        action = self.actor(batch["observation"])
        loss = -self.critics(batch["observation"], action)[0].mean()
        return Loss(loss, len(batch), {"at_bound": share_at_bound(action.detach())})

    def after_step(self, record: StepRecord) -> None:
        """Let the targets follow, as often as the policy is improved."""
        self._begun = True
        if record.step % self.config.policy_every == 0:
            follow(self.target_critics, self.critics, self.config.follow_share)
            follow(self.target_actor, self.actor, self.config.follow_share)

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
