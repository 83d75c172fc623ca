"""Reading environments of a program's own: `env:MODULE:NAME`, `env:MODULE:NAME(size=5)`, and what a program hands over."""

from typing import Any

from sonde.acting.config import EnvironmentConfig
from sonde.acting.environments import own
from sonde.acting.environments.arguments import as_written
from sonde.acting.environments.gym import library
from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Schema
from sonde.core.progress import Tick
from sonde.modalities.environment.gym import About, described, refuse_of_logs


def read(name: str, config: DataConfig, *, task: str | None, tick: Tick, like: Schema | None) -> Dataset:
    """The episodes of what a function or class "module:name" makes, given arguments. Raises: DataError, MissingDependency"""
    refuse_of_logs(task, f"env:{name}", like)
    return _read(own.named(name), f"env:{name}", config, like)


def given(data: Any, config: DataConfig, *, task: str | None, tick: Tick, like: Schema | None) -> Dataset | None:
    """The episodes of an environment, or of what makes one; None of an object that is neither.

    What another program can import is called by its name, so that `sonde resume` and `sonde eval` find it again.
    Raises: DataError, MissingDependency
    """
    if not (own.is_environment(data) or own.is_vector(data) or own.is_factory(data)):
        return None
    place = own.importable(data)
    refuse_of_logs(task, f"env:{place}" if place else "an environment", like)
    return _read(data, f"env:{place}" if place else "", config, like)


def _read(data: Any, source: str, config: DataConfig, like: Schema | None) -> Dataset:
    settings = config.of(EnvironmentConfig)
    make = own.own(data, settings.max_episode_steps)
    short = as_written(make.name)[0]
    about = About(
        name=short.rpartition(".")[2].lower() if short.isidentifier() else "environment",
        called=make.name,
        source=source or f"environments in memory ({make.name})",
        form="environment of your own",
        fingerprint={"gymnasium": library().__version__, make.name: "environment"},
    )
    return described(make, about, settings, like)
