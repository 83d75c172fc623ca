"""Conservative Q-learning of one of several actions: learn what they return from a log alone, and believe none that it does not
know."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sonde.core.acting import Acting
from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.records import StepRecord
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase
from sonde.losses.q_learning import huber
from sonde.losses.returns import ahead
from sonde.metrics.episodes import MODES, played
from sonde.metrics.followed import FollowedMeter
from sonde.nn.action_values import ActionValues
from sonde.nn.actor_critic import without_memory
from sonde.nn.body import features_of
from sonde.nn.pixels import as_logged
from sonde.nn.scaled_observations import ScaledObservations
from sonde.nn.twin_critics import following as follower
from sonde.tasks.cql.config import CQLConfig, refuse_of_others
from sonde.tasks.cql.reward_unit import RewardUnit
from sonde.tasks.supervised import objective


class CQL:
    """Action values and a target network that follows them every so many updates.

    Source: Kumar et al. 2020, arXiv:2006.04779, equation 4 (CQL(H)), on double Q-learning, van Hasselt et al. 2016,
    arXiv:1509.06461, equation 4; of rewards divided by their `RewardUnit`. Without an environment nothing chooses among
    checkpoints, since no held-out figure says which policy returns more (Paine et al. 2020, arXiv:2007.09055): the last counts.
    """

    def __init__(
        self, model: nn.Module, target: TargetSpec, config: CQLConfig, *, input: InputSpec, monitor: str | None = None
    ) -> None:
        """Raises: ConfigError for a metric that is not there, or a setting of actions that are numbers"""
        refuse_of_others(config, numbers=False)
        self.config, self._names = config, target.names
        without_memory(model, "cql")
        features = features_of(model, input)
        self._scaled = ScaledObservations(model, input.shape)
        self.network = ActionValues(self._scaled, features, len(target.names), outputs=1, dueling=config.dueling)
        self.target, self._unit = follower(self.network), RewardUnit()
        self.modules = nn.ModuleDict({"network": self.network, "target": self.target})
        self.phases: Sequence[Phase] = (Phase(name="values", loss=self.loss, trains=[self.network]),)
        self.objective: Objective | None = objective("return", MODES, monitor, latest=True) if input.extra else None
        self.abilities = Abilities(
            acting=Acting(
                act=self.act,
                sent=self.sent,
                value=self.value,
                discount=config.discount,
                draws=False,
                unit=lambda: self._unit.size,
            ),
            know_rows=self._know,
        )
        self.state_dict, self.load_state_dict = self._unit.state_dict, self._unit.load_state_dict

    def _know(self, read: Any) -> None:
        self._scaled.know(read)
        self._unit.know(read)
        self.target.load_state_dict(self.network.state_dict())

    def loss(self, batch: Batch) -> Loss:
        """The error of the values of logged actions, and how far they lie below the soft maximum over all actions."""
        config, rows, known = self.config, torch.arange(len(batch)), batch["known"]
        values = self.network.values(batch["input"])
        chosen = values[rows, batch["target"]]
        with torch.no_grad():
            following = as_logged(batch["following"])
            worth = self.target.values(following)  # type: ignore[operator]
            judged = self.network.values(following) if config.double else worth
            reward, discount = ahead(batch, config.discount)
            goal = self._unit.learned(reward) + discount * worth[rows, judged.argmax(-1)]
        # of a log that breaks off, the last step has no known value to learn, and its action is known all the same
        error = (huber(chosen - goal) * known).sum() / known.sum().clamp_min(1)
        gap = (values.logsumexp(-1) - chosen).mean()
        parts = {"value": self._unit.told(chosen.detach().mean()), "error": error.detach(), "gap": gap.detach()}
        return Loss(error + config.conservative * gap, len(batch), parts)

    def after_step(self, record: StepRecord) -> None:
        """Let the target network become like the network, when that is due."""
        if record.step % self.config.target_every == 0:
            self.target.load_state_dict(self.network.state_dict())

    def act(self, seen: Tensor, random: torch.Generator | None) -> dict[str, Tensor]:
        """See `Acting`: the best action."""
        return {"action": self.network.values(seen).argmax(-1)}

    def sent(self, action: Tensor) -> Tensor:
        """See `Acting`."""
        return action + int(self._names[0])

    def value(self, seen: Tensor) -> Tensor:
        """See `Acting`: what the best action is taken to return, of rewards as they are learned from."""
        return self.network.values(seen).amax(-1)

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """What episodes returned, which were played before; of logged steps whether their action is the best, and its value."""
        if "return" in batch.fields:
            return played(batch)
        values = self.network.values(batch["input"])
        chosen = values.gather(-1, batch["target"][:, None])[:, 0]
        return {"accuracy": (values.argmax(-1) == batch["target"]).float(), "value": self._unit.told(chosen)}

    def meter(self) -> Meter:
        """A fresh one."""
        return FollowedMeter()

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"action": as the environment takes it, "values": (B, actions) in the log's rewards} of observations."""
        values = self.network.values(batch["input"])
        return {"action": self.sent(values.argmax(-1)), "values": self._unit.told(values)}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One {"action", "values"} per observation."""
        rows = zip(outputs["action"].tolist(), outputs["values"].tolist(), strict=True)
        return [{"action": action, "values": values} for action, values in rows]
