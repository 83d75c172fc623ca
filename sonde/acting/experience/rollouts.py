"""Experience of the policy as it stands: collect a rollout, learn from it for a few passes, collect the next."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sonde.acting.experience.advantages import advantages
from sonde.acting.experience.collecting import Collected, Collector
from sonde.core.acting import Acting
from sonde.core.batch import Batch
from sonde.core.bounds import flag
from sonde.core.errors import ConfigError
from sonde.core.pace import Pace
from sonde.core.seeds import generator

PREVIEWED = 4  # actions in each environment, by which a batch is shown that is still to be made


@dataclass(frozen=True, kw_only=True)
class RolloutPlan:
    """How much is collected, and how often it is learned from.

    length: actions in each environment;  passes: over all transitions, each in a random order
    batch:  transitions of an update, None for all
    """

    length: int
    passes: int
    batch: int | None
    discount: float
    gae_lambda: float


class Rollouts:
    """Batches without end of `observation`, `action` and what else the policy remembered, `advantage` and `return`.

    Rows are transitions. Of a policy with memory they are environments, whose T actions are learned one after the other: fields
    are (rows, T, …), with `began` (rows, T) and the `memory` (rows, …) before the first.
    The state is the rollout that is being learned from, or what was collected of the next, and where the environments stand.
    Random streams are named by the number of the rollout.
    """

    ends = False
    computes = True
    batches = None

    def __init__(
        self, collector: Collector, acting: Acting, plan: RolloutPlan, *, seed: int, device: torch.device
    ) -> None:
        """Raises: ConfigError for a batch that does not hold the actions of an environment, of a policy with memory"""
        self._collector, self._acting, self._plan = collector, acting, plan
        self._seed, self._device = seed, device
        self._rollout: dict[str, Tensor] = {}
        self._number = -1  # of the rollout, from 0
        self._place = 0  # batches of it that were taken
        count = collector.environments.count
        self._rows, each = (count * plan.length, 1) if acting.memory is None else (count, plan.length)
        if plan.batch is not None and plan.batch % each:
            raise ConfigError(
                f"--batch-size {plan.batch}: a policy with memory learns the {each} actions of an environment (--rollout) "
                f"one after the other; give a multiple of {each}"
            )
        self._batch_rows = self._rows if plan.batch is None else plan.batch // each
        self.transitions = count * plan.length
        """Of a rollout, of which a batch holds no more."""

    @property
    def epoch(self) -> int:
        """Number of the rollout that the next batch is of."""
        return max(0, self._number)

    @property
    def seconds(self) -> dict[str, float]:
        """Time by part."""
        return self._collector.seconds

    @property
    def said(self) -> str:
        """What is to be told of where the environments step, and of batches that are not as large as was asked for."""
        return "; ".join(line for line in (self._collector.environments.said, self._uneven) if line)

    @property
    def _uneven(self) -> str:
        batch, left = self._plan.batch, self._rows % self._batch_rows
        if batch is None or not left:
            return ""
        if self._per_pass == 1:
            return (
                f"batches of all {self.transitions:,} transitions of a rollout, fewer than {flag('batch_size')} {batch}"
            )
        return (
            f"each pass over a rollout of {self.transitions:,} transitions ends with a batch of "
            f"{left * self.transitions // self._rows:,}, as {flag('batch_size')} {batch} does not divide it"
        )

    @property
    def figures(self) -> dict[str, float]:
        """For the log, see `Collector`."""
        return self._collector.figures

    @property
    def leave_off(self) -> Callable[[], bool]:
        """See `sonde.core.pace`."""
        return self._collector.leave_off

    @leave_off.setter
    def leave_off(self, when: Callable[[], bool]) -> None:
        self._collector.leave_off = when

    def pace(self) -> Pace:
        """By the actions so far."""
        whole = self._collector.action_s * self._plan.length
        left = 0 if self._due else self._plan.passes * self._per_pass - self._place
        return Pace(burst_s=whole, first_s=whole, here=left, per=self._plan.passes * self._per_pass)

    def preview(self) -> tuple[Batch, Pace]:
        """A batch of a few actions, repeated; and a pace by what they took."""
        found, action_s = self._collector.preview(lambda taken, _: taken == min(PREVIEWED, self._plan.length))
        rows, whole = self._learned(found.repeated(self._plan.length)), action_s * self._plan.length
        chosen = torch.arange(min(self._batch_rows, len(next(iter(rows.values())))))
        batch = Batch({name: values[chosen] for name, values in rows.items()}, chosen)
        return batch, Pace(burst_s=whole, first_s=whole, per=self._plan.passes * self._per_pass)

    @property
    def _per_pass(self) -> int:
        return -(-self._rows // self._batch_rows)

    @property
    def _done(self) -> bool:
        """Whether the rollout was learned from, or there is none yet."""
        if self._number < 0 or self._place == self._plan.passes * self._per_pass:
            return True
        return self._place > 0 and self._acting.enough is not None and self._acting.enough()

    @property
    def _due(self) -> bool:
        """Whether the next batch is of a rollout that is not there yet, or not as a whole."""
        return self._collector.collecting or self._done

    def __iter__(self) -> Iterator[Batch]:
        """Raises: LeftOff, see `sonde.core.pace`"""
        while True:
            if self._due:
                self._collect()
            self._place += 1
            yield self._batch(self._place - 1)

    def describe(self, index: int) -> str:
        """Where a row comes from."""
        rollout, row = divmod(index, self._rows)
        step, number = divmod(row, self._collector.environments.count)
        first = rollout * self._plan.length + step
        return f"step {first:,} of environment {number}"

    def _batch(self, place: int) -> Batch:
        turn, part = divmod(place, self._per_pass)
        order = torch.randperm(self._rows, generator=generator(self._seed, "shuffle", self._number, turn))
        chosen = order[part * self._batch_rows : (part + 1) * self._batch_rows]
        return Batch(
            {name: values[chosen] for name, values in self._rollout.items()}, chosen + self._number * self._rows
        )

    def _collect(self) -> None:
        """Raises: LeftOff, before which the last rollout is done with"""
        if not self._collector.collecting:
            if self._rollout and self._acting.observed is not None:
                seen = self._rollout["observation"]
                self._acting.observed(seen if self._acting.memory is None else seen.flatten(0, 1))
            self._number, self._place, self._rollout = self._number + 1, 0, {}
        random = generator(self._seed, "sample", self._number, device=self._device)
        self._rollout = self._learned(self._collector.collect(random, lambda taken, _: taken == self._plan.length))

    def _learned(self, found: Collected) -> dict[str, Tensor]:
        """The rows, with their advantages and returns."""
        value = found.fields.get("value", torch.zeros_like(found.following))
        advantage = advantages(
            found.reward,
            value,
            found.following,
            terminated=found.terminated,
            ended=found.ended,
            discount=self._plan.discount,
            gae_lambda=self._plan.gae_lambda,
        )
        fields = {**found.fields, "advantage": advantage, "return": advantage + value}
        if found.memory is None:
            return {name: values.flatten(0, 1) for name, values in fields.items()}
        fields["began"] = found.began
        return {name: values.transpose(0, 1).contiguous() for name, values in fields.items()} | {"memory": found.memory}

    def state_dict(self) -> dict[str, Any]:
        """The rollout, how far it was learned from, and where the environments stand."""
        return {
            "number": self._number,
            "place": self._place,
            "rollout": dict(self._rollout),
            "collector": self._collector.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put them back."""
        self._number, self._place = int(state["number"]), int(state["place"])
        self._rollout = {name: value.to(self._device) for name, value in state["rollout"].items()}
        self._collector.load_state_dict(state["collector"])
