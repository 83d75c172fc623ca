"""Memory that is free, memory that processes use, and memory that was freed but is still held by the process."""

import ctypes
import os
import sys
from pathlib import Path

PROC = Path("/proc")


def free_bytes() -> int:
    """Memory that is free now: what Linux calls available, elsewhere half of a common laptop's."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 8 * 1024**3


def resident_bytes(process: int, *, proc: Path = PROC) -> int | None:
    """Memory that a process and the workers below it hold, of these without what they share; None where /proc does not tell."""
    try:
        pages = _pages(process, proc)[0]
    except (OSError, ValueError):
        return None
    for worker in children_of(process, proc=proc):
        try:
            resident, shared = _pages(worker, proc)
        except (OSError, ValueError):  # one that has ended meanwhile
            continue
        pages += resident - shared
    return pages * os.sysconf("SC_PAGE_SIZE")


def children_of(process: int, *, proc: Path = PROC) -> list[int]:
    """The processes that a process started and that are still there; none where /proc does not tell."""
    tasks, found = f"{proc}/{process}/task", list[int]()
    for thread in os.listdir(tasks) if os.path.isdir(tasks) else ():
        try:
            with open(f"{tasks}/{thread}/children", "rb") as file:
                found += map(int, file.read().split())
        except OSError:  # a thread that has ended meanwhile
            continue
    return found


def _pages(process: int, proc: Path) -> tuple[int, int]:
    """(resident, of which shared), proc(5). Raises: OSError, ValueError"""
    with open(f"{proc}/{process}/statm", "rb") as file:
        resident, shared = file.read().split()[1:3]
    return int(resident), int(shared)


def give_back() -> None:
    """Hand freed memory back to the system, after work that freed much of it. Does nothing where the C library has no way.

    glibc keeps what a thread freed even after the thread has ended: 5 to 10 MiB once images were decoded.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(ctypes.c_size_t(0))
