"""Deep Q-learning: estimate what each action will return, from any experience, and take the best."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sonde.core.acting import Acting
from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.records import StepRecord
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase
from sonde.losses.q_learning import huber, quantile_huber
from sonde.metrics.episodes import MODES, EpisodesMeter, played
from sonde.tasks.dqn.config import DQNConfig
from sonde.tasks.supervised import objective


class ActionValues(nn.Module):
    """Observations to what each action will return: its mean, or quantiles of it.

    With dueling heads Q = V + A - mean A: Wang et al. 2016, arXiv:1511.06581, equation 9.
    """

    def __init__(self, torso: nn.Module, features: int, actions: int, *, quantiles: int, dueling: bool) -> None:
        super().__init__()
        self.torso, self.actions, self.quantiles = torso, actions, max(1, quantiles)
        self.advantage = nn.Linear(features, actions * self.quantiles)
        self.value = nn.Linear(features, self.quantiles) if dueling else None

    def forward(self, seen: Tensor) -> Tensor:
        """(n, *shape) -> (n, actions, quantiles)."""
        features = self.torso(seen)
        found = self.advantage(features).view(-1, self.actions, self.quantiles)
        if self.value is None:
            return found
        return self.value(features)[:, None] + found - found.mean(1, keepdim=True)


class DQN:
    """A network that is trained, and a target network that follows it every so many updates.

    Source: Mnih et al. 2015, Human-level control through deep reinforcement learning; double: van Hasselt et al. 2016,
    arXiv:1509.06461, equation 4; n-step returns as in Hessel et al. 2018, arXiv:1710.02298, section 3.
    """

    def __init__(
        self, model: nn.Module, target: TargetSpec, config: DQNConfig, *, input: InputSpec, monitor: str | None = None
    ) -> None:
        """Raises: ConfigError for a metric that is not there"""
        self.config, self._first, self._count = config, int(target.names[0]), len(target.names)
        features: int = model.features  # type: ignore[assignment]
        self.network = ActionValues(model, features, self._count, quantiles=config.quantiles, dueling=config.dueling)
        self.target = copy.deepcopy(self.network).requires_grad_(False)
        self.modules = nn.ModuleDict({"network": self.network, "target": self.target})
        self.phases: Sequence[Phase] = (Phase(name="values", loss=self.loss, trains=[self.network]),)
        self.objective: Objective = objective("return", MODES, monitor)
        self._updates = 0
        self.abilities = Abilities(
            acting=Acting(
                act=self.act, sent=self.sent, value=self.value, discount=config.discount, sampled=config.act_sampled
            )
        )

    @property
    def exploration(self) -> float:
        """Share of random actions at this place of the training: all before the first update, then linearly fewer."""
        config = self.config
        if not self._updates:
            return 1.0
        done = min(1.0, self._updates * config.train_every / config.explore_steps)
        return 1 + done * (config.explore_last - 1)

    def act(self, seen: Tensor, random: torch.Generator | None) -> dict[str, Tensor]:
        """See `Acting`: the best action, and where it is sampled now and then any."""
        best = self.network(_floats(seen)).mean(-1).argmax(-1)
        if random is None:
            return {"action": best}
        any_action = torch.randint(0, self._count, best.shape, generator=random, device=best.device)
        explored = torch.rand(best.shape, generator=random, device=best.device) < self.exploration
        return {"action": torch.where(explored, any_action, best)}

    def sent(self, action: Tensor) -> np.ndarray:
        """See `Acting`."""
        return action.numpy(force=True) + self._first

    def value(self, seen: Tensor) -> Tensor:
        """See `Acting`: what the best action is taken to return."""
        return self.network(_floats(seen)).mean(-1).amax(-1)

    def loss(self, batch: Batch) -> Loss:
        """Of transitions as `sonde.acting.replay` yields them."""
        found = self.network(_floats(batch["observation"]))
        chosen = found[torch.arange(len(batch)), batch["action"]]
        with torch.no_grad():
            following = _floats(batch["following"])
            worth = self.target(following)
            best = (self.network(following) if self.config.double else worth).mean(-1).argmax(-1)
            expected = worth[torch.arange(len(batch)), best]
            goal = batch["reward"][:, None] + batch["discount"][:, None] * expected
        error = quantile_huber(chosen, goal) if self.config.quantiles else huber(chosen - goal)[:, 0]
        parts = {"value": found.detach().mean(), "error": (chosen - goal).detach().mean(-1).abs().mean()}
        return Loss(error.mean(), len(batch), parts)

    def after_step(self, record: StepRecord) -> None:
        """Let the target network become like the network, when that is due."""
        self._updates = record.step
        if record.step % self.config.target_every == 0:
            self.target.load_state_dict(self.network.state_dict())

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """What episodes returned, which were played before."""
        return played(batch)

    def meter(self) -> Meter:
        """A fresh one."""
        return EpisodesMeter()

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"action": as the environment takes it, "values": (B, actions)} of observations."""
        values = self.network(_floats(batch["input"])).mean(-1)
        return {"action": torch.from_numpy(self.sent(values.argmax(-1))), "values": values}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One {"action", "values"} per observation."""
        rows = zip(outputs["action"].tolist(), outputs["values"].tolist(), strict=True)
        return [{"action": action, "values": values} for action, values in rows]

    def state_dict(self) -> dict[str, Any]:
        """How far exploration is."""
        return {"updates": self._updates}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it back."""
        self._updates = int(state["updates"])


def _floats(seen: Tensor) -> Tensor:
    return seen.float() / 255 if seen.dtype == torch.uint8 else seen
