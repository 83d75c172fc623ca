"""From the arguments of `sonde train` to overrides: general settings first, those of the model and the task in a second pass."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from sonde.cli.parse import Given, Line, as_words, convert, flags_of, refuse_unknown, split_line, take_data
from sonde.cli.values import Flags, from_file
from sonde.core.bounds import flag
from sonde.core.called_elsewhere import called_here
from sonde.core.config import PlaceConfig
from sonde.core.config_file import SavedConfig, read_config
from sonde.core.errors import ConfigError
from sonde.core.overrides import Overrides
from sonde.modalities.settings import built, groups, refuse_clash

LENGTHS = frozenset(
    {"epochs", "steps", "environment_steps", "time_limit"}
)  # to say one on the line takes back the file's others


@dataclass(frozen=True, kw_only=True)
class WhatOptions:
    """What is trained, and from which settings."""

    model: str | None = None
    """A name from `sonde models`, or file.py:Net for your own network; by default chosen for the data."""
    task: str | None = None
    """A name from `sonde tasks`; by default chosen from the target."""
    config: str | None = None
    """config.yaml of an earlier run, or its folder, to take data, model, task and typed settings from; flags override them."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """The arguments of `sonde train`: the data, the overrides, and notes to print about a config file."""

    data: str
    overrides: Overrides
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Base:
    """Model, task and config file, known before the other flags are parsed; `saved` is empty without --config."""

    model: str | None
    task: str | None
    saved: SavedConfig
    file: str | None


def read_request(words: Sequence[str]) -> Request:
    """Parse the arguments of `sonde train`.

    Torch is loaded only where a model or task is named or a flag is not a general one.
    Raises: ConfigError
    """
    general = flags_of(WhatOptions, *groups().values())
    first = split_line(words, general)
    base = _base(first)
    own: dict[str, Any] = {}
    if first.unknown or base.model or base.task:
        own = {name: kind for name, kind in flags_of(*_own_kinds(base.model, base.task)).items() if name not in general}
    flags = {**general, **own}
    line = split_line(words, flags)
    if line.unknown:
        _refuse_old_name(line.unknown[0], base.model)
    if line.unknown and (owners := _owners(line.unknown[0])):
        raise _not_its_own(line.unknown[0], owners, base.model, base.task)
    refuse_unknown(line, flags, verb="train")
    data, line = take_data(line, flags, verb="train", optional=base.saved.data is not None)
    typed = convert([entry for entry in line.given if entry.name in general], general)
    named = {name: typed.pop(name) for name in ("config", "model", "task") if name in typed}
    leftover = [entry for entry in line.given if entry.name in own]
    _check_own(base, leftover, own)
    filed, notes = _filed(base, named, taken={*typed, *(entry.name for entry in leftover)})
    values = filed | typed
    built(values)  # a value out of range is refused before the data are opened
    origin = dict.fromkeys(filed, "file") | dict.fromkeys(typed, "typed")
    for name, value in (("model", base.model), ("task", base.task)):
        if value is not None:
            origin[name] = "typed" if name in named else "file"
    overrides = Overrides(
        values=values, origin=origin, model=base.model, task=base.task, leftover=as_words(leftover, own)
    )
    return Request(data=data or str(base.saved.data), overrides=overrides, notes=notes)


def parse_rest(model: str, task: str, leftover: Sequence[str]) -> dict[str, Any]:
    """Values of the flags that belong to the model's and the task's own configs: the second pass.

    Raises: ConfigError for one that neither has, saying which models or tasks do
    """
    flags = flags_of(*_own_kinds(model, task))
    line = split_line(leftover, flags)
    if line.unknown:
        _refuse_old_name(line.unknown[0], model)
        raise _not_its_own(line.unknown[0], _owners(line.unknown[0]), model, task)
    return convert(line.given, flags)


def _refuse_old_name(written: str, model: str | None) -> None:
    """Raises: ConfigError for a setting of the model that is called otherwise now."""
    from sonde.models.renamed import refuse_old_name

    refuse_old_name(written.lstrip("-").replace("-", "_"), model)


def _owners(written: str) -> list[str]:
    """The models and tasks that have a flag: "model mlp" and so on."""
    return [owner for owner, kind in _catalogue() if not split_line([written, "x"], flags_of(kind)).unknown]


def _not_its_own(written: str, owners: Sequence[str], model: str | None, task: str | None) -> ConfigError:
    chosen = [f"{what} {name}" for what, name in (("model", model), ("task", task)) if name]
    from sonde.tasks.table import by_itself

    name = written.lstrip("-").replace("-", "_")
    here = called_here(name, flags_of(*groups().values()))
    meant = f"; did you mean {' or '.join(map(flag, here))}?" if here else by_itself(task, name.removeprefix("no_"))
    return ConfigError(f"{written} is a setting of {', '.join(owners)}, not of {' or '.join(chosen)}{meant}")


def _base(line: Line) -> _Base:
    named = {entry.name: entry.values[0] for entry in line.given if entry.name in ("model", "task", "config")}
    file = named.get("config")
    from sonde.models.renamed import with_new_names

    saved = SavedConfig(data=None, settings={}) if file is None else with_new_names(read_config(Path(file)))
    if file is not None and "model" not in named:
        from sonde.run.model_file import allow_code

        trusted = any(entry.name == "trust_code" and entry.on for entry in line.given)
        allow_code(saved, named_in=Path(file), trusted=trusted)
    model, task = (named.get(name) or saved.settings.get(name) for name in ("model", "task"))
    return _Base(model=model, task=task, saved=saved, file=file)


def _named_kinds(model: str | None, task: str | None) -> list[type]:
    """The config classes of the model and the task that are named. Raises: ConfigError for a name that does not exist."""
    from sonde.models.build import config_class as model_config
    from sonde.tasks.table import spec

    kinds = {
        **({f"model {model}": model_config(model)} if model else {}),
        **({f"task {task}": spec(task).config} if task else {}),
    }
    for owner, kind in kinds.items():
        refuse_clash(owner, flags_of(kind))
    return list(kinds.values())


def _own_kinds(model: str | None, task: str | None) -> list[type]:
    """The config classes whose fields may be flags: of the named model and task, of all where none is named."""
    return _named_kinds(model, task) + [kind for _, kind in _catalogue(models=model is None, tasks=task is None)]


def _catalogue(*, models: bool = True, tasks: bool = True) -> Iterator[tuple[str, type]]:
    """("model mlp", its config class) and so on."""
    from sonde.models.build import config_class as model_config
    from sonde.models.table import MODELS
    from sonde.tasks.table import specs

    yield from ((f"model {name}", model_config(name)) for name in MODELS if models)
    yield from ((f"task {spec.name}", spec.config) for spec in specs() if tasks)


def _filed(base: _Base, named: Mapping[str, Any], *, taken: set[str]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A config file's settings as values, and what to say about those that were left out.

    Where that run was written and how much it printed (`PlaceConfig`) is not taken over, nor what the flags override, nor the
    settings of its model or task when another one is typed. Raises: ConfigError naming the file and the setting
    """
    if base.file is None:
        return {}, ()
    flags = flags_of(*groups().values(), *_own_kinds(base.model, base.task))
    skip = {"model", "task", *(entry.name for entry in fields(PlaceConfig)), *taken}
    skip |= LENGTHS if taken & LENGTHS else set()
    saved_values = {
        name: value for name, value in base.saved.overrides().items() if name not in skip and value is not None
    }
    foreign: dict[str, str] = {}  # setting -> whose it was
    for what in ("model", "task"):
        before = base.saved.settings.get(what)
        if what in named and before is not None and before != named[what]:
            kind = dict(_catalogue()).get(f"{what} {before}")
            theirs = flags_of(kind) if kind is not None else {}
            foreign |= {name: f"{what} {before}" for name in saved_values if name in theirs and name not in flags}
    notes = tuple(f"{base.file}: ignored {flag(name)}, a setting of {owner}" for name, owner in foreign.items())
    values = {name: value for name, value in saved_values.items() if name not in foreign}
    return {name: from_file(name, value, flags, base.file) for name, value in values.items()}, notes


def _check_own(base: _Base, leftover: Sequence[Given], own: Flags) -> None:
    """Raises: ConfigError for a value that the named model or task refuses, before the data are opened."""
    for kind in _named_kinds(base.model, base.task):
        names = {entry.name for entry in fields(kind)}
        kind(**convert([entry for entry in leftover if entry.name in names], own))
