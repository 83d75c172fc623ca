"""Catalogues are tables of strings: greppable, sortable, and listing one imports nothing."""

import importlib
from collections.abc import Mapping
from typing import Any

from sonde.core.errors import MissingDependency, unknown


def resolve(what: str, name: str, table: Mapping[str, str]) -> Any:
    """The object that `table[name]` ("module:attribute") names.

    Raises: ConfigError with the nearest names when `name` is not in the table
    """
    if name not in table:
        raise unknown(what, name, table)
    module, _, attribute = table[name].partition(":")
    return getattr(importlib.import_module(module), attribute)


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
