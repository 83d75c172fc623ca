"""Which process trains in a run folder, as its lock tells."""

import os
from pathlib import Path


def in_use(place: Path) -> bool:
    """Whether a live process trains in a run folder: it holds the lock, which ends with the process."""
    return owner_of(place) is not None


def owner_of(place: Path) -> int | None:
    """The process that trains in a run folder; None where none does.

    The lock is tried only while the process it names is alive: a trial must not get in the way of a run that starts.
    """
    lock = place / ".lock"
    try:
        if not lock.is_file():
            return None
        owner = int(lock.read_text(encoding="ascii")[:20])
    except (OSError, ValueError):
        return None
    try:
        os.kill(owner, 0)
    except PermissionError:  # the process is alive and another user's
        pass
    except (OSError, OverflowError):
        return None
    import fcntl

    with lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return owner
    return None
