"""Environments that step one after the other, each episode from a seed of its own. Free of torch, for worker processes.

Because every episode has a seed, where an environment stands is told by that seed and the actions since: it is played again to
resume, whatever the environment keeps inside. Where that would take long, by a snapshot of it and the actions since.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from sonde.acting.environments.checked import Checked, finite
from sonde.acting.environments.last_episodes import FIRST, SECONDS, LastEpisodes, differs, played
from sonde.acting.environments.snapshots import Snapshots
from sonde.core.acting import Transition
from sonde.core.errors import RunFolderError, first_line

if TYPE_CHECKING:
    from torch import Tensor

Encode = Callable[[Any], np.ndarray]
REPLAYED = 10.0  # seconds that playing all of them again may take, from which on snapshots are taken
EVERY = 256  # steps between two looks at that
ANOTHER = (
    "{how} when the same episode is played again from its seed, so this run cannot be resumed exactly; put the environment back "
    "where it was changed, or start over with --fresh"
)
SPARE = 1_000  # steps of the log that no episode needs any longer, from which on they are dropped


class InProcess:
    """n environments of gymnasium.

    make:   an environment;  encode: its observation -> array
    seed_of: (number of the environment, of its episode), both from 0 -> the seed of that episode
    first:  number of the first environment, where these are some of a run's
    """

    said = ""

    def __init__(
        self,
        make: Callable[[], Any],
        count: int,
        *,
        encode: Encode,
        seed_of: Callable[[int, int], int],
        first: int = 0,
    ) -> None:
        self.envs = [make() for _ in range(count)]
        for number, env in enumerate(self.envs):
            if isinstance(env, Checked):
                env.number, env.alone = first + number, False
        self._encode, self._seed_of, self._first_number = encode, seed_of, first
        self._episode = [-1] * count
        self._log: list[np.ndarray] = []  # actions of all, a step each
        self._paid: list[np.ndarray] = []  # rewards of the same steps
        self._since = [0] * count  # step of the log at which each episode began, or its snapshot stands
        self._snapshots = Snapshots(count)
        self._last = LastEpisodes(count)
        self._steps, self._seconds = 0, 0.0  # and what they took
        self._seen: np.ndarray = np.empty(0)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.envs)

    def reset(self) -> np.ndarray:
        """The first observations of the next episodes, at first of the first."""
        self._episode, self._log, self._paid = [episode + 1 for episode in self._episode], [], []
        self._seen = np.stack([self._begin(number).copy() for number in range(self.count)])
        return self._seen

    def rewind(self) -> None:
        """The first episodes come next, as when they were made."""
        self._episode, self._log, self._paid, self._since = [-1] * self.count, [], [], [0] * self.count
        self._seen = np.empty(0)
        self._last.forget()
        for number in range(self.count):
            self._snapshots.forget(number)

    def _begin(self, number: int) -> np.ndarray:
        """Start an environment's episode. Returns what it shows, which may be an array of its own."""
        self._snapshots.forget(number)
        self._last.begins(number)
        self._since[number] = len(self._log)
        seed = self._seed_of(self._first_number + number, self._episode[number])
        return self._encode(self.envs[number].reset(seed=seed)[0])

    def step(self, actions: np.ndarray) -> Transition:
        """Take one action in each; an episode that ends is followed by the next.

        Arrays of the caller's and of the environments are copied at once, since both may be written to afterwards (`Checked`
        hands copies of actions on).
        """
        started = time.perf_counter()
        self._log.append(actions.copy())
        self._paid.append(np.full(self.count, np.nan))
        count, reward = self.count, np.empty(self.count)
        terminated, truncated = np.zeros(count, bool), np.zeros(count, bool)
        following = np.empty_like(self._seen)
        begun = []
        plain = actions.tolist() if actions.ndim == 1 else actions
        for number, env in enumerate(self.envs):
            seen, reward[number], over, cut, _ = answer = env.step(plain[number])
            following[number] = self._encode(seen)
            if (
                self._snapshots.proving == number
                and (place := self._snapshots.follow(plain[number], following[number], answer[1:4])) is not None
            ):
                self._last.leaves(number, *self._first(number))
                self._since[number] = place
            if over or cut:
                terminated[number], truncated[number] = over, cut and not over
                begun.append(number)
        self._paid[-1][:] = reward
        if not finite(following):
            self._check_finite(following)
        observation = following
        if begun:
            observation = following.copy()
            for number in begun:
                self._keep(number, following[number], bool(terminated[number]))
                self._episode[number] += 1
                observation[number] = self._begin(number)
        self._seen = observation
        self._steps, self._seconds = self._steps + 1, self._seconds + time.perf_counter() - started
        if self._steps % EVERY == 0:
            self._trim()
            self._snapshot()
        return Transition(reward, terminated, truncated, following, observation)

    def _keep(self, number: int, shown: np.ndarray, over: bool) -> None:
        """Keep an episode that is over as the last."""
        log = None if self._snapshots.packed[number] else self._first(number)
        self._last.ended(number, self._episode[number], log, shown, over)

    def _first(self, number: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Actions and rewards of an environment's episode, of more than are kept of it none."""
        steps = slice(self._since[number], self._since[number] + FIRST + 1)
        return self._log[steps], self._paid[steps]

    def _check_finite(self, following: np.ndarray) -> None:
        """Raises: DataError for the first environment that shows what is not finite, where they are checked at all"""
        for env, seen in zip(self.envs, following, strict=True):
            if hasattr(env, "check_finite"):
                env.check_finite(seen)

    def _trim(self) -> None:
        """Drop what happened before the oldest episode that goes on."""
        spare = min(self._since)
        if spare >= SPARE and self._snapshots.proving < 0:
            del self._log[:spare], self._paid[:spare]
            self._since = [since - spare for since in self._since]

    def _snapshot(self) -> None:
        """Begin a snapshot of the environment that would be played again for the longest, where that is long."""
        number = int(np.argmin(self._since))
        played = len(self._log) - self._since[number]
        may = self._snapshots.possible and self._snapshots.proving < 0 and hasattr(self.envs[number], "pack")
        if may and played * self._seconds / self._steps > REPLAYED:
            self._snapshots.begin(number, self.envs[number], len(self._log))

    def _taken(self, number: int) -> list[np.ndarray]:
        """The actions of an environment's episode so far."""
        return [actions[number] for actions in self._log[self._since[number] :]]

    def state(self) -> dict[str, np.ndarray]:
        """The episode of each; the actions since it began or its snapshot was taken, and what was paid for them; what they show;
        the snapshots: one environment behind the other.
        """
        lengths = [len(self._log) - since for since in self._since]
        taken = [action for number in range(self.count) for action in self._taken(number)]
        paid = [each[number] for number, since in enumerate(self._since) for each in self._paid[since:]]
        return {
            "episode": np.array(self._episode),
            "length": np.array(lengths),
            "actions": np.stack(taken) if taken else np.empty(0, np.float32),
            "reward": np.array(paid, np.float64),
            "seen": self._seen.copy(),
            "snapshot": np.frombuffer(b"".join(self._snapshots.packed), np.uint8).copy(),
            "snapshot_bytes": np.array([len(packed) for packed in self._snapshots.packed]),
            **self._last.state(self._seen),
        }

    def load(self, state: Mapping[str, np.ndarray]) -> np.ndarray:
        """Play the last episodes that were over again, and those that go on up to where they were.

        Of a state of an earlier version what was paid is unknown, or which were the last. Raises: RunFolderError where an
        environment then pays or shows something else, or an episode is over
        """
        self._check_last(state)
        self._episode = state["episode"].tolist()
        lengths: Sequence[int] = state["length"].tolist()
        actions, first = state["actions"], 0
        ends = np.cumsum(state["snapshot_bytes"]).tolist()
        longest = max(lengths)
        # the log as if all episodes had begun together at its end: what is missing at an episode's front is never looked at
        self._log = [np.zeros((self.count, *actions.shape[1:]), actions.dtype) for _ in range(longest)]
        self._paid = [np.full(self.count, np.nan) for _ in range(longest)]
        known = state.get("reward", np.full(len(actions), np.nan))
        self._seen = np.empty_like(state["seen"])
        for number, length in enumerate(lengths):
            snapshot = state["snapshot"][ends[number] - int(state["snapshot_bytes"][number]) : ends[number]].tobytes()
            seen = self._put(number, snapshot) if snapshot else self._begin(number)
            self._since[number] = longest - length
            played = actions[first : first + length]
            for place, action in enumerate(played.tolist() if played.ndim == 1 else played):
                at = longest - length + place
                self._log[at][number] = played[place]
                shown, self._paid[at][number], over, *_ = self.envs[number].step(action)
                if how := differs(self._paid[at][number], known[first + place], over):
                    raise RunFolderError(ANOTHER.format(how=f"{how} in environment {self._first_number + number}"))
                seen = self._encode(shown)
            first += length
            self._seen[number] = seen
        if not np.array_equal(self._seen, state["seen"], equal_nan=True):
            raise RunFolderError(ANOTHER.format(how="the environment shows something else"))
        return self._seen

    def _check_last(self, state: Mapping[str, np.ndarray]) -> None:
        """Raises: RunFolderError where an environment's last episode is another one when it is played again"""
        self._last.load(state)
        for number, env in enumerate(self.envs):
            if (known := self._last[number]) is None:
                continue
            seed = self._seed_of(self._first_number + number, known.number)
            how = known.differs(partial(played, env, seed, self._encode), SECONDS / self.count)
            if how:
                raise RunFolderError(ANOTHER.format(how=f"{how} in environment {self._first_number + number}"))

    def state_dict(self) -> "dict[str, Tensor]":
        """`state` as tensors."""
        import torch

        return {name: torch.from_numpy(values) for name, values in self.state().items()}

    def load_state_dict(self, state: "Mapping[str, Tensor]") -> np.ndarray:
        """`load` of tensors. Raises: RunFolderError"""
        return self.load({name: values.numpy() for name, values in state.items()})

    def _put(self, number: int, snapshot: bytes) -> np.ndarray:
        """Stand where a snapshot was taken; what it shows is not known before the next step, which always follows.

        Raises: RunFolderError for one that cannot be read here
        """
        try:
            self.envs[number].unpack(snapshot)
        except Exception as error:
            raise RunFolderError(
                f"where environment {number} stood cannot be read back ({first_line(error)}); start over with --fresh"
            ) from error
        self._snapshots.forget(number)
        self._snapshots.packed[number] = snapshot
        self._last.begins(number)
        self._last.leaves(number, [], [])
        return self._seen[number]

    def close(self) -> None:
        """Close each."""
        for env in self.envs:
            env.close()
