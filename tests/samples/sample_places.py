"""Forms of data on disk, called with a path as tests have one."""

import inspect
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from sonde.data.listing import Listing
from sonde.modalities.modality import Wanted


def at(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of a listing as one of a path; where it asks what data are wanted for, nothing is by default."""
    asks = "wanted" in inspect.signature(function).parameters

    def called(path: Path, *rest: Any, **named: Any) -> Any:
        return function(Listing(path), *(rest or (Wanted(),) if asks else rest), **named)

    return called


def form(module: ModuleType) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """(read, recognise) of a module, as functions of a path."""
    return at(module.read), at(module.recognise)
