"""Reading `gym:NAME`: what an environment shows and takes, and what is known of it before anything is learned."""

import numpy as np

from sonde.acting.config import EnvironmentConfig
from sonde.acting.gym import GymEnvironment, library
from sonde.acting.seeds import LIMIT, SeedRows
from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, Schema, TargetSpec
from sonde.core.errors import DataError
from sonde.core.progress import Tick
from sonde.modalities.environment.spaces import actions, observations

TRAIN = LIMIT - 10_000_000  # seeds of training


def read(name: str, config: DataConfig, *, task: str | None, tick: Tick, like: Schema | None) -> Dataset:
    """The episodes of an environment. name: as gymnasium takes it. Raises: DataError, MissingDependency"""
    settings = config.of(EnvironmentConfig)
    make = GymEnvironment(name=name, longest=settings.max_episode_steps)
    env = make()
    seen = observations(env.observation_space, f"gym:{name}")
    target = actions(env.action_space, f"gym:{name}")
    _check_first(env, name, seen.spec.shape, seen.encode)
    facts = [_observations(seen.spec.shape), _actions(target), *_limits(env)]
    env.close()
    numbers = {"train": TRAIN, "validation": settings.episodes, "test": settings.test_episodes}
    splits = {
        split: SeedRows(make=make, encode=seen.encode, split=split, number=number) for split, number in numbers.items()
    }
    return Dataset(
        name=name.rpartition(":")[2].rpartition("/")[2].lower(),
        source=f"gym:{name}",
        form="gymnasium environment",
        schema=Schema(input=seen.spec, target=target),
        splits=splits,
        facts=facts,
        fingerprint={"gymnasium": library().__version__, name: "environment"},
    )


def _check_first(env: object, name: str, shape: tuple[int, ...], encode: object) -> None:
    """Raises: DataError where the first observation is not what the space says"""
    first = encode(env.reset(seed=0)[0])  # type: ignore[operator, attr-defined]
    if first.shape != shape:
        raise DataError(f"gym:{name} shows {first.shape}, and its observation_space says {shape}; mend one of them")
    if np.issubdtype(first.dtype, np.floating) and not np.isfinite(first).all():
        raise DataError(f"gym:{name} shows numbers that are not finite in its first observation; mend the environment")


def _observations(shape: tuple[int, ...]) -> Fact:
    sizes = "x".join(map(str, shape))
    what = f"observations of {sizes} pixels" if len(shape) == 3 else f"observations of {sizes} numbers"
    return Fact(what, "observation_space")


def _actions(target: TargetSpec) -> Fact:
    if target.kind == "action":
        return Fact(f"{len(target.names)} actions", "action_space is Discrete")
    low = [mean - std for mean, std in zip(target.mean, target.std, strict=True)]
    high = [mean + std for mean, std in zip(target.mean, target.std, strict=True)]
    return Fact(f"actions of {len(low)} numbers from {min(low):g} to {max(high):g}", "action_space is a Box")


def _limits(env: object) -> list[Fact]:
    known = getattr(env, "spec", None)
    found = []
    if known is not None and known.max_episode_steps:
        found.append(Fact(f"an episode is cut off after {known.max_episode_steps:,} steps", "max_episode_steps"))
    if known is not None and known.reward_threshold is not None:
        found.append(Fact(f"solved at a mean return of {known.reward_threshold:g}", "its reward_threshold"))
    return found
