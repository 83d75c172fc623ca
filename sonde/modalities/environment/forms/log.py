"""Logged transitions as data: rows are steps, which are held back by whole episodes, or evaluated in the environment itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sonde.acting.config import EnvironmentConfig
from sonde.core.bounds import flag
from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, InputSpec, Rows, Schema, TargetSpec
from sonde.core.errors import DataError, MissingDependency
from sonde.core.progress import Tick, silent
from sonde.core.spaces import as_text, brightened, from_text
from sonde.core.units import count, number
from sonde.data.assemble import About
from sonde.data.listing import Listing
from sonde.data.rows import ArrayInputs, InputRows
from sonde.data.splits import drawn_from_train, hold_back
from sonde.modalities.arrays.forms.npz import meaning
from sonde.modalities.catalogue import check_kind
from sonde.modalities.environment import atari, gym, log_files, own
from sonde.modalities.environment.as_logged import SPACE, as_seen, said_space, space_of_actions
from sonde.modalities.environment.dark_pictures import dark_log
from sonde.modalities.environment.log import LOGGED, Log, checked, log_of, logged_target, looked_ahead
from sonde.modalities.environment.log_actions import as_target, beyond_bounds, beyond_space, read_as_numbers
from sonde.modalities.environment.log_order import out_of_order
from sonde.modalities.environment.log_scales import bounds_told, doubtful_scale
from sonde.modalities.environment.spaces import KIND
from sonde.modalities.modality import Wanted
from sonde.tasks.table import spec

AHEAD = 10
"""Steps of n-step returns, where actions are one of several. Of one step, values of a beginner in CartPole outgrew what rewards
can come to, with each copy of the target network: what a maximum over-estimates and what conservatism adds to logged actions
adds up from backup to backup, and of ten steps there are a tenth of these (`benchmarks.offline`)."""


WORLDS: Mapping[str, Callable[..., Dataset]] = {"gym": gym.read, "env": own.read, "atari": atari.read}
NAMED = "gym:NAME, env:MODULE:CLASS or atari:NAME"
"""Environments that a log may be of, by the scheme of their names."""


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a place is a log, None if it is not."""
    files = _files(listing)
    if len(files) != 1:
        return None
    names, alone = log_files.names_in(files[0]), _learns_from_logs(wanted)
    if log_files.is_log(names, alone=alone):
        return f"{files[0].name} holds observations and actions"
    if names and wanted.like is None and (why := _meant(wanted, files[0], names, alone=alone)):
        raise DataError(
            f"{files[0]} is no log, {why}: it needs observations and actions, and holds {', '.join(names[:8])}"
            f"{', …' * (len(names) > 8)}; rename them: {log_files.READ} are read (in a table observation_0, observation_1, … and "
            "action)"
        )
    return None


def _meant(wanted: Wanted, file: Path, names: Sequence[str], *, alone: bool) -> str:
    """Why a file is to be a log all the same; "" for others. alone: whether the task learns from nothing else"""
    if alone:
        return f"which {wanted.task} learns from"
    if wanted.config.of(EnvironmentConfig).environment:
        return f"which {flag('environment')} is given for"
    other = file.suffix.lower() != ".npz" or any(meaning(name)[1] for name in names)
    return "" if other or not log_files.looks_logged(names) else "as its names look like"


def _learns_from_logs(wanted: Wanted) -> bool:
    """Whether a task, or a trained model, is of logs alone."""
    kinds = spec(wanted.task).targets if wanted.task is not None else ()
    kinds = kinds if wanted.like is None else (wanted.like.target.kind,)
    return bool(kinds) and all(kind.startswith(LOGGED) for kind in kinds)


