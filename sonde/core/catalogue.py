"""Catalogues are tables of strings: greppable, sortable, and listing one imports nothing."""

import importlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from sonde.core.errors import ConfigError, MissingDependency, unknown

Row = TypeVar("Row")


class Catalogue(Mapping[str, Row]):
    """A table of ours, and behind it what other installed packages offer under an entry-point group of Python's.

    Listing the names reads the packages' metadata; a row of another package is imported where it is looked up.
    """

    def __init__(self, group: str, own: dict[str, Row]) -> None:
        self.group, self.own = group, own

    def __getitem__(self, name: str) -> Row:
        """Raises: KeyError for an unknown name; ConfigError for a row that cannot be imported."""
        if name in self.own:
            return self.own[name]
        offered = self._offered[name]
        try:
            return offered.load()
        except (ImportError, AttributeError) as error:
            raise ConfigError(f"{name} of the entry points {self.group} cannot be imported: {error}") from error

    def __contains__(self, name: object) -> bool:
        return name in self.own or name in self._offered

    def __iter__(self) -> Iterator[str]:
        yield from self.own
        yield from self._offered

    def __len__(self) -> int:
        return len(self.own) + len(self._offered)

    @cached_property
    def _offered(self) -> Mapping[str, EntryPoint]:
        return {entry.name: entry for entry in entry_points(group=self.group) if entry.name not in self.own}


def imported(path: str) -> Any:
    """What "module:attribute" names."""
    module, _, attribute = path.partition(":")
    return getattr(importlib.import_module(module), attribute)


def resolve(what: str, name: str, table: Mapping[str, str]) -> Any:
    """The object that `table[name]` ("module:attribute") names.

    Raises: ConfigError with the nearest names when `name` is not in the table
    """
    if name not in table:
        raise unknown(what, name, table)
    return imported(table[name])


def require(package: str, *, extra: str, purpose: str) -> Any:
    """Import an optional dependency where it is used, or say how to get it.

    Raises: MissingDependency with the install line
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != package.split(".")[0]:
            raise
        raise MissingDependency(f"{purpose} needs {package}; install it with: pip install 'sonde[{extra}]'") from None
