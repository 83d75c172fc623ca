"""Memory that is free, and memory that was freed but is still held by the process."""

import ctypes
import sys


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


def give_back() -> None:
    """Hand freed memory back to the system, after work that freed much of it. Does nothing where the C library has no way.

    glibc keeps what a thread freed even after the thread has ended: 5 to 10 MiB once images were decoded.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(ctypes.c_size_t(0))
