"""Catalogues are tables of strings: greppable, sortable, and listing one imports nothing."""

import importlib
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar

from sonde.core.errors import ConfigError, MissingDependency, unknown

Row = TypeVar("Row")


def resolve(what: str, name: str, table: Mapping[str, str]) -> Any:
    """The object that `table[name]` ("module:attribute") names.

    Raises: ConfigError with the nearest names when `name` is not in the table
    """
    if name not in table:
        raise unknown(what, name, table)
    return load(table[name])


def load(where: str) -> Any:
    """The object that "module:attribute" names."""
    module, _, attribute = where.partition(":")
    return getattr(importlib.import_module(module), attribute)


def added(group: str, names: Iterable[str]) -> dict[str, str]:
    """What installed packages add to the catalogue that is called `group` ("sonde.tasks"): name -> "module:attribute".

    They join by Python entry points of that group; nothing of theirs is imported.
    names: those that Sonde's own table has
    Raises: ConfigError naming both packages where a name is taken already
    """
    owners, found = dict.fromkeys(names, "sonde"), {}
    for name, value, package in _entry_points(group):
        if name in owners:
            raise ConfigError(f"{owners[name]} and {package} both register {name!r} in {group}; uninstall one")
        owners[name], found[name] = package, value
    return found


def of_package(group: str, own: Iterable[str], name: str) -> Any:
    """What an installed package adds to a catalogue under a name (`added`), imported.

    own: names that Sonde's own table has
    Raises: ConfigError naming the package where that cannot be imported
    """
    where = added(group, own)[name]
    try:
        return load(where)
    except Exception as error:  # whatever a package of somebody else's raises while it is imported
        raise ConfigError(
            f"{_package(group, name)} registers {name!r} in {group} as {where}, which cannot be imported: "
            f"{type(error).__name__}: {error}"
        ) from error


def record_of_package(group: str, own: Iterable[str], name: str, *, kind: type, called: str) -> Any:
    """The same where it is a record that says its own name.

    kind: what it must be;  called: its field that holds the name
    Raises: ConfigError naming the package also where it is something else, or has another name
    """
    found = of_package(group, own, name)
    package = _package(group, name)
    if not isinstance(found, kind):
        raise ConfigError(
            f"{package} registers {name!r} in {group}, which is a {type(found).__name__}, not a {kind.__name__}"
        )
    if getattr(found, called) != name:
        raise ConfigError(
            f"{package} registers {name!r} in {group}, and its record has {called}={getattr(found, called)!r}; give both one name"
        )
    return found


def _package(group: str, name: str) -> str:
    return next(package for known, _, package in _entry_points(group) if known == name)


@cache  # what is installed does not change while a program runs, and reading it takes milliseconds
def _entry_points(group: str) -> tuple[tuple[str, str, str], ...]:
    """(name, value, package) of each."""
    from importlib.metadata import entry_points

    return tuple((p.name, p.value, p.dist.name if p.dist else p.module) for p in entry_points(group=group))


class Catalogue(Mapping[str, Row]):
    """Rows of ours by name, and behind them what installed packages add under an entry-point group (`added`).

    Names are listed without importing anything; a row of another package is imported where it is looked up.
    """

    def __init__(self, group: str, own: dict[str, Row]) -> None:
        self.group, self.own = group, own

    def __getitem__(self, name: str) -> Row:
        """Raises: KeyError for an unknown name."""
        if name not in self:
            raise KeyError(name)
        return self.own[name] if name in self.own else of_package(self.group, self.own, name)

    def __contains__(self, name: object) -> bool:
        return name in self.own or name in added(self.group, self.own)

    def __iter__(self) -> Iterator[str]:
        return iter([*self.own, *added(self.group, self.own)])

    def __len__(self) -> int:
        return len(self.own) + len(added(self.group, self.own))


def require(package: str, *, extra: str, purpose: str) -> Any:
    """Import an optional dependency where it is used, or raise with the install line.

    Raises: MissingDependency with the install line
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != package.split(".")[0]:
            raise
        named = shlex.join(libraries(extra) or [package.split(".")[0]])
        raise MissingDependency(f"{purpose} needs {package}; install it with: pip install {named}") from None


def libraries(extra: str) -> list[str]:
    """What an extra of Sonde stands for, as its installed metadata say; [] where these do not know it.

    They are advised by name: where Sonde was installed from a clone, `sonde[extra]` would ask PyPI for a package of that name.
    """
    from importlib.metadata import PackageNotFoundError, requires

    try:
        found = requires("sonde") or []
    except PackageNotFoundError:  # run from its sources
        return []
    marked = re.compile(rf"""extra *== *["']{re.escape(extra)}["']""")
    return [what.strip() for what, _, marker in (line.partition(";") for line in found) if marked.search(marker)]
