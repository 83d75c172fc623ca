"""Environments of gymnasium, by name: `gym:CartPole-v1`, `gym:my_module:MyEnv-v0`."""

import warnings
from dataclasses import dataclass
from typing import Any

from sonde.core.catalogue import require
from sonde.core.errors import DataError, first_line, nearest


@dataclass(frozen=True, kw_only=True)
class GymEnvironment:
    """How one environment is made, again and again; it pickles.

    name: as gymnasium takes it;  longest: steps after which an episode is truncated, None for the environment's own limit
    """

    name: str
    longest: int | None = None

    def __call__(self) -> Any:
        """A new one. Raises: DataError for one that cannot be made, MissingDependency"""
        gymnasium = library()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of deprecated versions: `about` says so
                return gymnasium.make(self.name, max_episode_steps=self.longest, disable_env_checker=True)
        except gymnasium.error.Error as error:
            raise DataError(f"gym:{self.name}: {_why(self.name, error)}") from None
        except ModuleNotFoundError as error:
            raise DataError(f"gym:{self.name} cannot be made: {first_line(error)}; install it") from None


def library() -> Any:
    """gymnasium. Raises: MissingDependency"""
    return require("gymnasium", extra="acting", purpose="making environments")


def _why(name: str, error: Exception) -> str:
    """What is wrong with a name, and which are near."""
    from gymnasium.envs.registration import registry

    near = nearest(name, registry)
    if near and not isinstance(error, library().error.DependencyNotInstalled):
        return f"no such environment; did you mean {' or '.join(f'gym:{one}' for one in near)}?"
    return first_line(error)
