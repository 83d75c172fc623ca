"""Logged transitions: checked, cut into episodes, and told what followed each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sonde.core.dataset import TargetSpec
from sonde.core.errors import DataError
from sonde.modalities.environment.as_logged import SPACE
from sonde.modalities.environment.spaces import several_parts

ENDS = "an episode that was cut off could not be told from one that ended by the rules"
LOGGED = "logged-"  # before the kind of an environment's target, of actions that others took
MISSING = {
    "observations": "add what was seen before each action",
    "actions": "add what was done",
    "rewards": "add what came of each action, or clone the actions, which takes none (--task cloning)",
    "terminated": "add 1 where an episode was over by the rules, and else 0 (0 in every row, where all were cut off)",
}
"""What a log needs, and what to do where it is not there."""


@dataclass(frozen=True, kw_only=True)
class Log:
    """Steps of episodes, which follow one another.

    observation: (N, *shape);  reward: (N,) float32
    action: (N,) int64, one of several; (N, parts) int64, of each part one of several; or (N, d) float32, numbers
    terminated, truncated: (N,) bool, of which one is True at the last step of an episode
    episode: (N,) int64 from 0, which never falls
    following: (N, *shape) what was observed after the action;  known: (N,) bool, whether that is known
    rewarded: whether rewards were logged; else they are 0;  ended: whether the last episode is whole, as far as is known
    """

    observation: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    episode: np.ndarray
    following: np.ndarray
    known: np.ndarray
    rewarded: bool = True
    ended: bool = True

    def __len__(self) -> int:
        return len(self.reward)

    @property
    def of_numbers(self) -> bool:
        """Whether actions are numbers, and not one of several."""
        return self.action.dtype.kind == "f"

    @property
    def returns(self) -> np.ndarray:
        """(episodes,) sum of the rewards of each."""
        return np.bincount(self.episode, self.reward)


def checked(found: Mapping[str, Any], place: str, *, rewarded: bool = True) -> dict[str, Any]:
    """The arrays of a log by name (`log_files.arrays_of`), with all that is needed of them: `terminated`, and rewards.

    rewarded: whether rewards are needed; where they are not, and there are none, they are 0
    Raises: DataError for what is missing, or not of one length
    """
    found = _without_dones(found, place)
    for name, more in MISSING.items():
        if name not in found and (name != "rewards" or rewarded):
            raise DataError(f"{place} has no {name}; {more}; it holds {', '.join(found)}")
    if "truncated" not in found and "episodes" not in found:
        raise DataError(f"{place} has neither truncated nor episodes, so {ENDS}; add one of them")
    count = len(found["actions"])
    for name, values in found.items():
        if name in ("environment", "final_observations", SPACE):
            continue
        for path, each in values.items() if isinstance(values, Mapping) else [("", values)]:
            if len(each) != count:
                called = f"{name}.{path}" if path else name
                raise DataError(
                    f"{place}: {called} has {len(each):,} rows and actions {count:,}; give one of each per step"
                )
    if not count:
        raise DataError(f"{place} holds no steps")
    return dict(found)


def log_of(found: Mapping[str, Any], place: str, *, target: TargetSpec | None = None) -> Log:
    """A log of arrays (`checked`) with observations as networks see them. Raises: DataError for what does not fit together

    target: the actions of its environment, as which numbers of another type are read; None where none is known
    """
    count, rewarded = len(found["actions"]), "rewards" in found
    found = {"rewards": np.zeros(count, np.float32), **found}
    observation, action = _observations(found["observations"], place), _actions(found["actions"], place, target)
    reward = np.asarray(found["rewards"], np.float32).reshape(count)
    for name, values in (("observations", observation), ("actions", action), ("rewards", reward)):
        if np.issubdtype(values.dtype, np.floating) and not (finite := np.isfinite(values)).all():
            row = int(np.argwhere(~finite)[0, 0])
            raise DataError(f"{place}: {name} of row {row:,} are not finite; leave its episode out")
    terminated = np.asarray(found["terminated"]).reshape(count).astype(bool)
    truncated = np.zeros(count, bool)
    if "truncated" in found:
        truncated = np.asarray(found["truncated"]).reshape(count).astype(bool) & ~terminated
    episode, last = _episodes(found, terminated, truncated, place)
    ended = "truncated" not in found or bool(terminated[-1] | truncated[-1])
    truncated |= last & ~terminated
    following, known = _followed(found, observation, episode, last, terminated, place)
    return Log(
        observation=observation,
        action=action,
        reward=reward,
        terminated=terminated,
        truncated=truncated,
        episode=episode,
        following=following,
        known=known,
        rewarded=rewarded,
        ended=ended,
    )


def _without_dones(found: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    """With `terminated` instead of `dones`, which are True wherever an episode is over: where it was not cut off.

    Raises: DataError where that is not known
    """
    if "dones" not in found or "terminated" in found:
        return {name: values for name, values in found.items() if name != "dones"}
    if "truncated" not in found:
        raise DataError(
            f"{place} has dones and no truncated, so {ENDS}; add truncated (True where a limit of steps cut an episode off), or "
            "call dones terminated if none was cut off"
        )
    dones, cut = (np.asarray(found[name]).astype(bool).ravel() for name in ("dones", "truncated"))
    if len(dones) != len(cut):
        raise DataError(f"{place}: dones has {len(dones):,} rows and truncated {len(cut):,}; give one of each per step")
    rest = {name: values for name, values in found.items() if name != "dones"}
    return {**rest, "terminated": dones & ~cut, "truncated": cut}


def _observations(values: Any, place: str) -> np.ndarray:
    found = np.asarray(values)
    if found.dtype.kind not in "biuf":
        raise DataError(f"{place}: observations are {found.dtype}, and must be numbers")
    if found.dtype == np.uint8 and found.ndim == 4:
        return found
    return np.ascontiguousarray(found.reshape(len(found), *(found.shape[1:] or (1,))), np.float32)


def _actions(values: Any, place: str, target: TargetSpec | None) -> np.ndarray:
    """Whole numbers stored as floats are one of several where the environment takes such, and floats where it takes numbers."""
    found = np.asarray(values)
    single = found.ndim == 1 or found.shape[1:] == (1,)
    kind = "" if target is None else target.kind.removeprefix(LOGGED)
    whole = found.dtype.kind == "f" and bool((found == np.rint(found)).all())
    if whole and (kind == "actions" or (kind == "action" and single)):
        found = found.astype(np.int64)
    if kind == "actions" and found.ndim == 1:
        found = found[:, None]
    if kind == "control" and found.dtype.kind in "iu" and found.ndim <= 2:
        found = found.astype(np.float32)
    if found.dtype.kind in "iub" and found.ndim == 2 and (not single or kind == "actions"):
        return found.astype(np.int64)
    if found.dtype.kind in "iub" and single:
        return found.reshape(len(found)).astype(np.int64)
    if found.dtype.kind == "f" and found.ndim <= 2:
        return found.reshape(len(found), -1).astype(np.float32)
    raise DataError(
        f"{place}: actions are {found.dtype} of shape {found.shape}; one whole number a step, or a row of whole numbers or of "
        "floats, is learned"
    )


def _episodes(
    found: Mapping[str, Any], terminated: np.ndarray, truncated: np.ndarray, place: str
) -> tuple[np.ndarray, np.ndarray]:
    """((N,) number of the episode, (N,) whether a step is its last). Raises: DataError where episodes go on after an end"""
    ended = terminated | truncated
    if "episodes" not in found:
        last = ended.copy()
        last[-1] = True
        return np.concatenate([[0], np.cumsum(last)[:-1]]), last
    given = np.asarray(found["episodes"]).reshape(len(terminated))
    last = np.append(given[1:] != given[:-1], True)
    if (ended & ~last).any():
        row = int((ended & ~last).argmax())
        raise DataError(
            f"{place}: episode {given[row]} goes on after row {row:,}, where it ended; number what follows anew"
        )
    starts = given[np.concatenate([[True], last[:-1]])]
    if len(np.unique(starts)) < len(starts):
        raise DataError(f"{place}: the steps of an episode do not stand together; sort the rows by episode and step")
    return np.concatenate([[0], np.cumsum(last)[:-1]]), last


def _followed(
    found: Mapping[str, Any],
    observation: np.ndarray,
    episode: np.ndarray,
    last: np.ndarray,
    terminated: np.ndarray,
    place: str,
) -> tuple[np.ndarray, np.ndarray]:
    """(what follows each step, whether that is known). What follows a termination is worth nothing, so it need not be."""
    if "next_observations" in found:
        following = _observations(found["next_observations"], place)
        if following.shape != observation.shape:
            raise DataError(
                f"{place} has observations of shape {observation.shape} and next_observations of shape {following.shape}; give "
                "both alike"
            )
        _check_later(observation, following, ~last, place)
        return following, np.ones(len(observation), bool)
    following = np.concatenate([observation[1:], observation[-1:]])
    if "final_observations" in found:
        final = _observations(found["final_observations"], place)
        if len(final) != last.sum():
            raise DataError(
                f"{place}: {len(final):,} final_observations for {int(last.sum()):,} episodes; give one of each"
            )
        following[last] = final
        return following, np.ones(len(observation), bool)
    following[last] = observation[last]
    return following, ~last | terminated


def _check_later(observation: np.ndarray, following: np.ndarray, goes_on: np.ndarray, place: str) -> None:
    """Raises: DataError where what followed each step is what was seen before it, and the step after shows something else"""
    if not (np.array_equal(observation[0], following[0]) and np.array_equal(observation, following)):
        return
    changed = (observation[1:] != observation[:-1]).reshape(len(observation) - 1, -1).any(1) & goes_on[:-1]
    if changed.any():
        raise DataError(
            f"{place}: next_observations are the observations themselves in every row; give what was seen after each step, or "
            "leave them out"
        )


def looked_ahead(log: Log, steps: int) -> dict[str, np.ndarray]:
    """What came of each action, as far as so many steps, and no further than its episode, nor than is known: fields of its row.

    reward: (N, steps), of each step from this one on, 0 beyond the episode's end;  steps: (N,) how many there were
    following, goes_on, known: of the last of them: what was observed after it, whether it goes on, whether that is known
    Of one step `reward` is (N,), and `steps` is left out.
    """
    end = np.searchsorted(log.episode, log.episode, side="right") - 1  # the last step of each one's episode
    here = np.arange(len(log))
    last = np.minimum(here + steps - 1, end)
    last = np.where(
        ~log.known[last] & (last > here), last - 1, last
    )  # a log that breaks off: what it showed last is known
    found = {
        "following": log.following[last],
        "goes_on": (~log.terminated[last]).astype(np.float32),
        "known": log.known[last].astype(np.float32),
    }
    if steps == 1:
        return {"reward": log.reward, **found}
    places = here[:, None] + np.arange(steps)
    inside = places <= last[:, None]
    reward = np.where(inside, log.reward[np.minimum(places, len(log) - 1)], 0).astype(np.float32)
    return {"reward": reward, **found, "steps": inside.sum(1).astype(np.float32)}


def logged_target(log: Log) -> TargetSpec:
    """The actions of a log, where no environment tells which there are: whole numbers from 0, or the range that was met."""
    if not log.of_numbers:
        if log.action.min() < 0:
            raise DataError(f"the log has action {log.action.min()}; actions are numbered from 0")
        if log.action.ndim == 2:
            return several_parts((log.action.max(0) + 1).tolist(), prefix=LOGGED)
        return TargetSpec(kind="logged-action", names=tuple(map(str, range(int(log.action.max()) + 1))))
    low, high = log.action.min(0).astype(np.float64), log.action.max(0).astype(np.float64)
    half = np.where(high > low, (high - low) / 2, 1.0)
    names = tuple(f"action {number}" for number in range(len(low)))
    return TargetSpec(
        kind="logged-control", names=names, mean=tuple(((high + low) / 2).tolist()), std=tuple(half.tolist())
    )
