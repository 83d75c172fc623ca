"""Environments that a program gives: a function or a class that makes them, or one that is made."""

import importlib
import inspect
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any, NamedTuple

import numpy as np

from sonde.acting.environments.arguments import as_written, check_taken, parted
from sonde.acting.environments.gym import DRAWN, UNDRAWN, library, reachable
from sonde.acting.environments.normalising import refuse_normalising
from sonde.acting.seeds import action_seed
from sonde.core.catalogue import require
from sonde.core.code_hash import fingerprint, name_of
from sonde.core.errors import DataError, first_line, nearest

SAME_STEPS = 16  # of an environment and its copy, that are compared


@dataclass(frozen=True)
class Named:
    """A function or class that `env:NAME` says, and the arguments that it is called with."""

    name: str
    made_by: Callable[..., Any]
    arguments: Mapping[str, Any]

    def __call__(self, **settings: Any) -> Any:
        return self.made_by(**{**self.arguments, **settings})


@dataclass(frozen=True, kw_only=True)
class OwnEnvironment:
    """How an environment of the caller's is made, again and again; it pickles by cloudpickle.

    make: takes nothing;  name: for errors;  longest: steps after which an episode is truncated, None for its own limit
    rendered: whether it draws frames when it is asked to, of a `make` that takes a render_mode
    """

    make: Callable[..., Any]
    name: str
    longest: int | None = None
    rendered: bool = False

    def drawing(self, env: Any) -> "OwnEnvironment | str":
        """What makes it so that it draws frames, as gymnasium.make does, or why there is no such. env: one that it made"""
        if DRAWN not in ((getattr(env, "metadata", None) or {}).get("render_modes") or ()):
            return UNDRAWN
        if isinstance(self.make, _OfSpec) or _takes_mode(self.make):
            return replace(self, rendered=True)
        mode = f'render_mode="{DRAWN}"'
        if isinstance(self.make, _Copies):
            return f"it was given without {mode}; give one that was made with it, or a function that makes one"
        return (
            f"it was made without {mode}, and {self.name} takes no render_mode; let it make one with {mode}, or take it"
        )

    def __call__(self) -> Any:
        """A new one. Raises: DataError for one that cannot be made, or that is none"""
        try:
            env = self.make(render_mode=DRAWN) if self.rendered else self.make()
        except DataError:
            raise
        except Exception as error:
            why = f"{type(error).__name__}: {first_line(error)}"
            raise DataError(
                f"{self.name} made no environment ({why}){_remedy(self.make)} (--debug shows where)"
            ) from error
        if is_vector(env):
            raise DataError(f"{self.name} made a {type(env).__name__}; {_SINGLE}")
        if not is_environment(env):
            raise DataError(
                f"{self.name} returned a {type(env).__name__} and no environment; give a function that makes a gymnasium.Env"
            )
        return env if self.longest is None else _limited(env, self.longest)


def _remedy(make: Callable[[], Any]) -> str:
    """Of what failed, where it was called without arguments."""
    if not isinstance(make, Named):
        return "; a call without arguments, such as lambda: MyEnv(size=5), has to make it"
    return "" if make.arguments else "; a name may have arguments, such as env:MODULE:NAME(size=5)"


NEVER = 2**62  # steps


def _limited(env: Any, longest: int) -> Any:
    """An environment whose episodes are truncated after so many steps, and by no TimeLimit of gymnasium's that it came with: that
    would cut off before, or, inside of what repeats actions, count otherwise."""
    wrappers, inner = library().wrappers, env
    while isinstance(inner, library().Wrapper):
        if isinstance(inner, wrappers.TimeLimit):
            inner._max_episode_steps = NEVER
        inner = inner.env
    return wrappers.TimeLimit(env, longest)


_SINGLE = (
    "its environments step together and reset themselves, and each episode here has a seed of its own: give a function that "
    "makes a single one, and --environments says how many stand side by side"
)


