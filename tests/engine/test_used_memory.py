"""Memory noted while a run trains."""

import subprocess
import sys

import pytest
import torch

from sonde.engine.used_memory import SHARE, UsedMemory, held_bytes

CPU = torch.device("cpu")


class Clock:
    now = 5.0

    def __call__(self) -> float:
        return self.now


def test_asking_takes_a_thousandth_of_the_time() -> None:
    clock, asked = Clock(), []

    def resident(process: int) -> int:
        asked.append(clock.now)
        clock.now += 0.001
        return 7

    used = UsedMemory(CPU, clock=clock, resident=resident)
    for _ in range(10_000):  # a line every millisecond
        found = used()
        assert found in ({}, {"memory_bytes": 7})
        clock.now += 0.001
    assert asked[0] == 5.0
    assert len(asked) * 0.001 <= SHARE * (clock.now - 5.0) + 0.001


def test_what_the_system_does_not_tell_is_left_out() -> None:
    assert UsedMemory(CPU, resident=lambda process: None)() == {}
    assert held_bytes(CPU) is None


ALONE = """
import torch
from pathlib import Path
from sonde.engine.used_memory import UsedMemory

lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
resident = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))  # kB
print(UsedMemory(torch.device("cpu"))()["memory_bytes"] / (1024 * resident))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_process_without_others_below_it() -> None:
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=True)
    assert float(done.stdout) == pytest.approx(1, rel=0.3)