def _files(listing: Listing) -> list[Path]:
    """The file itself, or those of a folder, of which Minari has one in the folder `data`."""
    minari = listing.path / "data" / "main_data.hdf5"
    return [minari] if not listing.is_file and minari.exists() else listing.ending(*log_files.ENDINGS)


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """The steps of a log. Raises: DataError for what is missing or does not fit; MissingDependency"""
    tick("reading transitions", 0, 0)
    (path,) = _files(listing)
    check_kind(KIND, str(path), like)
    if like is not None and not like.target.kind.startswith(LOGGED):
        played = "game:NAME" if like.target.kind == "move" else NAMED
        raise DataError(
            f"{path} is a log, which tells nothing of what the run's own actions return, and it learned by acting: leave the "
            f"data out, or give what it is played in ({played})"
        )
    learns_returns = like is None and task is not None and spec(task).learns_returns
    found = checked(log_files.arrays_of(path), str(path), rewarded=learns_returns)
    settings = config.of(EnvironmentConfig)
    if task is not None and spec(task).experience:
        raise DataError(
            f"{path} is a log, and {task} learns by acting; give it an environment (gym:NAME), or --task cloning"
        )
    form = f"log of transitions ({path.suffix[1:].upper()})"
    about = About.at(listing, form=form, why=path.name, files=[path])
    if like is not None:
        log, warnings = _as_of(found, like, str(path), bounded=bool(like.input.extra))
        return about.dataset(like, {"test": _rows(log, like.target, path.name)}, facts=_facts(log), warnings=warnings)
    name = settings.environment or str(found.get("environment", ""))
    world, warning = _world(name, config, tick, typed=bool(settings.environment))
    if world is None:
        _refuse_unused(settings)
        log, schema, warnings = _by_itself(found, str(path))
        _check_learned(task, schema, str(path))
        steps = _ahead(settings, log, task, str(path))
        warnings = [warning, *warnings] if warning else warnings
        return _held_back(about, (log, steps), schema, config, path.name, warnings)
    target = replace(world.schema.target, kind=LOGGED + world.schema.target.kind)
    schema = Schema(input=replace(world.schema.input, extra=name), target=target)
    _check_learned(task, schema, str(path))
    log, warnings = _as_of(found, schema, str(path), bounded=True)
    logged = log, _ahead(settings, log, task, str(path))
    return _evaluated_in(
        about, logged, schema, replace(world, warnings=[*world.warnings, *warnings]), config, path.name
    )


def _check_learned(task: str | None, schema: Schema, place: str) -> None:
    """Raises: DataError for actions of several parts, and a task that learns them from no log"""
    kind, sizes = schema.target.kind, schema.target.shape
    if task is not None and kind == f"{LOGGED}actions" and kind not in spec(task).targets:
        raise DataError(
            f"{place}: actions are of several parts, which {task} does not learn; give --task cloning, or log the number of the "
            f"combination, of which there are {' x '.join(map(str, sizes))}, and take an environment that takes it"
        )


def _as_of(found: Mapping[str, Any], schema: Schema, place: str, *, bounded: bool) -> tuple[Log, list[str]]:
    """A log as a schema has it, and warnings. bounded: whether actions have bounds of their own, and not those that were met"""
    space = from_text(schema.input.space)[0]
    log = log_of(as_seen(found, space, schema.input.shape, place), place, target=schema.target)
    log = _fitting(log, schema.input, schema.target, place)
    order = out_of_order(log, told="next_observations" in found)
    if not bounded:
        return log, [*order, *dark_log(log.observation)]
    acted = beyond_bounds(log.action, schema.target) or doubtful_scale(log.action, schema.target, known=True)
    beyond = [*beyond_space(log.observation, space), *acted]
    return log, [*order, *beyond, *dark_log(log.observation)]


def _by_itself(found: Mapping[str, Any], place: str) -> tuple[Log, Schema, list[str]]:
    """A log of which no environment is known, what it says of itself, and warnings."""
    space = said_space(found)
    log = _channels_first(log_of(as_seen(found, space, () if space is None else (space.size,), place), place))
    input, target = _input(log), logged_target(log)
    if space is not None:
        input = replace(input, space=as_text(observation=space, action=space_of_actions(target)))
    warnings = out_of_order(log, told="next_observations" in found)
    warnings += [*read_as_numbers(found, told=SPACE in found), *dark_log(log.observation)]
    warnings += doubtful_scale(log.action, target, known=False)
    return log, Schema(input=input, target=target), warnings


