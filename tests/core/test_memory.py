"""What was freed leaves the process."""

import gc
import platform
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sonde.core.memory import free_bytes, give_back


def resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="malloc_trim is glibc's")
def test_freed_memory_leaves_the_process() -> None:
    def fill() -> None:
        blocks = [bytearray(b"\1") * 50_000 for _ in range(1_000)]  # 48 MiB in pieces too small to be mapped one by one
        left.extend(blocks[::10])  # between the others, so that the heap cannot simply shrink

    left: list[bytearray] = []
    with ThreadPoolExecutor(1) as pool:
        pool.submit(fill).result()
        gc.collect()
        before = resident_mib()
        give_back()
        assert before - resident_mib() > 20


def test_free_memory_is_that_of_the_machine() -> None:
    stated = Path("/proc/meminfo")
    if stated.exists():
        total = int(stated.read_text().split("MemTotal:")[1].split()[0]) * 1024
        assert 0 < free_bytes() <= total
    else:
        assert free_bytes() == 8 * 1024**3
