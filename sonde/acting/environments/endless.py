"""Whether episodes come to an end: by a limit of steps that an environment has, or by random actions."""

import time
from collections.abc import Mapping
from typing import Any

from sonde.acting.environments.survey import FIRST_SEED
from sonde.acting.seeds import action_seed
from sonde.core.errors import DataError
from sonde.core.units import duration

LONG, SECONDS = 10_000, 0.5  # of an episode of random actions, after which it is left
FEW = 1_000  # steps of it that say nothing yet: many an episode that ends is as long


def limit_of(env: Any) -> int | None:
    """Steps after which an episode is cut off; None where the environment says nothing of that."""
    spec = getattr(env, "spec", None)
    known = getattr(spec, "max_episode_steps", None)
    if known is None:
        known = _of_frames(getattr(spec, "kwargs", None) or {})
    while known is None and env is not None:
        known = getattr(env, "_max_episode_steps", None)  # of gymnasium's TimeLimit around a class without a record
        env = getattr(env, "env", None)
    return None if known is None else int(known)


def _of_frames(settings: Mapping[str, Any]) -> int | None:
    """Of ale-py's environments, which are cut off after so many frames.

    >>> _of_frames({"max_num_frames_per_episode": 108_000, "frameskip": 4}), _of_frames({})
    (27000, None)
    """
    frames, skip = settings.get("max_num_frames_per_episode"), settings.get("frameskip", 1)
    least = skip if isinstance(skip, int) else min(skip)  # of a number that is drawn, the lowest
    return -(-frames // max(1, least)) if isinstance(frames, int) and frames > 0 else None


def endless(env: Any) -> str:
    """What is to be said of an environment without a limit, of which an episode of random actions was not over; "" for nothing.

    env: one that is checked, which is played
    """
    if limit_of(env) is not None:
        return ""
    try:
        return _played(env)
    except DataError:  # a fault of the environment's, which inspection names, and training where it meets it
        return ""


def _played(env: Any) -> str:
    begun = time.perf_counter()
    env.reset(seed=FIRST_SEED)
    env.action_space.seed(action_seed(FIRST_SEED))
    for step in range(1, LONG + 1):
        _, _, over, cut, _ = env.step(env.action_space.sample())
        if over or cut:
            return ""
        if (took := time.perf_counter() - begun) > SECONDS or step == LONG:
            return _said(step, took) if step >= FEW else ""
    return ""


def cut_earlier(env: Any, longest: int) -> int | None:
    """After how many steps an environment truncated an episode of random actions itself, before `longest`; None where it did not
    in the time there is. env: one that is checked, which is played"""
    try:
        begun = time.perf_counter()
        env.reset(seed=FIRST_SEED)
        env.action_space.seed(action_seed(FIRST_SEED))
        for step in range(1, min(longest, LONG)):
            _, _, over, cut, _ = env.step(env.action_space.sample())
            if over or cut:
                return step if cut and not over else None
            if time.perf_counter() - begun > SECONDS:
                return None
    except DataError:  # as of `endless`
        return None
    return None


def _said(steps: int, took: float) -> str:
    return (
        f"an episode of random actions was not over after {steps:,} steps ({duration(took)}), and nothing cuts it off: an "
        f"evaluation plays episodes to their end, and training stops where one has none"
    )