def _world(name: str, config: DataConfig, tick: Tick, *, typed: bool) -> tuple[Dataset | None, str]:
    """The episodes of the environment that a log is of, and a warning. Raises: DataError for one that was asked for"""
    if name in ("", "none"):
        return None, ""
    scheme, _, rest = name.partition(":")
    opens = WORLDS.get(scheme)
    if opens is None:
        if typed:
            raise DataError(f"--environment {name}: give {NAMED}, or none for held-out episodes")
        return (
            None,
            f"the log is of {name}, which is not known; held-out episodes are evaluated, or give --environment, as {NAMED}",
        )
    try:
        settings = replace(config.of(EnvironmentConfig), environment="", log_steps=None, environments=1)
        given = tuple(settings if isinstance(each, EnvironmentConfig) else each for each in config.given)
        return opens(rest, replace(config, given=given), task=None, tick=tick, like=None), ""
    except (DataError, MissingDependency) as error:
        if typed:
            raise
        return None, f"the log is of {name}, which cannot be made here, so held-out episodes are evaluated: {error}"


def _evaluated_in(
    about: About, logged: tuple[Log, int], schema: Schema, world: Dataset, config: DataConfig, place: str
) -> Dataset:
    name = schema.input.extra
    for setting in ("validation", "test", "label_fraction", "overfit_batches", "folds"):
        if getattr(config, setting) != getattr(DataConfig(), setting):
            raise DataError(
                f"{flag(setting)} is for held-out rows, and {name} is evaluated in; leave it out, or give --environment none"
            )
    held = {split: rows for split, rows in world.splits.items() if split != "train"}
    where = Fact(f"evaluated in {name}, in episodes of its own", "the log's environment, or --environment")
    return about.dataset(
        schema,
        {"train": _rows(logged[0], schema.target, place, logged[1]), **held},
        facts=[*_facts(*logged), *bounds_told(logged[0].action, schema.target, known=True), where, *world.facts],
        warnings=world.warnings,
        findings=world.findings,
        goals=world.goals,
        references=_returned(logged[0]),
    )


def _returned(log: Log) -> dict[str, dict[str, Any]]:
    """What the log's own episodes returned, without a last one that breaks off."""
    returns = log.returns[: len(log.returns) - (not log.ended)]
    if not log.rewarded or not len(returns):
        return {}
    found = {"value": float(returns.mean()), "std": float(returns.std()), "count": len(returns)}
    return {"return": {"what": "the log's own episodes", **found}}


def _held_back(
    about: About, logged: tuple[Log, int], schema: Schema, config: DataConfig, place: str, warnings: Sequence[str]
) -> Dataset:
    log, steps = logged
    whole = _rows(log, schema.target, place, steps)
    called = f"{about.source} has {len(log):,} steps of {log.episode[-1] + 1:,} episodes"
    if log.episode[-1] < 2 and config.validation > 0:
        raise DataError(
            f"{called}, too few to hold some back; add more, or give --environment, as {NAMED}, to evaluate in"
        )
    indices, facts = hold_back(len(log), ("train",), config, called=called, groups=log.episode)
    return about.dataset(
        schema,
        drawn_from_train({"train": whole}, indices),
        facts=[
            *_facts(log, steps),
            *bounds_told(log.action, schema.target, known=False),
            *facts,
            Fact("held-out episodes are evaluated", "no environment is known to act in"),
        ],
        warnings=warnings,
    )


def _refuse_unused(settings: EnvironmentConfig) -> None:
    for name in ("environments", "episodes", "test_episodes", "max_episode_steps"):
        if getattr(settings, name) != getattr(EnvironmentConfig(), name):
            raise DataError(
                f"{flag(name)} is for an environment to evaluate in; name one by --environment, such as gym:NAME, or leave it out"
            )


