"""Environments of gymnasium, by name: `gym:CartPole-v1`, `gym:my_module:MyEnv-v0`, `gym:FrozenLake-v1(is_slippery=False)`."""

import importlib
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sonde.acting.environments import mujoco
from sonde.acting.environments.arguments import as_written, check_taken, joined, parted
from sonde.acting.self_play.games.open_spiel import named_so
from sonde.core.catalogue import require
from sonde.core.errors import DataError, MissingDependency, first_line, nearest

DRAWN = "rgb_array"  # the render_mode of films
UNDRAWN = f'it draws no frames ("{DRAWN}" is not among the render_modes of its metadata)'


@dataclass(frozen=True, kw_only=True)
class GymEnvironment:
    """How one environment is made, again and again; it pickles.

    name: as gymnasium takes it, with arguments or without
    longest: steps after which an episode is truncated, None for the environment's own limit
    rendered: whether it draws frames when it is asked to
    """

    name: str
    longest: int | None = None
    rendered: bool = False

    def __call__(self) -> Any:
        """A new one. Raises: DataError for one that cannot be made, MissingDependency"""
        gymnasium, source = library(), f"gym:{self.name}"
        name, arguments = parted(self.name, source)
        place = str(getattr(gymnasium.registry.get(name), "entry_point", ""))  # its module and class
        _require(name, place)
        quiet = mujoco.without_warnings() if place.startswith(mujoco.PLACE) else nullcontext()
        try:
            module = name.rpartition(":")[0]  # which registers it
            registering = reachable(module, source) if module else nullcontext()
            with warnings.catch_warnings(), registering, quiet:
                warnings.simplefilter("ignore")  # of deprecated versions: `about` says so
                _check(name, arguments, source)
                return gymnasium.make(
                    name,
                    max_episode_steps=self.longest,
                    disable_env_checker=True,
                    **({"render_mode": DRAWN} if self.rendered else {}),  # which not every environment takes
                    **arguments,
                )
        except gymnasium.error.Error as error:
            raise DataError(f"{source}: {_why(self.name, error)}") from None
        except ModuleNotFoundError as error:
            raise DataError(f"{source} cannot be made: {first_line(error)}; install it") from None
        except DataError:
            raise
        except Exception as error:  # what a constructor raises of values that it does not take
            if not arguments:
                raise
            why = first_line(error).partition(" was raised from the environment creator")[0]
            raise DataError(f"{source} cannot be made: {type(error).__name__}: {why}") from error


OWN_WAY = {
    "max_episode_steps": "--max-episode-steps cuts episodes off; leave it out here",
    "render_mode": "films are drawn without it; leave it out",
}
"""Arguments of `gymnasium.make` that are Sonde's to give."""


def _check(name: str, arguments: Mapping[str, Any], source: str) -> None:
    """Raises: DataError for arguments that an environment does not take, or that are no business of a name"""
    for key in arguments:
        if key in OWN_WAY:
            raise DataError(f"{source}: {OWN_WAY[key]}")
    if arguments:
        from gymnasium.envs.registration import load_env_creator

        made_by: Any = library().spec(name).entry_point
        made_by = load_env_creator(made_by) if isinstance(made_by, str) else made_by
        check_taken(made_by, list(arguments), source, hidden=list(OWN_WAY))


def recorded(spec: Mapping[str, Any]) -> str:
    """The name, with the arguments that are not its usual ones, of gymnasium's own record of an environment; "" without an id.

    spec: as `EnvSpec.to_json` writes it
    """
    name = str(spec.get("id") or "")
    try:
        known = library().registry.get(name)
    except MissingDependency:  # and then nothing is made of it either
        known = None
    usual = {} if known is None else known.kwargs
    given = {key: value for key, value in (spec.get("kwargs") or {}).items() if key not in OWN_WAY}
    return joined(name, {key: value for key, value in given.items() if key not in usual or usual[key] != value})


def _require(name: str, place: str) -> None:
    """What gymnasium's own environments import besides it. Raises: MissingDependency, with what to install"""
    for where, packages, extra in (
        (mujoco.PLACE, mujoco.NEEDED, "mujoco"),
        ("gymnasium.envs.box2d", ("Box2D",), "box2d"),
    ):
        for package in packages if place.startswith(where) else ():
            require(package, extra=extra, purpose=f"gym:{name}")


def library() -> Any:
    """gymnasium. Raises: MissingDependency"""
    return require("gymnasium", extra="acting", purpose="making environments")


@contextmanager
def reachable(module: str, source: str) -> Iterator[None]:
    """With a module imported, of the current folder too: a script's own path has that not. source: for errors

    It is searched last, and for the body alone: an entry point may be text that names the module again.
    Raises: DataError for a module that is not there, or does not run
    """
    folder = str(Path.cwd())
    sys.path.append(folder)
    try:
        _import(module, source, folder)
        yield
    finally:
        sys.path.reverse()  # the last of equal entries is the one that was added
        sys.path.remove(folder)
        sys.path.reverse()


def _import(module: str, source: str, folder: str) -> None:
    """Raises: DataError, of one line"""
    importlib.invalidate_caches()  # of a file that was just written
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module}.".startswith(f"{error.name}."):
            file = error.name.replace(".", "/")
            why = f"no module {error.name} is installed, and {folder} holds no {file}.py; run it from the folder of that file"
        else:
            why = f"{module} needs {error.name}, which is not installed; install it"
        raise DataError(f"{source}: {why}") from None
    except Exception as error:  # any fault of the user's code, which --debug shows whole
        raise DataError(f"{source}: {module} does not run: {type(error).__name__}: {first_line(error)}") from error


def _why(name: str, error: Exception) -> str:
    """What is wrong with a name, and which are near."""
    from gymnasium.envs.registration import registry

    short, arguments = as_written(name)
    if short not in registry and (found := named_so(name)):
        return f"no such environment; did you mean {found[0]}?"
    near = nearest(short, registry)
    if near and not isinstance(error, library().error.DependencyNotInstalled):
        return f"no such environment; did you mean {' or '.join(f'gym:{one}{arguments}' for one in near)}?"
    return first_line(error)