def is_environment(value: Any) -> bool:
    """Whether it steps as environments do, whatever its class."""
    return all(callable(getattr(value, name, None)) for name in ("reset", "step")) and not isinstance(value, type)


def is_vector(value: Any) -> bool:
    """Whether it is several environments of gymnasium's in one."""
    return hasattr(value, "num_envs") and hasattr(value, "single_action_space")


def is_factory(value: Any) -> bool:
    """Whether it may make environments: it can be called, and holds no data."""
    return callable(value) and not any(hasattr(value, name) for name in ("__len__", "__getitem__", "modules"))


def own(given: Any, longest: int | None) -> OwnEnvironment:
    """How what a caller gives is made again. Raises: DataError where it cannot be"""
    if is_vector(given):
        return OwnEnvironment(make=_of_vector(given), name=_called(given), longest=longest)
    if is_environment(given):
        return OwnEnvironment(make=_again(given), name=_called(getattr(given, "unwrapped", given)), longest=longest)
    return OwnEnvironment(make=given, name=_called(given), longest=longest)


def _called(given: Any) -> str:
    if isinstance(given, Named):
        return _called(given.made_by) + as_written(given.name)[1]
    name = name_of(given)
    return "the function" if name == "<lambda>" else name


def importable(given: Any) -> str:
    """ "module:name" of a function or class that another program can import, "" of all else."""
    module, name = getattr(given, "__module__", None), getattr(given, "__qualname__", "")
    if module in (None, "__main__", "__mp_main__") or "<" in name or not name:
        return ""
    try:
        found = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError):
        return ""
    return f"{module}:{name}" if found is given else ""


def named(name: str) -> Named:
    """What makes environments that is called "module:name", or "module:name(size=5)". Raises: DataError"""
    short, arguments = parted(name, f"env:{name}")
    made_by = imported(short)
    check_taken(made_by, list(arguments), f"env:{name}")
    return Named(name, made_by, arguments)


def imported(name: str) -> Any:
    """The function or class "module:name", of a module in the current folder too. Raises: DataError"""
    module, colon, path = name.partition(":")
    if not colon or not path:
        raise DataError(f"env:{name} names no function or class; write env:MODULE:NAME, such as env:my_games:Maze")
    if module.endswith(".py"):
        dotted = ".".join(PurePath(module).with_suffix("").parts)
        raise DataError(
            f"env:{name} names a file; write the module, without .py: env:{dotted}:{path}"
            if not PurePath(module).is_absolute() and ".." not in PurePath(module).parts
            else f"env:{name} names a file; write env:{PurePath(module).stem}:{path} in the folder that holds it"
        )
    with reachable(module, f"env:{name}"):
        found: Any = importlib.import_module(module)
        known = [each for each, value in vars(found).items() if callable(value) and not each.startswith("_")]
        for part in path.split("."):
            found = getattr(found, part, None)
    if not callable(found):
        near = nearest(path, known)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise DataError(f"env:{name}: {module} has no function or class {path}{hint}")
    return found


def _of_vector(given: Any) -> Callable[[], Any]:
    """What makes one of a vector's environments. Raises: DataError where that is not known"""
    refuse_normalising(given, type(given).__name__)
    vector = library().vector
    if type(given) in (vector.SyncVectorEnv, vector.AsyncVectorEnv):
        made = list(given.env_fns)
        if len({fingerprint(each) for each in made}) == 1:
            return made[0]
        raise DataError(
            f"the environments of this {type(given).__name__} are made by functions that differ; give one of them, or one that "
            "draws what differs in reset, from self.np_random"
        )
    spec = getattr(given, "spec", None)
    way = f" (it is registered as gym:{spec.id})" if spec is not None else ""
    raise DataError(f"{type(given).__name__}: {_SINGLE}{way}")


@dataclass(frozen=True)
class _Copies:
    """Copies of an environment, as it was."""

    packed: bytes = field(repr=False)

    def __call__(self) -> Any:
        return _pickle().loads(self.packed)


