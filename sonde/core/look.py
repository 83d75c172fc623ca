"""Who measures some of the steps of a run, such as the doctor."""

from contextlib import AbstractContextManager
from typing import Protocol


class Look(Protocol):
    """Measures some steps: those are taken inside `looking`. What is an observer too sees their records."""

    @property
    def next(self) -> int: ...  # the next such step

    def looking(self) -> AbstractContextManager[None]: ...
