"""Reading `gym:NAME`: what an environment shows and takes, and what is known of it before anything is learned."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from sonde.acting.config import EnvironmentConfig, refuse_of_games
from sonde.acting.environments.arguments import as_written
from sonde.acting.environments.gym import DRAWN, UNDRAWN, GymEnvironment, library
from sonde.acting.environments.making import Making, as_shown
from sonde.acting.environments.normalising import refuse_normalising
from sonde.acting.environments.own import SAME_STEPS, OwnEnvironment, trace
from sonde.acting.environments.pictures import Pictures
from sonde.acting.environments.reproducing import STEPS
from sonde.acting.environments.spaces import space_of
from sonde.acting.room import observation_bytes
from sonde.acting.seeds import LIMIT, SeedRows
from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, InputSpec, Schema, TargetSpec
from sonde.core.errors import DataError
from sonde.core.memory import free_bytes
from sonde.core.progress import Tick
from sonde.core.spaces import Space, as_text, encoder, from_text, shown_shape
from sonde.core.units import size
from sonde.modalities.environment.inspection import first_look, irreproducible, without_end
from sonde.modalities.environment.log import LOGGED
from sonde.modalities.environment.many_choices import many_choices
from sonde.modalities.environment.pictures import facts_of, pictured, seen_in
from sonde.modalities.environment.spaces import (
    KIND,
    Observations,
    actions,
    observations,
    taken_in_words,
    unbounded,
    within,
)
from sonde.modalities.environment.unread_pictures import unread_pictures
from sonde.tasks.table import spec

LOOKED_AT = 2 * SAME_STEPS  # observations by which it is seen whether an episode can be played again
KEPT_BYTES = 2**26  # of observations, from which on fewer of them are compared
TRAIN = LIMIT - 10_000_000  # seeds of training


class About(NamedTuple):
    """What an environment is called: in names of run folders, in errors and in config.yaml; and by what it is known again."""

    name: str
    called: str
    source: str
    form: str
    fingerprint: Mapping[str, str]


def read(name: str, config: DataConfig, *, task: str | None, tick: Tick, like: Schema | None) -> Dataset:
    """The episodes of an environment. name: of gymnasium, and arguments. Raises: DataError, MissingDependency"""
    refuse_of_logs(task, f"gym:{name}", like)
    make = GymEnvironment(name=name, longest=config.of(EnvironmentConfig).max_episode_steps)
    about = About(
        name=as_written(name)[0].rpartition(":")[2].rpartition("/")[2].lower(),
        called=f"gym:{name}",
        source=f"gym:{name}",
        form="gymnasium environment",
        fingerprint={"gymnasium": library().__version__, name: "environment"},
    )
    return described(make, about, config.of(EnvironmentConfig), like)


def refuse_of_logs(task: str | None, called: str, like: Schema | None) -> None:
    """Raises: DataError for a task that learns from what others did, where an environment is given; ConfigError for none"""
    if task is not None and like is None and any(kind.startswith(LOGGED) for kind in spec(task).targets):
        raise DataError(
            f"task {task} learns from a log of what others did, and {called} is acted in; sonde eval --log writes one"
        )


def described(make: Callable[[], Any], about: About, settings: EnvironmentConfig, like: Schema | None) -> Dataset:
    """The episodes of an environment, of which one is made to look at.

    Raises: DataError, also for one that a model of another was not trained for
    """
    called = about.called
    if settings.environment and like is None:
        raise DataError(f"--environment is for logs, and {called} is an environment itself; leave it out")
    if settings.log_steps is not None and like is None:
        raise DataError(f"--log-steps is for logs, and {called} is an environment; --return-steps is for what acts")
    refuse_of_games(settings, called)
    pictures = pictured(make, settings, called)
    make = pictures or make
    env = make()
    refuse_normalising(env, called)
    for space in ("observation_space", "action_space"):
        if getattr(env, space, None) is None:
            raise DataError(f"{called} has no {space}; give it one of gymnasium.spaces")
    known = None if like is None else like.input
    seen, target = observations(env.observation_space, called, known), actions(env.action_space, called)
    shown = space_of(env.observation_space)
    if pictures is not None:
        spec = seen_in(pictures, shown, KIND, known)
        seen = Observations(spec, encoder(shown, spec.shape, pixels=True, times=spec.scale))
    _check_room(seen.spec, called)
    space = as_text(observation=shown, action=space_of(env.action_space))
    check_like(replace(seen.spec, space=space), target, like, called)
    checked = Making(
        make=make,
        encode=seen.encode,
        shape=seen.spec.shape,
        dtype="uint8" if seen.spec.std else "float32",
        name=called,
        timeout=settings.environment_timeout,
        longest=settings.max_episode_steps,
    )
    start = trace(checked.of(env))
    rendered = _rendered(make, env)
    look = first_look(env, seen.encode, called)
    findings = [*look.lies, *without_end(checked.of(env), called, settings.max_episode_steps)]
    findings += [*irreproducible(env, make, called, _steps_again(seen.spec)), *unread_pictures(shown)]
    findings += many_choices(shown, space_of(env.action_space))
    facts, goals = (
        [_observations(shown, seen.spec), _actions(target), *_limits(env), *facts_of(settings)],
        _goals(env),
    )
    env.close()
    numbers = {"train": TRAIN, "validation": settings.episodes, "test": settings.test_episodes}
    return Dataset(
        name=about.name,
        source=about.source,
        form=about.form,
        schema=Schema(input=replace(seen.spec, space=space), target=target),
        splits={
            split: SeedRows(
                make=checked,
                encode=as_shown,
                split=split,
                number=number,
                rendered=None if isinstance(rendered, str) else rendered,
                undrawn=rendered if isinstance(rendered, str) else "",
                step=(start.seconds, start.busy),
                frames=settings.frame_stack or 1,
                clipped=settings.reward_clip == "sign",
            )
            for split, number in numbers.items()
        },
        facts=facts,
        warnings=unbounded(env.action_space),
        findings=findings,
        unless={"scale_observations": look.unscaled},
        fingerprint=dict(about.fingerprint),
        goals=goals,
    )


def _check_room(seen: InputSpec, called: str) -> None:
    """Raises: DataError for observations of which memory does not hold those that an environment is looked at by"""
    each, free = observation_bytes(seen.shape, "uint8" if seen.std else "float32"), free_bytes()
    if LOOKED_AT * each > free:
        sizes = "x".join(map(str, seen.shape))
        raise DataError(
            f"{called} shows observations of {sizes} numbers, {size(each)} each, and {size(free)} of memory are free, too little "
            f"for the {LOOKED_AT} that it is looked at by; wrap it so that it shows less"
        )


def _rendered(make: Callable[[], Any], env: Any) -> Callable[[], Any] | str:
    """What makes the environment so that it draws frames, or why there is no such."""
    if getattr(env, "render_mode", None) == DRAWN:
        return make
    if isinstance(make, Pictures):
        inner = _rendered(make.make, env)
        return inner if isinstance(inner, str) else replace(make, make=inner)
    if isinstance(make, OwnEnvironment):
        return make.drawing(env)
    if isinstance(make, GymEnvironment) and DRAWN in ((env.metadata or {}).get("render_modes") or ()):
        return replace(make, rendered=True)
    return UNDRAWN


def check_like(seen: InputSpec, target: TargetSpec, like: Schema | None, called: str) -> None:
    """Raises: DataError where a model was trained for other observations or actions"""
    if like is None:
        return
    if seen.shape != like.input.shape:
        mine, other = (shown_shape(from_text(each.space)[0], each.shape) for each in (seen, like.input))
        raise DataError(f"{called} shows {mine}, and the model was trained on {other}; take another")
    known = replace(like.target, kind=like.target.kind.removeprefix(LOGGED))
    if (target.kind, target.names, target.shape) != (known.kind, known.names, known.shape):
        raise DataError(
            f"{called} takes {taken_in_words(target)}, and the model was trained for {taken_in_words(known)}; take another"
        )
    if target.kind == "control" and not within(known, target):
        raise DataError(
            f"{called} takes {taken_in_words(target)}, and the model sends {taken_in_words(known)}; take one whose bounds "
            "hold these"
        )


def _steps_again(seen: InputSpec) -> int:
    """Of an episode that is played again: fewer where observations are large, since those of all steps are kept meanwhile."""
    each = observation_bytes(seen.shape, "uint8" if seen.std else "float32")
    return min(STEPS, max(SAME_STEPS, KEPT_BYTES // each))


def _observations(space: Space, seen: InputSpec) -> Fact:
    """seen: as networks see them"""
    sizes = "x".join(map(str, shown_shape(space, seen.shape)))
    what = f"observations of {sizes} pixels" if len(seen.shape) == 3 else f"observations of {sizes} numbers"
    if seen.scale:
        what += f", from 0 to {max(high for high in space.high if high is not None):g}, times {seen.scale:g}"
    if space.kind == "choice":
        what = f"observations are {space.words}"
    elif space.kind not in ("box", "other"):
        what = f"observations of {space.words}; a row of {sizes} numbers"
    return Fact(what, "observation_space")


def _actions(target: TargetSpec) -> Fact:
    space = {"action": "is Discrete", "actions": "has parts"}.get(target.kind, "is a Box")
    return Fact(taken_in_words(target), f"action_space {space}")


def _limits(env: object) -> list[Fact]:
    known = getattr(env, "spec", None)
    found = []
    if known is not None and known.max_episode_steps:
        found.append(Fact(f"an episode is cut off after {known.max_episode_steps:,} steps", "max_episode_steps"))
    if known is not None and known.reward_threshold is not None:
        found.append(Fact(f"solved at a mean return of {known.reward_threshold:g}", "its reward_threshold"))
    return found


def _goals(env: object) -> dict[str, float]:
    """The mean return at which the environment counts as solved, where it says so."""
    threshold = getattr(getattr(env, "spec", None), "reward_threshold", None)
    return {} if threshold is None else {"return": float(threshold)}
