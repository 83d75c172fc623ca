"""Memory and processors of a process, from /proc."""

import os
import sys
from pathlib import Path

import pytest
from sample_runs import append, begun, evaluation, step

from sonde.report.folder import read_folder
from sonde.watch.resources import Look, facts, kept, look


def process(proc: Path, number: int, *, resident: int, shared: int, ticks: int, children: str = "") -> None:
    """As proc(5) describes it; the name in brackets may hold anything."""
    (proc / str(number) / "task" / str(number)).mkdir(parents=True)
    (proc / str(number) / "stat").write_text(f"{number} (a) (b c) S 1 1 1 0 -1 0 0 0 0 0 {ticks} {ticks} 0 0 20 0")
    (proc / str(number) / "statm").write_text(f"99999 {resident} {shared} 1 0 1 0\n")
    (proc / str(number) / "task" / str(number) / "children").write_text(children)


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="only POSIX tells the size of a page")
def test_workers_count_without_what_they_share(tmp_path: Path) -> None:
    process(tmp_path, 7, resident=1000, shared=400, ticks=250, children="8 ")
    process(tmp_path, 8, resident=600, shared=500, ticks=50)
    found = look(7, proc=tmp_path)
    assert found is not None
    assert found.memory == (1000 + 600 - 500) * os.sysconf("SC_PAGE_SIZE")
    assert found.busy == pytest.approx(600 / os.sysconf("SC_CLK_TCK"))


def test_a_process_that_is_gone(tmp_path: Path) -> None:
    assert look(7, proc=tmp_path) is None


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_this_process() -> None:
    found = look(os.getpid())
    assert found is not None
    assert found.memory > 1e6
    assert found.busy > 0


def test_what_is_said(tmp_path: Path) -> None:
    folder = begun(tmp_path / "run")
    append(
        folder, step(90, memory_bytes=4e9), step(100), evaluation(100, 0.5)
    )  # 50 s, of which the evaluation took 0.1
    looks = [Look(at=0.0, memory=3_000_000_000, busy=10.0), Look(at=2.0, memory=1_000_000_000, busy=13.0)]
    assert facts(read_folder(folder), looks) == [
        ("memory", "1.0 GB of 8.0 GB"),
        ("at most", "4.0 GB"),
        ("processors in use", "1.5 of 2"),
        ("of the time so far in evaluations", "0.2 %"),
    ]
    assert facts(read_folder(folder), [])[0][0] == "of the time so far in evaluations"


def test_processors_are_counted_between_looks_that_lie_apart(tmp_path: Path) -> None:
    run = read_folder(begun(tmp_path / "run"))
    looks: list[Look] = []
    said = []
    for at, busy in ((0.0, 5.0), (0.01, 5.0), (4.0, 9.0), (4.01, 9.0)):
        looks = kept(looks, Look(at=at, memory=1, busy=busy))
        said.append(dict(facts(run, looks)).get("processors in use"))
    assert said == [None, None, "1.0 of 2", "1.0 of 2"]
    assert [each.at for each in looks] == [0.01, 4.0, 4.01]