def _input(log: Log) -> InputSpec:
    shape = log.observation.shape[1:]
    if log.observation.dtype == np.uint8:
        return InputSpec(kind=KIND, shape=shape, mean=(0.0,) * shape[0], std=(1.0,) * shape[0])
    return InputSpec(kind=KIND, shape=shape)


def _channels_first(log: Log, shape: tuple[int, ...] | None = None) -> Log:
    """The log with the channels of its pictures first. shape: that they then have; None where they are last if they are fewest"""
    shown = log.observation.shape[1:]
    if len(shown) != 3 or log.observation.dtype != np.uint8 and shape is None:
        return log
    if shown[2] >= shown[0] if shape is None else (shown[2], *shown[:2]) != shape:
        return log
    observation, following = (
        np.ascontiguousarray(np.moveaxis(each, -1, 1)) for each in (log.observation, log.following)
    )
    return replace(log, observation=observation, following=following)


def _fitting(log: Log, input: InputSpec, target: TargetSpec, place: str) -> Log:
    """The log with pixels as the environment's are encoded, and actions from 0. Raises: DataError where it is of another"""
    if (shape := log.observation.shape[1:]) != input.shape:
        log = _channels_first(log, input.shape)
        shape = log.observation.shape[1:]
    if input.std and input.scale:
        observation, following = (brightened(each, input.scale) for each in (log.observation, log.following))
        log = replace(log, observation=observation, following=following)
    if shape != input.shape:
        raise DataError(
            f"{place} has observations of shape {shape}, and {input.shape} is needed; take the log of another"
        )
    return replace(log, action=as_target(log.action, target, place))


def _rows(log: Log, target: TargetSpec, place: str, steps: int = 0) -> Rows:
    """Rows of `input` and `target`, the action, numbers within their bounds as -1 to 1; and what came of it."""
    action = log.action
    if log.of_numbers:
        action = ((action - np.asarray(target.mean)) / np.asarray(target.std)).astype(np.float32)
    fields: dict[str, np.ndarray] = {"target": action, **looked_ahead(log, max(steps, 1))}
    if not log.rewarded:
        del fields["reward"]  # rather than 0, which a task would learn from
    return InputRows(ArrayInputs(log.observation, place), fields)


def _ahead(settings: EnvironmentConfig, log: Log, task: str | None, place: str) -> int:
    """Steps of n-step returns, 0 where no value is learned. Raises: DataError for a number of them there"""
    if task is not None and spec(task).learns_returns:
        return settings.log_steps or (1 if log.of_numbers else AHEAD)
    if settings.log_steps is not None:
        raise DataError(
            f"{place}: --log-steps is for values that are learned from a log; give --task cql, or leave it out"
        )
    return 0


def _facts(log: Log, steps: int = 0) -> list[Fact]:
    """steps: as of `_ahead`"""
    returns = log.returns
    episodes = Fact(f"{count(len(log))} steps of {count(len(returns))} episodes", "terminated, truncated and episodes")
    spread = f"mean return {returns.mean():.4g}, from {returns.min():.4g} to {returns.max():.4g}"
    found = [
        episodes,
        Fact(spread, "rewards") if log.rewarded else Fact("no rewards, and none are needed", "its columns"),
    ]
    if steps > 1:
        found.append(Fact(f"values are learned from the rewards of {steps} steps", "--log-steps, 10 by default"))
    if steps:
        found += _unit(log.reward[log.reward != 0])
    if not log.known.all():
        lost = int((~log.known).sum())
        found.append(
            Fact(f"what followed {count(lost)} of them is not known", "no next_observations or final_observations")
        )
    return found


def _unit(paid: np.ndarray) -> list[Fact]:
    """What rewards are divided by, where that is not 1. paid: those that are not 0"""
    size = number(float(np.sqrt(np.square(paid, dtype=np.float64).mean()))) if len(paid) else "1.00"
    why = "their root mean square without those of 0, so that --conservative means the same whatever they count in"
    return [] if size == "1.00" else [Fact(f"values are learned from rewards divided by about {size}", why)]
