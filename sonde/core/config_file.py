"""config.yaml: every setting of a run with where it came from, enough to repeat the run. Free of torch."""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sonde.core.errors import ConfigError
from sonde.core.files import plain, write_text

HEADER = """\
# Every setting of this run and where it came from (typed, file, recipe or default); defaults without an effect are left out.
# `sonde train --config` with this file takes over those that were typed or came from a file; the recipe chooses the rest:
# to change another one here, write `file` as its origin, or leave its origin out.
"""
DEEPEST, MOST_ENTRIES = 20, 200_000  # of a config.yaml: those of runs have lists of names at most
OWN_NETWORK = "custom"  # the name of a model that was handed over as a module
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+")  # 1e-3, which YAML 1.1 takes for text


@dataclass(frozen=True, kw_only=True)
class SavedConfig:
    """What a config.yaml holds; lists where the settings have tuples."""

    data: str | None
    settings: Mapping[str, Any]
    origin: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, Any] = field(
        default_factory=dict
    )  # "loss" and "metrics" of the caller's own, where they are defined

    def overrides(self) -> dict[str, Any]:
        """The settings that somebody asked for: typed, from a file, or added by hand (no origin)."""
        chosen = ("typed", "file")
        return {name: value for name, value in self.settings.items() if self.origin.get(name, "file") in chosen}


def in_memory(data: Any) -> bool:
    """Whether what `config.yaml` says of a run's data is that a program held them, so that no command line can name them.

    >>> in_memory("table (3,000 rows in memory)"), in_memory("data/table.csv")
    (True, False)
    """
    return " in memory" in str(data)


def how_to_resume(folder: Path) -> str:
    """What to type to train a run further; of a network of the caller's own, which no command can build, the call again."""
    try:
        own = read_config(folder).settings.get("model") == OWN_NETWORK
    except ConfigError:
        own = False
    return f"the same call with out={str(folder)!r}" if own else f"sonde resume {folder}"


def write_config(
    path: Path,
    *,
    data: str,
    settings: Mapping[str, Any],
    origin: Mapping[str, str],
    reasons: Mapping[str, str],
    own: Mapping[str, Any] | None = None,
) -> None:
    """Write config.yaml in one step. own: a loss and metrics of the caller's own, by name. Raises: OSError."""
    import yaml

    content = {
        "data": data,
        "settings": settings,
        "origin": origin,
        "reasons": reasons,
        **({"own": own} if own else {}),
    }
    simple = {key: plain(dict(value)) if isinstance(value, Mapping) else value for key, value in content.items()}
    dumper = _with_exponents(yaml.SafeDumper)
    dumper.add_representer(
        list, lambda writer, items: writer.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=True)
    )
    text = yaml.dump(simple, Dumper=dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=120)
    write_text(path, HEADER + text)


def read_config(path: Path) -> SavedConfig:
    """The content of a config.yaml, or of the one in a run folder.

    Raises: ConfigError naming the file (and line) when it is not one
    """
    import yaml

    file = path / "config.yaml" if path.is_dir() else path
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=_with_exponents(yaml.SafeLoader))
        if not is_tree(content):
            raise RecursionError
    except RecursionError:
        raise ConfigError(f"{file} is nested too deeply, or refers to itself; {_way_on(file)}") from None
    except FileNotFoundError:
        raise ConfigError(f"there is no config file {file}; a run folder holds one as config.yaml") from None
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8 text (byte {error.start}); {_way_on(file)}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f", line {mark.line + 1},"
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ConfigError(f"{file}{line} is not YAML: {problem}; {_way_on(file, 'fix the line')}") from None
    except ValueError as error:  # a date or a number that there is not
        raise ConfigError(f"{file} is not a run's config.yaml: {error}; {_way_on(file, 'fix the value')}") from None
    return _checked(content, file)


def _way_on(file: Path, otherwise: str = "give the config.yaml of a run") -> str:
    """What to do about a file that cannot be read: in a run folder, Sonde wrote it."""
    return "restore it from a copy of the run" if (file.parent / "data.json").exists() else otherwise


def is_tree(content: Any) -> bool:
    """Whether what YAML holds is nested a little and has an end: its references may lead back, or repeat a part many times."""
    left, seen = [(content, 0)], 0
    while left:
        value, depth = left.pop()
        seen += 1
        if depth > DEEPEST or seen > MOST_ENTRIES:
            return False
        if isinstance(value, Mapping | list):
            left += [(item, depth + 1) for item in (value.values() if isinstance(value, Mapping) else value)]
    return True


def _checked(content: Any, file: Path) -> SavedConfig:
    if not isinstance(content, dict) or not isinstance(content.get("settings"), dict):
        raise ConfigError(
            f"{file} is not a run's config.yaml: it has no list of `settings`, such as lr: 0.001; {_way_on(file)}"
        )
    if content["settings"].get("task") is not None and not isinstance(content["settings"]["task"], str):
        raise ConfigError(f"{file}: `task` must be a name; {_way_on(file, 'write it as text')}")
    if content["settings"].get("model") is not None and not isinstance(content["settings"]["model"], str):
        raise ConfigError(f"{file}: `model` must be a name; {_way_on(file, 'write it as text')}")
    parts = {name: content.get(name) or {} for name in ("settings", "origin", "reasons", "own")}
    for name, part in parts.items():
        if not isinstance(part, dict) or not all(isinstance(key, str) for key in part):
            raise ConfigError(f"{file}: `{name}` must list settings by name, such as lr: …; {_way_on(file)}")
    data = content.get("data")
    _rename(parts)
    return SavedConfig(data=None if data is None else str(data), **parts)


def _rename(parts: dict[str, dict[str, Any]]) -> None:
    """Settings of earlier versions under the name that they have now."""
    steps, origin = parts["settings"].pop("checkpoint_steps", 0), parts["origin"].pop("checkpoint_steps", None)
    if steps:
        parts["settings"]["checkpoint_every"] = f"{steps} steps"
        if origin is not None:
            parts["origin"]["checkpoint_every"] = origin


@functools.cache
def _with_exponents(kind: Any) -> Any:
    """YAML's own reader or writer, to which 1e-3 is a number: people write rates so.

    The writer must know as well, to put the text "1e3", which may be a column's name, in quotes.
    """
    extended = type(kind.__name__, (kind,), {})
    extended.add_implicit_resolver("tag:yaml.org,2002:float", NUMBER, list("-+.0123456789"))
    return extended
