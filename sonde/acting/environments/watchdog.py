"""A watch over environments in this process: a call that takes longer than it may is ended, where that is possible.

A thread looks at them, and a signal (SIGALRM) interrupts the main thread. So Python code and waiting can be ended, and no loop
in compiled code; and only what is called in the main thread of a Unix process, where nobody else waits for that signal. Elsewhere
nothing is done. Worker processes are ended from outside (`sonde.acting.environments.workers`).
"""

import signal
import threading
import time
import weakref
from types import FrameType

from sonde.acting.environments.checked import Checked, Hangs

TICK = 0.25  # seconds between two looks

_watched: "weakref.WeakSet[Checked]" = weakref.WeakSet()  # a process has one such signal, so this is the process's too
_lock = threading.Lock()
_late: "list[tuple[weakref.ref[Checked], int]]" = []  # (environment, number of the call) that is to be ended


def watch(env: Checked) -> None:
    """Watch over an environment that has a timeout, from now on."""
    if not env.timeout or not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        return
    if not _watched and signal.getsignal(signal.SIGALRM) is signal.SIG_DFL:
        signal.signal(signal.SIGALRM, _interrupt)
    if signal.getsignal(signal.SIGALRM) is not _interrupt:
        return
    with _lock:
        begin = not _watched
        _watched.add(env)
    if begin:
        threading.Thread(target=_look, name="environments' watchdog", daemon=True).start()


def _look() -> None:
    """Until none is left: note since when each call goes on, and end what goes on for too long."""
    since: dict[int, tuple[int, float]] = {}
    while _some_left(since):
        time.sleep(TICK)


def _some_left(since: dict[int, tuple[int, float]]) -> bool:
    """One look. since: of each environment the number of the call that was seen last, and when it was first seen"""
    with _lock:
        envs = list(_watched)
    now = time.monotonic()
    for env in envs:
        calls, begun = since.get(id(env), (-1, now))
        if not env.busy or env.calls != calls:
            since[id(env)] = (env.calls, now)
        elif now - begun > env.timeout and signal.getsignal(signal.SIGALRM) is _interrupt:
            _late.append((weakref.ref(env), calls))
            since[id(env)] = (calls, now)
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)
    return bool(envs)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raises: Hangs inside the call that is late, unless it has just returned"""
    while _late:
        found, calls = _late.pop()
        env = found()
        if env is not None and env.busy and env.calls == calls:
            raise Hangs
