"""Experience that is kept and learned from again and again: act a little, draw from all that happened lately."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from sonde.acting.experience.counts import Counts, figures_of
from sonde.acting.experience.priorities import Priorities
from sonde.acting.experience.ring import Ring
from sonde.core.acting import Acting, Environments
from sonde.core.batch import Batch
from sonde.core.pace import LeftOff, Pace, never
from sonde.core.seeds import derive

PREVIEWED = 4  # steps of each environment, by which a batch is shown that is still to be made


@dataclass(frozen=True, kw_only=True)
class ReplayPlan:
    """How much is kept, and how often it is learned from.

    capacity:  transitions that are kept;  warmup: steps of the environments before the first update
    every:     steps of the environments for an update;  batch: transitions of an update
    together:  updates that follow one another, so that the policy stays the same over the steps in between
    frames:    pictures that an observation is made of, where it is some (`sonde.acting.experience.frame_store`)
    steps:     that a transition goes over before the value of what follows is taken (n-step returns)
    priority:  how much more often those are drawn whose value was far off (`Priorities`); 0 for all alike
    correction: of the weights that make up for it, at the first update; it rises to 1 over `correction_updates`
    """

    capacity: int
    warmup: int
    every: int
    batch: int
    steps: int
    discount: float
    together: int = 1
    frames: int = 1
    priority: float = 0.0
    correction: float = 0.4
    correction_updates: int = 25_000


class Replay:
    """Batches without end of `observation`, `action`, `reward`, `following` and `discount`, see `Ring.read`; where transitions
    have priorities, of `weight` too.

    The state is all transitions that are kept, and where the environments stand.
    """

    ends = False
    computes = True
    batches = None
    epoch = 0

    def __init__(
        self, environments: Environments, acting: Acting, plan: ReplayPlan, *, seed: int, device: torch.device
    ) -> None:
        self._environments, self._acting, self._plan = environments, acting, plan
        self._seed, self._device = seed, device
        self._ring = Ring(max(1, plan.capacity // environments.count), environments.count, frames=plan.frames)
        self._priorities: Priorities | None = None
        if plan.priority:
            shape = self._ring.capacity, self._ring.count
            self._priorities = Priorities(*shape, exponent=plan.priority, steps=plan.steps)
        self._random = torch.Generator(device=device).manual_seed(derive(seed, "sample", "acting"))
        self._observation: np.ndarray | None = None
        self._drawn = 0  # batches
        self._counts = Counts(environments.count)
        self.leave_off: Callable[[], bool] = never
        self._acted = 0  # steps of each environment since this object was made
        self.seconds = {"environment": 0.0, "policy": 0.0}

    @property
    def said(self) -> str:
        """What is to be told of where the environments step, in the plan of a run."""
        return self._environments.said

    @property
    def figures(self) -> dict[str, float]:
        """For the log: steps of the environments so far, how old the oldest transition is, and what episodes returned lately."""
        taken = self._ring.written * self._environments.count
        return {
            "environment_steps": taken,
            "replayed": self._ring.filled * self._ring.count,
            **self._counts.figures,
            **figures_of(self._acting),
        }

    def __iter__(self) -> Iterator[Batch]:
        """Raises: LeftOff, see `sonde.core.pace`"""
        while True:
            self._take_errors()
            while self._missing:
                if self.leave_off():
                    raise LeftOff(self._so_far())
                self._observe()
                self._act()
            yield self._batch()

    @property
    def _missing(self) -> int:
        """Steps that each environment is still to take for the next batch: one more than a transition goes over, so that what
        follows it is there."""
        plan, count = self._plan, self._environments.count
        due = self._drawn // plan.together * plan.together  # updates before those that come together now
        wanted = max(-(-(plan.warmup + due * plan.every) // count), plan.steps + 1)
        return max(0, wanted - self._ring.written)

    def _so_far(self) -> str:
        taken = f"{self._ring.written * self._environments.count:,}"
        if self._drawn:
            return f"{taken} steps of the environments were taken"
        wanted = max(self._plan.warmup, (self._plan.steps + 1) * self._environments.count)
        return f"{taken} of the {wanted:,} steps of the environments that come before the first update were taken"

    def pace(self) -> Pace:
        """By all steps so far."""
        step_s = sum(self.seconds.values()) / self._acted if self._acted else 0.0
        return self._pace(step_s)

    def _pace(self, step_s: float) -> Pace:
        """step_s: seconds for a step of each environment"""
        plan, missing = self._plan, self._missing
        between = plan.together * plan.every / self._environments.count
        return Pace(
            burst_s=step_s * between,
            first_s=step_s * (missing or between),
            here=0 if missing else plan.together - self._drawn % plan.together,
            per=plan.together,
        )

    def preview(self) -> tuple[Batch, Pace]:
        """A batch of what a few steps came to; and a pace by what they took."""
        before, times = self.state_dict(), []
        try:
            for _ in range(self._plan.steps + PREVIEWED):
                begun = time.perf_counter()
                self._act()
                times.append(time.perf_counter() - begun)
            batch = self._batch()
        finally:
            self.load_state_dict(before)
            self.seconds.update(dict.fromkeys(self.seconds, 0.0))
            self._acted = 0
        return batch, self._pace(float(np.median(times)))

    def _batch(self) -> Batch:
        plan, ring = self._plan, self._ring
        random = np.random.default_rng(derive(self._seed, "shuffle", self._drawn))
        if self._priorities is None:
            first, envs = ring.draw(plan.batch, plan.steps, random)
        else:
            first, envs = self._priorities.draw(plan.batch, ring.written, random)
        found = ring.read(first, envs, steps=plan.steps, discount=plan.discount)
        if self._priorities is not None:
            done = min(1.0, self._drawn / plan.correction_updates)
            correction = plan.correction + done * (1 - plan.correction)
            found["weight"] = self._priorities.weights(first, envs, correction)
        self._drawn += 1
        index = torch.from_numpy(first * ring.count + envs)
        return Batch({name: torch.from_numpy(value).to(self._device) for name, value in found.items()}, index)

    def _take_errors(self) -> None:
        """Those of the last update, before anything else is drawn or overwritten."""
        if self._priorities is None or self._acting.errors is None:
            return
        found = self._acting.errors()
        if found is not None:
            index, errors = found
            self._priorities.learned(index.numpy(force=True), errors.float().numpy(force=True))

    def describe(self, index: int) -> str:
        """Where a transition comes from."""
        step, number = divmod(index, self._environments.count)
        return f"step {step:,} of environment {number}"

    def _observe(self) -> None:
        """Let what scales observations learn of those that are acted on next: in training alone, since it is not put back."""
        if self._acting.observed is not None:
            self._acting.observed(torch.from_numpy(self._now()).to(self._device))

    def _now(self) -> np.ndarray:
        """(n, *shape) what is acted on next."""
        if self._observation is None:
            self._observation = self._environments.reset()
        return self._observation

    @torch.no_grad()
    def _act(self) -> None:
        begun = time.perf_counter()
        seen = self._now()
        action = self._acting.act(torch.from_numpy(seen).to(self._device), self._random)["action"]
        sent = self._acting.sent(action).numpy(force=True)
        middle = time.perf_counter()
        found = self._environments.step(sent)
        self._ring.add(seen, action.numpy(force=True), found)
        if self._priorities is not None:
            self._priorities.added(self._ring.written)
        self._counts.add(found)
        self._observation, self._acted = found.observation, self._acted + 1
        self.seconds["policy"] += middle - begun
        self.seconds["environment"] += time.perf_counter() - middle

    def state_dict(self) -> dict[str, Any]:
        """Everything that happened and is kept, and where the environments stand."""
        begun = self._observation is not None
        self._take_errors()
        return {
            "drawn": self._drawn,
            "ring": self._ring.state_dict(),
            "random": self._random.get_state(),
            "counts": self._counts.state_dict(),
            "environments": dict(self._environments.state_dict()) if begun else {},
            "priorities": {} if self._priorities is None else self._priorities.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it back."""
        self._drawn = int(state["drawn"])
        self._ring.load_state_dict(state["ring"])
        self._random.set_state(state["random"].cpu())
        self._counts.load_state_dict(state["counts"])
        if self._priorities is not None:
            self._priorities.load_state_dict(state["priorities"])
        self._observation = None
        if placed := state["environments"]:
            self._observation = self._environments.load_state_dict(placed)
        else:
            self._environments.rewind()
