"""What a training process uses while somebody looks: memory and processors, from Linux's /proc; the run is not asked."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sonde.core.units import share, size
from sonde.report.figures import Axis, Series, curves
from sonde.report.folder import Reading
from sonde.report.learning import Figure
from sonde.report.scale import Point

PROC = Path("/proc")
FEWEST = 3  # looks, below which there is no curve
MOST_LOOKS = 2_000
GB = 1e9


@dataclass(frozen=True, kw_only=True)
class Look:
    """At one moment. at: seconds, of a clock that only goes forward;  memory: bytes;  busy: seconds of processors so far"""

    at: float
    memory: int
    busy: float


def look(process: int, *, proc: Path = PROC) -> Look | None:
    """A process and the workers below it, whose shared memory counts once; None where /proc does not tell."""
    try:
        memory = busy = 0.0
        for one in [process, *_children(process, proc)]:
            # after the name in brackets: proc(5), of which utime and stime are the fields 14 and 15
            fields = (proc / str(one) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            busy += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            resident, shared = (proc / str(one) / "statm").read_text(encoding="ascii").split()[1:3]
            pages = int(resident) - (int(shared) if one != process else 0)
            memory += pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None
    return Look(at=time.monotonic(), memory=int(memory), busy=busy)


def _children(process: int, proc: Path) -> list[int]:
    found: list[int] = []
    for listing in (proc / str(process) / "task").glob("*/children"):
        try:
            found += [int(word) for word in listing.read_text(encoding="ascii").split()]
        except OSError:  # a thread that has ended meanwhile
            continue
    return found


def facts(run: Reading, looks: Sequence[Look]) -> list[tuple[str, str]]:
    """(name, value): memory now and at most, processors in use, and the part of the time that evaluations took."""
    found = []
    if looks:
        whole = run.env.get("memory_bytes")
        of = f" of {size(whole)}" if isinstance(whole, int | float) and whole > 0 else ""
        found.append(("memory", f"{size(looks[-1].memory)}{of}"))
        found.append(("at most, while watched", size(max(each.memory for each in looks))))
    if len(looks) > 1 and looks[-1].at > looks[-2].at:
        cores = run.env.get("cores")
        busy = max(0.0, looks[-1].busy - looks[-2].busy) / (looks[-1].at - looks[-2].at)
        found.append(("processors in use", f"{busy:.1f}" + (f" of {cores}" if isinstance(cores, int) else "")))
    seconds = max((line["seconds"] for line in (*run.steps, *run.evaluations) if line.get("seconds")), default=0.0)
    evaluating = sum(float(line.get("seconds") or 0.0) for line in run.evaluations)
    if seconds and evaluating:
        found.append(("of the time so far in evaluations", share(min(1.0, evaluating / seconds), 1)))
    return found


def memory_figure(looks: Sequence[Look]) -> Figure | None:
    """Memory since one began to look."""
    if len(looks) < FEWEST:
        return None
    points: list[Point] = [(each.at - looks[0].at, each.memory / GB) for each in looks]
    figure = curves(
        [Series(name="memory", points=points, colour=4)],
        Axis(label="seconds since the page was opened", zero=True),
        Axis(label="memory, GB", zero=True),
        name="Memory of the training process over time",
    )
    return Figure(title="Memory", svg=figure, caption="Resident memory of the training process and its workers.")