@dataclass(frozen=True)
class _OfSpec:
    """Environments by gymnasium's own record of how one was made."""

    spec: Any

    def __call__(self, **settings: Any) -> Any:
        return library().make(self.spec, **settings)


def _takes_mode(make: Callable[..., Any]) -> bool:
    """Whether a function or class has the parameter that gymnasium.make gives it for films."""
    try:
        known = inspect.signature(make.made_by if isinstance(make, Named) else make).parameters.get("render_mode")
    except (TypeError, ValueError):  # of what is written in C
        return False
    return known is not None and known.kind is not inspect.Parameter.POSITIONAL_ONLY


def _pickle() -> Any:
    return require("cloudpickle", extra="acting", purpose="copying environments")


def _again(env: Any) -> Callable[[], Any]:
    """How an environment that is made already is made many times: copies of it, else by its spec.

    Either may be another than the one that was given, without a word: copies of some classes are made from the arguments of
    their constructor, whatever was changed since. So a few steps of both are compared.

    Raises: DataError where neither does as the given one does
    """
    ways: list[Callable[[], Any]] = []
    why = "it cannot be copied"
    try:
        ways.append(_Copies(_pickle().dumps(env)))
    except Exception as error:  # whatever its parts raise when they are packed
        why = f"it cannot be copied ({type(error).__name__}: {first_line(error)})"
    if getattr(env, "spec", None) is not None:
        ways.append(_OfSpec(env.spec))
    expected = trace(env).answers
    if not same_traces(expected, trace(env).answers):
        expected = []  # nothing can be compared of one that does otherwise each time
    for way in ways:
        try:
            made = way()
            try:
                if not expected or same_traces(expected, trace(made).answers):
                    return way
            finally:
                made.close()
            why = "a copy of it does otherwise, so it was changed after it was made"
        except Exception as error:
            why = f"a copy of it does not run ({type(error).__name__}: {first_line(error)})"
    raise DataError(
        f"{_called(getattr(env, 'unwrapped', env))} is needed many times, and {why}; give a function that makes one, such as "
        "sonde.train(lambda: MyEnv())"
    )


class Trace(NamedTuple):
    """The start of an episode: what was answered, seconds that a step took, and the share of them that a processor worked."""

    answers: list[Any]
    seconds: float
    busy: float


def trace(env: Any, *, steps: int = SAME_STEPS, seconds: float = 1.0, seed: int = 0, acts: int = 0) -> Trace:
    """What an environment answers to the same few actions from the same seed. seed: of the episode;  acts: of the actions"""
    until, took, worked = time.perf_counter() + seconds, [], 0.0
    env.action_space.seed(action_seed(acts))
    found: list[Any] = [deepcopy(env.reset(seed=seed)[0])]
    for _ in range(steps):
        action, begun, before = env.action_space.sample(), time.perf_counter(), time.process_time()
        shown, reward, over, cut, *_ = env.step(action)
        worked += time.process_time() - before
        took.append(time.perf_counter() - begun)
        found.append((deepcopy(shown), deepcopy(reward), bool(over), bool(cut)))
        if over or cut or time.perf_counter() > until:
            break
    return Trace(found, float(np.median(took)), min(1.0, worked / sum(took)))


def same_traces(one: list[Any], other: list[Any]) -> bool:
    """Whether two traces are the same as far as both go."""

    def same(a: Any, b: Any) -> bool:
        if isinstance(a, dict):
            return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)
        if isinstance(a, tuple | list):
            return isinstance(b, tuple | list) and len(a) == len(b) and all(map(same, a, b))
        equal_nan = np.asarray(a).dtype.kind in "fc"
        return bool(np.array_equal(np.asarray(a), np.asarray(b), equal_nan=equal_nan))

    return all(same(a, b) for a, b in zip(one, other, strict=False))
