"""Deep Q-learning: estimate what each action will return, from any experience, and take the best."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sonde.core.acting import Acting
from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.records import StepRecord
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase
from sonde.losses.q_learning import divergence, huber, projected, quantile_huber
from sonde.metrics.episodes import MODES, EpisodesMeter, played
from sonde.nn.action_values import ActionValues
from sonde.nn.actor_critic import without_memory
from sonde.nn.body import features_of
from sonde.tasks.dqn.config import DQNConfig
from sonde.tasks.replayed_observations import ReplayedObservations
from sonde.tasks.supervised import objective


class DQN:
    """A network that is trained, and a target network that follows it every so many updates.

    Source: Mnih et al. 2015, Human-level control through deep reinforcement learning; double: van Hasselt et al. 2016,
    arXiv:1509.06461, equation 4; n-step returns as in Hessel et al. 2018, arXiv:1710.02298, section 3; shares of returns (C51):
    Bellemare et al. 2017, arXiv:1707.06887, algorithm 1; quantiles: Dabney et al. 2018, arXiv:1710.10044, algorithm 1.
    """

    def __init__(
        self, model: nn.Module, target: TargetSpec, config: DQNConfig, *, input: InputSpec, monitor: str | None = None
    ) -> None:
        """Raises: ConfigError for a metric that is not there"""
        self.config, self._first, self._count = config, int(target.names[0]), len(target.names)
        without_memory(model, "dqn")
        features = features_of(model, input)
        self._observed = ReplayedObservations(input, scale=config.scale_observations)
        support = None
        if config.atoms:
            lowest, highest = config.value_range
            support = torch.linspace(lowest, highest, config.atoms)
        outputs = config.atoms or config.quantiles or 1
        self.network = ActionValues(
            model, features, self._count, outputs=outputs, dueling=config.dueling, support=support
        )
        self.target = copy.deepcopy(self.network).requires_grad_(False)
        self.modules = nn.ModuleDict({"network": self.network, "target": self.target, **self._observed.parts})
        self.phases: Sequence[Phase] = (Phase(name="values", loss=self.loss, trains=[self.network]),)
        self.objective: Objective = objective("return", MODES, monitor, latest=True)
        self._updates = 0
        self._missed: list[tuple[Tensor, Tensor]] = []  # of the update that is being made
        self._errors: tuple[Tensor, Tensor] | None = None  # of the last one
        self.abilities = Abilities(
            acting=Acting(
                act=self.act,
                sent=self.sent,
                value=self.value,
                discount=config.discount,
                figures=self.figures,
                sampled=config.act_sampled,
                errors=self.errors,
                observed=self._observed.learned,
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

    def figures(self) -> dict[str, float]:
        """For the log: the share of random actions."""
        return {"exploration": self.exploration}

    def act(self, seen: Tensor, random: torch.Generator | None) -> dict[str, Tensor]:
        """See `Acting`: the best action, and where it is sampled now and then any."""
        best = self.network.values(self._observed(seen)).argmax(-1)
        if random is None:
            return {"action": best}
        any_action = torch.randint(0, self._count, best.shape, generator=random, device=best.device)
        explored = torch.rand(best.shape, generator=random, device=best.device) < self.exploration
        return {"action": torch.where(explored, any_action, best)}

    def sent(self, action: Tensor) -> Tensor:
        """See `Acting`."""
        return action + self._first

    def value(self, seen: Tensor) -> Tensor:
        """See `Acting`: what the best action is taken to return."""
        return self.network.values(self._observed(seen)).amax(-1)

    def loss(self, batch: Batch) -> Loss:
        """Of transitions as `sonde.acting.experience.replay` yields them."""
        batch = self._observed.of(batch)
        network, rows = self.network, torch.arange(len(batch))
        found = network(batch["observation"])
        chosen = found[rows, batch["action"]]
        with torch.no_grad():
            worth = self.target(batch["following"])
            judged = network(batch["following"]) if self.config.double else worth
            expected = worth[rows, network.means(judged).argmax(-1)]
        error, apart = self._errors_of(chosen, expected, batch["reward"][:, None], batch["discount"][:, None])
        if self.config.priority:
            self._missed.append((batch.index, apart.detach()))
            error = error * batch["weight"]
        parts = {"value": network.means(found.detach()).mean(), "error": apart.detach().mean()}
        return Loss(error.mean(), len(batch), parts)

    def _errors_of(self, chosen: Tensor, expected: Tensor, reward: Tensor, discount: Tensor) -> tuple[Tensor, Tensor]:
        """((B,) losses, (B,) how far off the values were), of (B, outputs) of the action taken and of the best that follows."""
        if self.network.support is None:
            goal = reward + discount * expected
            loss = quantile_huber(chosen, goal) if self.config.quantiles else huber(chosen - goal)[:, 0]
            return loss, (chosen - goal).mean(-1).abs()
        support = self.network.support
        loss = divergence(chosen, projected(expected.softmax(-1), reward + discount * support, support))
        return loss, loss

    def errors(self) -> tuple[Tensor, Tensor] | None:
        """See `Acting`."""
        found, self._errors = self._errors, None
        self._missed.clear()  # of a loss that was looked at since, and not learned from
        return found

    def after_step(self, record: StepRecord) -> None:
        """Let the target network become like the network, when that is due."""
        self._updates = record.step
        if self._missed:
            index, apart = zip(*self._missed, strict=True)
            self._errors = torch.cat(index), torch.cat(apart)
            self._missed.clear()
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
        values = self.network.values(self._observed(batch["input"]))
        return {"action": self.sent(values.argmax(-1)), "values": values}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One {"action", "values"} per observation."""
        rows = zip(outputs["action"].tolist(), outputs["values"].tolist(), strict=True)
        return [{"action": action, "values": values} for action, values in rows]

    def state_dict(self) -> dict[str, Any]:
        """How far exploration is."""
        return {"updates": self._updates}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it back."""
        self._updates, self._errors = int(state["updates"]), None
        self._missed.clear()
