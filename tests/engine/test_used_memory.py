"""Memory noted while a run trains."""

import os
import sys
from pathlib import Path

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


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_this_process() -> None:
    lines = Path(f"/proc/{os.getpid()}/status").read_text(encoding="utf-8").splitlines()
    resident = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))  # kB
    assert UsedMemory(CPU)()["memory_bytes"] == pytest.approx(1024 * resident, rel=0.3)
