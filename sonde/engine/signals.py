"""The first Ctrl-C or SIGTERM lets the step, or the batch that is evaluated, finish; the second stops at once."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from sonde.core.progress import Tick, silent


class StopRequest:
    """Set by a signal handler, read between steps."""

    def __init__(self) -> None:
        self.number: int | None = None

    def __bool__(self) -> bool:
        return self.number is not None


class EvaluationStopped(Exception):
    """A stop was requested during an evaluation, which is begun again on resume."""


def stopping(request: StopRequest, tick: Tick = silent) -> Tick:
    """A tick for evaluations: one batch after a stop was requested it ends them. Raises, when called: EvaluationStopped"""

    def ticked(label: str, done: int, total: int) -> None:
        tick(label, done, total)
        if request and done != total:  # one that is whole is not thrown away
            raise EvaluationStopped

    return ticked


@contextmanager
def graceful() -> Iterator[StopRequest]:
    """Turn SIGINT and SIGTERM into a request for the body's duration; only in the main thread, elsewhere nothing is caught.

    Both sent at once are one request.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, frame: FrameType | None) -> None:
        request.number = number
        for known, handler in before.items():
            signal.signal(known, handler)  # the second one acts as it always did

    shown = sys.unraisablehook
    sys.unraisablehook = _but_for_lost(shown)
    for number in before:
        signal.signal(number, note)
    try:
        yield request
    finally:
        sys.unraisablehook = shown
        for number, handler in before.items():
            signal.signal(number, handler)


def _but_for_lost(shown: Callable[[Any], Any]) -> Callable[[Any], None]:
    """What Python shows of errors that nobody can catch, but for a signal that came with another, whose handler `note` took away
    before Python called it: it is dropped, which is right, and need not be told."""

    def hook(found: Any) -> None:
        if not (isinstance(found.exc_value, OSError) and "ignored due to race condition" in str(found.exc_value)):
            shown(found)

    return hook
