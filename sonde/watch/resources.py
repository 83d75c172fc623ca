"""What a training process uses while somebody looks: memory and processors, from Linux's /proc; the run is not asked."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sonde.core.memory import PROC, children_of, resident_bytes
from sonde.core.units import share, size
from sonde.report.folder import Reading
from sonde.report.learning import most_memory

APART_S = 1.0  # between looks that processors are counted by: the system counts in hundredths of a second


@dataclass(frozen=True, kw_only=True)
class Look:
    """At one moment. at: seconds, of a clock that only goes forward;  memory: bytes;  busy: seconds of processors so far"""

    at: float
    memory: int
    busy: float


def look(process: int, *, proc: Path = PROC) -> Look | None:
    """A process and the workers below it, whose shared memory counts once; None where /proc does not tell."""
    memory, busy = resident_bytes(process, proc=proc), 0.0
    try:
        for one in [process, *children_of(process, proc=proc)]:
            # after the name in brackets: proc(5), of which utime and stime are the fields 14 and 15
            fields = (proc / str(one) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            busy += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None
    return None if memory is None else Look(at=time.monotonic(), memory=memory, busy=busy)


def kept(looks: Sequence[Look], further: Look) -> list[Look]:
    """Looks with a further one: the latest that lies far enough before it, and those since."""
    before = [each for each in looks if further.at - each.at >= APART_S]
    return [*before[-1:], *looks[len(before) :], further]


def facts(run: Reading, looks: Sequence[Look]) -> list[tuple[str, str]]:
    """(name, value): memory now and at most, processors in use, and the part of the time that evaluations took."""
    found = []
    if looks:
        whole = run.env.get("memory_bytes")
        of = f" of {size(whole)}" if isinstance(whole, int | float) and whole > 0 else ""
        found.append(("memory", f"{size(looks[-1].memory)}{of}"))
        found.append(("at most", size(max(looks[-1].memory, most_memory(run) or 0))))
    if looks and looks[-1].at - looks[0].at >= APART_S:
        cores = run.env.get("cores")
        busy = max(0.0, looks[-1].busy - looks[0].busy) / (looks[-1].at - looks[0].at)
        found.append(("processors in use", f"{busy:.1f}" + (f" of {cores}" if isinstance(cores, int) else "")))
    seconds = max((line["seconds"] for line in (*run.steps, *run.evaluations) if line.get("seconds")), default=0.0)
    evaluating = sum(float(line.get("seconds") or 0.0) for line in run.evaluations)
    if seconds and evaluating:
        found.append(("of the time so far in evaluations", share(min(1.0, evaluating / seconds), 1)))
    return found
