"""The last episode of each environment that was over, by which one that was changed is known where all have only begun the next.

Nothing of those says what is paid in the end. Free of torch, for worker processes.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

FIRST = 500  # steps of an episode that are kept
SECONDS = 2.0  # that all of a process's may take to be played again


@dataclass(frozen=True, kw_only=True)
class LastEpisode:
    """The first steps of an episode.

    number: of the environment's episodes;  actions, paid: (T, …) and (T,)
    shown:  after the last step, over: whether it was terminated then; None and False of an episode that was longer
    """

    number: int
    actions: Sequence[np.ndarray]
    paid: Sequence[float]
    shown: np.ndarray | None
    over: bool

    def differs(self, play: Callable[[Sequence[Any], float], "Played"], seconds: float) -> str:
        """How it is another one when it is played again, in words; "" where it is the same, as far as it was played.

        So it is where it is another one each time: that an environment draws without its seed does not say that it was changed.
        play: (actions, seconds after which they are left) -> what comes of them;  seconds: for it
        """
        found = play(self.actions, seconds)
        told = self._differs(found)
        return told if told and play(self.actions[: len(found.paid)], math.inf).same(found) else ""

    def _differs(self, found: "Played") -> str:
        for step, (reward, over) in enumerate(zip(found.paid, found.over, strict=True), start=1):
            last = self.shown is not None and step == len(self.paid)
            if told := differs(reward, self.paid[step - 1], over and not (last and self.over)):
                return told
        if self.shown is None or len(found.paid) < len(self.paid):
            return ""
        if self.over and not (found.over[-1] or found.cut):  # what is cut off may be so by a limit given since
            return "an episode goes on that was over"
        return "" if np.array_equal(found.shown, self.shown, equal_nan=True) else "the environment shows something else"


class Played(NamedTuple):
    """What came of actions, of those that were taken.

    paid, over: (T,) each;  shown: after the last;  cut: whether the episode was cut off there
    """

    paid: Sequence[float]
    over: Sequence[bool]
    shown: np.ndarray
    cut: bool

    def same(self, other: "Played") -> bool:
        """Whether the same came of the same actions."""
        return self[:2] == other[:2] and np.array_equal(self.shown, other.shown, equal_nan=True)


def played(env: Any, seed: int, encode: Callable[[Any], np.ndarray], actions: Sequence[Any], seconds: float) -> Played:
    """Play an episode by known actions, until it is over. seconds: after which it is left"""
    until = time.perf_counter() + seconds
    seen, _ = env.reset(seed=seed)
    paid, ends, cut = [], [], False
    for action in actions:
        if time.perf_counter() > until:
            break
        seen, reward, over, cut, *_ = env.step(action.tolist() if action.ndim == 0 else action)
        paid.append(float(reward))
        ends.append(bool(over))
        if over or cut:
            break
    return Played(paid, ends, np.array(encode(seen)), bool(cut))


class LastEpisodes:
    """That of each of n environments, as far as it is known.

    An episode of which a snapshot was taken has lost its beginning from the log, which is kept here then.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self.forget()

    def forget(self) -> None:
        """All of them."""
        count = self._count
        self._known: list[LastEpisode | None] = [None] * count
        self._ended: list[tuple | None] = [
            None
        ] * count  # from which those are made when asked for, which costs no step
        self._begun: list[tuple[list[np.ndarray], list[np.ndarray]] | None] = [None] * count

    def begins(self, number: int) -> None:
        """Another episode of an environment."""
        self._begun[number] = None

    def leaves(self, number: int, actions: list[np.ndarray], paid: list[np.ndarray]) -> None:
        """The log of an episode that goes on is dropped.

        actions, paid: that log from its beginning on, a row for each environment; nothing where the beginning is unknown
        """
        if self._begun[number] is None:
            self._begun[number] = actions[:FIRST], paid[:FIRST]

    def ended(self, number: int, episode: int, log: tuple[list, list] | None, shown: np.ndarray, over: bool) -> None:
        """An environment's episode is over: the last that is known, where its beginning is.

        log: actions and what was paid from its beginning on, None where that was dropped;  shown: after its last step
        over: whether it was terminated
        """
        found = log or self._begun[number]
        if found is not None and found[0]:
            self._known[number] = None
            self._ended[number] = (episode, *found, shown.copy() if log and len(log[0]) <= FIRST else None, over)

    def __getitem__(self, number: int) -> LastEpisode | None:
        if (ended := self._ended[number]) is not None:
            self._ended[number] = None
            episode, actions, paid, shown, over = ended
            self._known[number] = LastEpisode(
                number=episode,
                actions=[each[number] for each in actions[:FIRST]],
                paid=[float(each[number]) for each in paid[:FIRST]],
                shown=shown,
                over=over and shown is not None,
            )
        return self._known[number]

    def state(self, seen: np.ndarray) -> dict[str, np.ndarray]:
        """Arrays, one environment behind the other; of an environment without one the episode is -1.

        seen: (n, …) what the environments show
        """
        every = [self[number] for number in range(self._count)]
        known = [each for each in every if each is not None]
        taken = [action for each in known for action in each.actions]
        shown = np.zeros_like(seen)
        for number, each in enumerate(every):
            if each is not None and each.shown is not None:
                shown[number] = each.shown
        return {
            "last_episode": np.array([-1 if each is None else each.number for each in every]),
            "last_length": np.array([0 if each is None else len(each.paid) for each in every]),
            "last_whole": np.array([each is not None and each.shown is not None for each in every]),
            "last_over": np.array([each is not None and each.over for each in every]),
            "last_seen": shown,
            "last_actions": np.stack(taken) if taken else np.empty(0, np.float32),
            "last_reward": np.array([paid for each in known for paid in each.paid], np.float64),
        }

    def load(self, state: Mapping[str, np.ndarray]) -> None:
        """Those of a state, none of one of an earlier version."""
        self.forget()
        if "last_episode" not in state:
            return
        ends = np.cumsum(state["last_length"]).tolist()
        for number, episode in enumerate(state["last_episode"].tolist()):
            steps = slice(ends[number] - int(state["last_length"][number]), ends[number])
            if episode >= 0:
                self._known[number] = LastEpisode(
                    number=episode,
                    actions=list(state["last_actions"][steps]),
                    paid=state["last_reward"][steps].tolist(),
                    shown=state["last_seen"][number].copy() if state["last_whole"][number] else None,
                    over=bool(state["last_over"][number]),
                )


def differs(reward: float, known: float, over: bool) -> str:
    """How a step that is played again differs, in words; "" where it does not.

    known: its reward before, nan where unknown;  over: whether an episode is over that was not
    """
    if reward != known and not np.isnan(known):
        return f"a step is paid {reward:.6g}, and was paid {known:.6g},"
    return "an episode is over that went on" if over else ""  # one that is cut off may be so by a limit given since
