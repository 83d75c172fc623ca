"""Which settings change what an environment of gymnasium's shows, and those that only Atari has."""

import json
from collections.abc import Callable
from typing import Any

from sonde.acting.config import OF_ATARI, EnvironmentConfig
from sonde.acting.environments.pictures import Pictures
from sonde.core.bounds import flag
from sonde.core.dataset import Fact, InputSpec
from sonde.core.errors import ConfigError
from sonde.core.spaces import Space
from sonde.modalities.environment.spaces import scale_of

SAVED = ("skip", "size", "grey", "stack")


def pictured(make: Callable[[], Any], settings: EnvironmentConfig, name: str) -> Pictures | None:
    """How the environment is made where settings change its pictures, else None.

    Raises: ConfigError for a setting of Atari's, or one that changes nothing
    """
    for each in OF_ATARI:
        if getattr(settings, each) != getattr(EnvironmentConfig(), each):
            raise ConfigError(f"{flag(each)} is of Atari games, and {name} is none; leave it out")
    found = Pictures(
        make=make,
        name=name,
        skip=settings.frame_skip or 1,
        size=settings.frame_size or 0,
        grey=settings.frame_colors == "grey",
        stack=settings.frame_stack or 1,
    )
    return None if found == Pictures(make=make, name=name) else found


def seen_in(pictures: Pictures, shown: Space, kind: str, like: InputSpec | None) -> InputSpec:
    """What networks see, and what was done to it. like: what a trained model saw"""
    saved, shape = json.dumps({"pictures": {name: getattr(pictures, name) for name in SAVED}}), shown.shape
    planes, scale = shape[0], scale_of(shown, like)
    return InputSpec(kind=kind, shape=shape, mean=(0.0,) * planes, std=(1.0,) * planes, scale=scale, extra=saved)


def facts_of(settings: EnvironmentConfig) -> list[Fact]:
    """What is done before anything is seen or learned from."""
    found = []
    if (settings.frame_stack or 1) > 1:
        found.append(Fact(f"an observation is the latest {settings.frame_stack} pictures", "--frame-stack"))
    if (settings.frame_skip or 1) > 1:
        found.append(Fact(f"an action lasts {settings.frame_skip} steps of the environment", "--frame-skip"))
    if settings.reward_clip == "sign":
        found.append(Fact("learned from the sign of rewards; returns are the real ones", "--reward-clip"))
    return found
