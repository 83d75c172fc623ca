"""What tasks that learn from their policy as it stands share: an actor and a critic, how they act, and what is told of them."""

import copy
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from sonde.core.acting import Acting
from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Abilities
from sonde.nn.actions import stretched
from sonde.nn.actor_critic import Actor, Critic, orthogonal, remembering
from sonde.nn.body import features_of, is_own
from sonde.nn.pixels import as_shares
from sonde.nn.running_norm import RunningNorm

# n observations; N = those of a batch: rows, or rows times steps of a policy with memory; M numbers of a memory


class Judged(NamedTuple):
    """What the networks now make of the transitions of a batch. value: None without a critic;  rows: the batch's own fields"""

    log_prob: Tensor  # (N,) of the actions that were taken
    entropy: Tensor  # (N,)
    value: Tensor | None  # (N,)
    rows: Mapping[str, Tensor]  # (N, …)


class Policy:
    """An actor and a critic that share nothing, or all but their heads, as is usual for pixels (Huang et al. 2022, of Atari 8).

    Details by number in Huang et al. 2022, "The 37 implementation details of proximal policy optimization": orthogonal weights
    (2; those of somebody's own network stay as they came), observations scaled by running statistics and cut off at 10 (of
    continuous actions 5 and 6), the spread of numbers does not depend on the observation (of continuous actions 2).

    modules: all of it;  trained: what a phase trains
    """

    def __init__(
        self,
        model: nn.Module,
        target: TargetSpec,
        input: InputSpec,
        *,
        scale_observations: bool,
        critic: bool = True,
        share: bool = False,
    ) -> None:
        """share: whether actor and critic read the same features. Raises: ConfigError for those of a network that remembers"""
        self._target, features, own = target, features_of(model, input), is_own(model)
        self._remembers = 0 if (found := remembering(model)) is None else found.remembers
        if share and self._remembers:
            raise ConfigError("--share-layers is of networks without a memory; leave it out, or take another --model")
        self._shares = share
        numbers = len(target.names) if target.kind == "control" else 0
        choices = (len(target.names),) if target.kind == "action" else target.shape
        self.actor = Actor(model, features, choices=choices, numbers=numbers)
        self.critic = Critic(nn.Identity() if share else copy.deepcopy(model), features) if critic else None
        orthogonal(self.actor.head if own else self.actor, self.actor.head, 0.01)
        parts: dict[str, nn.Module] = {"actor": self.actor}
        if self.critic is not None:
            orthogonal(self.critic.head if own else self.critic, self.critic.head, 1.0)
            parts["critic"] = self.critic
        self.trained = list(parts.values())
        self._norm = RunningNorm(input.shape) if scale_observations and not input.has_planes else None
        if self._norm is not None:
            parts["observations"] = self._norm
        self._unit = nn.Module()
        self._unit.register_buffer("reward", torch.ones(()))  # what rewards are divided by
        self.modules = nn.ModuleDict({**parts, "unit": self._unit})
        self._middle, self._half = target.mean, target.std
        self._heard: tuple[int, Tensor] | None = None  # of `predict`: the next row, and what is remembered

    def abilities(self, *, discount: float, sampled: bool, enough: Callable[[], bool] | None = None) -> Abilities:
        """How it acts. sampled, enough: see `Acting`"""
        acting = Acting(
            act=self.act,
            sent=self.sent,
            value=None if self.critic is None else self.value,
            discount=discount,
            sampled=sampled,
            observed=None if self._norm is None else self._norm.observe,
            judged=None if self._remembers or self._shares else self._judged,
            memory=self._nothing if self._remembers else None,
            enough=enough,
            rescaled=self._rescaled,
            unit=lambda: float(self._unit.get_buffer("reward")),
        )
        return Abilities(acting=acting)

    def _nothing(self, count: int) -> Tensor:
        """(count, 2, M): of the actor and of the critic."""
        return torch.zeros(count, 2, self._remembers, device=self.actor.head.weight.device)

    def _rescaled(self, by: float) -> None:
        self._unit.get_buffer("reward").fill_(by)

    def _scaled(self, seen: Tensor) -> Tensor:
        if seen.dtype == torch.uint8:
            return as_shares(seen)
        return seen if self._norm is None else self._norm(seen)

    def act(self, seen: Tensor, random: torch.Generator | None, memory: Tensor | None = None) -> dict[str, Tensor]:
        """See `Acting`: "action"; of a policy with memory "memory", and where actions are drawn "log_prob" and "value"."""
        scaled = self._scaled(seen)
        if self._shares:
            answer, value = self._answers(scaled)
            action = self.actor.draw(answer, random)
            assert value is not None
            return {"action": action, "log_prob": self.actor.log_prob(answer, action), "value": value}
        if memory is None:
            return {"action": self.actor.draw(self.actor(scaled), random)}
        features, after = _steps(self.actor.torso, scaled, memory[:, 0])
        answer = self.actor.head(features)
        action = self.actor.draw(answer, random)
        if self.critic is None:
            return {"action": action, "memory": torch.stack([after, memory[:, 1]], 1)}
        features, other = _steps(self.critic.torso, scaled, memory[:, 1])
        value = self.critic.head(features)[:, 0]
        log_prob = self.actor.log_prob(answer, action)
        return {"action": action, "memory": torch.stack([after, other], 1), "log_prob": log_prob, "value": value}

    def _answers(self, scaled: Tensor) -> tuple[Tensor, Tensor | None]:
        """Of the actor, and of the critic."""
        if self._shares:
            assert self.critic is not None
            features = self.actor.torso(scaled)
            return self.actor.head(features), self.critic(features)
        return self.actor(scaled), None if self.critic is None else self.critic(scaled)

    def _judged(self, seen: Tensor, action: Tensor) -> dict[str, Tensor]:
        """See `Acting`."""
        scaled = self._scaled(seen)
        found = {"log_prob": self.actor.log_prob(self.actor(scaled), action)}
        return found if self.critic is None else {**found, "value": self.critic(scaled)}

    def sent(self, action: Tensor) -> Tensor:
        """See `Acting`: numbers are cut off at -1 and 1, and stretched to the environment's bounds."""
        if self._target.kind == "action":
            return action + int(self._target.names[0])
        if self._target.kind == "actions":
            return action.reshape(action.shape[0], -1) + torch.as_tensor(self._middle, device=action.device).long()
        return stretched(action.clamp(-1, 1), self._middle, self._half)

    def value(self, seen: Tensor, memory: Tensor | None = None) -> Tensor:
        """See `Acting`, of rewards as they are learned from."""
        assert self.critic is not None
        if self._shares:
            return self.critic(self.actor.torso(self._scaled(seen)))
        if memory is None:
            return self.critic(self._scaled(seen))
        features, _ = _steps(self.critic.torso, self._scaled(seen), memory[:, 1])
        return self.critic.head(features)[:, 0]

    def judge(self, batch: Batch) -> Judged:
        """What the networks make of the transitions of a batch now."""
        rows: dict[str, Tensor] = dict(batch.fields)
        scaled = self._scaled(batch["observation"])
        if not self._remembers:
            answer, value = self._answers(scaled)
        else:
            memory, began = rows.pop("memory"), rows["began"]
            rows = {name: field.flatten(0, 1) for name, field in rows.items()}
            answer = self.actor.head(_through(self.actor.torso, scaled, memory[:, 0], began))
            value = None
            if self.critic is not None:
                value = self.critic.head(_through(self.critic.torso, scaled, memory[:, 1], began))[:, 0]
        action = rows["action"]
        return Judged(self.actor.log_prob(answer, action), self.actor.entropy(answer), value, rows)

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"action": as the environment takes it, "value": (B,) in the environment's rewards} of observations.

        Of a policy with memory rows that follow one another, from the first on, are one episode.
        """
        seen = batch["input"]
        if self._remembers:
            answer, value = self._heard_out(seen, int(batch.index[0]))
        else:
            answer, value = self._answers(self._scaled(seen))
        found = {"action": self.sent(self.actor.draw(answer, None))}
        return found if value is None else {**found, "value": value * self._unit.get_buffer("reward")}

    def _heard_out(self, seen: Tensor, first: int) -> tuple[Tensor, Tensor | None]:
        """(answers, values) of observations in their order, carrying on from those before."""
        known = self._heard is not None and self._heard[0] == first != 0
        memory = self._heard[1] if known and self._heard is not None else self._nothing(1)
        answers, values = [], []
        for row in self._scaled(seen)[:, None]:
            features, actors = _steps(self.actor.torso, row, memory[:, 0])
            answers.append(self.actor.head(features))
            critics = memory[:, 1]
            if self.critic is not None:
                features, critics = _steps(self.critic.torso, row, critics)
                values.append(self.critic.head(features)[:, 0])
            memory = torch.stack([actors, critics], 1)
        self._heard = first + len(seen), memory
        return torch.cat(answers), torch.cat(values) if values else None


def by_row(outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
    """One {"action", "value"} per observation."""
    columns = {name: values.tolist() for name, values in outputs.items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _steps(torso: nn.Module, seen: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
    found = remembering(torso)
    assert found is not None
    return found.step(seen, memory)


def _through(torso: nn.Module, seen: Tensor, memory: Tensor, began: Tensor) -> Tensor:
    """(rows, T, *shape) -> (rows * T, features)."""
    found = remembering(torso)
    assert found is not None
    return found.through(seen, memory, began).flatten(0, 1)
