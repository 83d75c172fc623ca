"""Sources that make their batches, such as by playing: how long that takes, and how they leave off in the middle of one."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

if TYPE_CHECKING:
    from sonde.core.batch import Batch
    from sonde.core.seams import Source


class LeftOff(Exception):
    """Raised by a source that was told to leave off while it made a batch. What it has so far belongs to its state, from which it
    goes on as if nothing had happened. Its message says how far it was, in words.
    """


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How long the batches to come take to be made.

    here:    batches that are there already
    first_s: seconds until the next is there, once those are used up
    burst_s: seconds that are spent again for every further `per` batches, which come at once
    """

    burst_s: float
    first_s: float
    here: int = 0
    per: int = 1

    def seconds(self, batches: int) -> float:
        """Until so many are made.

        >>> pace = Pace(burst_s=3.0, first_s=10.0, here=2, per=4)
        >>> [pace.seconds(number) for number in (2, 3, 6, 7)]
        [0.0, 10.0, 10.0, 13.0]
        """
        if batches <= self.here:
            return 0.0
        return self.first_s + (-(-(batches - self.here) // self.per) - 1) * self.burst_s

    def within(self, seconds: float, each_s: float) -> int:
        """How many can be made, and learned from in `each_s` seconds each, in so many seconds.

        >>> pace = Pace(burst_s=3.0, first_s=10.0, here=2, per=4)
        >>> [pace.within(seconds, 1.0) for seconds in (1.5, 9.0, 13.5, 21.5)]
        [1, 2, 3, 8]
        """
        most = self.here + self.per * (2 + math.ceil(max(0.0, seconds) / max(self.burst_s + self.per * each_s, 1e-9)))
        least = 0
        while least < most:
            middle = (least + most + 1) // 2
            if self.seconds(middle) + middle * each_s <= seconds:
                least = middle
            else:
                most = middle - 1
        return least


class Making(Protocol):
    """A source of batches that are made while it is read.

    leave_off: asked again and again while a batch is made; where it says True, the source raises `LeftOff`
    """

    leave_off: "Callable[[], bool]"

    def preview(self) -> "tuple[Batch, Pace]": ...  # as batches will be, made in little time; it is put back
    def pace(self) -> Pace: ...  # by what was measured so far


@runtime_checkable
class Several(Protocol):
    """A source whose first batch is long in coming where much is made side by side, such as games that all end together.

    at_least_s: that it is measured for, about
    """

    def pace_of(
        self, together: int, at_least_s: float = 0.0
    ) -> Pace: ...  # of so much side by side, from the beginning


@runtime_checkable
class Played(Protocol):
    """A source of rows for an evaluation, which are made while it is read.

    leave_off: asked again and again meanwhile; where it says True, the source ends with the rows that are whole by then
    which:     which of the rows they are, where the source has left off among them, to go behind how many they are
    so_far:    rows that are whole by now, of how many
    """

    leave_off: "Callable[[], bool]"
    so_far: tuple[int, int]

    @property
    def which(self) -> str: ...
    def expected_s(self, at_most_s: float) -> float: ...  # of one pass, by a part of one of about so many seconds


@runtime_checkable
class Hurrying(Protocol):
    """One of these that arranges its rows by the time that it has, so that some are whole at its end.

    within_s: seconds of a pass; None where it may take any
    """

    within_s: float | None


@runtime_checkable
class InWaves(Protocol):
    """One of these that tells nothing before its first few rows are all whole."""

    def least_s(self, at_most_s: float) -> float: ...  # seconds of those, as `Played.expected_s` tells
    def paced_as(self, other: Any) -> None: ...  # take what the other has learned, and learns, of how long they take


def making(source: "Source") -> Making | None:
    """The source, where it makes its batches."""
    return cast("Making", source) if hasattr(source, "pace") else None  # many times quicker than isinstance


def never() -> bool:
    """What a source is told that need not leave off."""
    return False


@contextmanager
def leaving_off(source: "Source", when: Callable[[], bool], within_s: float | None = None) -> Iterator[None]:
    """For the body's duration let a source that makes its batches or rows leave off when `when` says so; others never do.

    within_s: seconds after which that will be, where it is known
    """
    found = making(source) or (source if isinstance(source, Played) else None)
    if found is None:
        yield
        return
    found.leave_off = when
    if isinstance(found, Hurrying):
        found.within_s = within_s
    try:
        yield
    finally:
        found.leave_off = never
        if isinstance(found, Hurrying):
            found.within_s = None
