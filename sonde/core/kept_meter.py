"""Meters that are kept with a checkpoint: of what is played, which takes long to be played again."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class KeptMeter(Protocol):
    """A meter that says what it holds, as numbers, texts, tuples, lists and dicts of them, and takes it up again."""

    def kept(self) -> dict[Any, Any]: ...
    def take_up(self, kept: Mapping[Any, Any]) -> None: ...
