import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sample_rows import Deadly, Faulty, PixelRows, Unreadable, pixels

from sonde.core.errors import DataError
from sonde.data.feed.pool import WorkerPool

BATCHES = [np.arange(start, start + 5) for start in range(0, 60, 5)]


def pool(rows: PixelRows, workers: int = 2, said: list[str] | None = None) -> WorkerPool:
    return WorkerPool(rows, batch_size=5, workers=workers, warnings=[] if said is None else said)


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


def check(arrays: dict[str, np.ndarray], rows: np.ndarray) -> None:
    assert np.array_equal(arrays["input"], pixels(rows))
    assert arrays["target"].tolist() == (rows % 4).tolist()


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_batches_come_in_order_whoever_reads_them(workers: int) -> None:
    reading = pool(PixelRows(60), workers)
    for _ in range(2):  # the same processes serve the next epoch
        for arrays, rows in zip(reading.read(BATCHES), BATCHES, strict=True):
            check(arrays, rows)
    assert len(set(reading.processes)) == workers
    reading.close()


def test_workers_may_be_spawned_as_on_macos(monkeypatch: pytest.MonkeyPatch) -> None:
    spawn = multiprocessing.get_context("spawn")
    monkeypatch.setattr(multiprocessing, "get_context", lambda: spawn)
    reading = pool(PixelRows(60, Unreadable(59)), 1)
    for arrays, rows in zip(reading.read(BATCHES[:-1]), BATCHES[:-1], strict=True):
        check(arrays, rows)
    with pytest.raises(DataError, match="^photos/59.png: truncated"):
        list(reading.read(BATCHES[-1:]))
    reading.close()


def test_a_smaller_last_batch() -> None:
    reading = pool(PixelRows(7))
    sizes = [len(arrays["input"]) for arrays in reading.read([np.arange(5), np.arange(5, 7)])]
    assert sizes == [5, 2]
    reading.close()


def test_a_reading_that_was_given_up_leaves_nothing_behind() -> None:
    reading = pool(PixelRows(60))
    for _ in range(5):
        given_up = reading.read(BATCHES)
        check(next(given_up), BATCHES[0])
        given_up.close()
    for arrays, rows in zip(reading.read(BATCHES[::-1]), BATCHES[::-1], strict=True):
        check(arrays, rows)
    # a reader may still be at work for a reading that was given up; its slot comes back when it answers
    at_work = [slot for worker in reading._workers for slot, _ in worker.pending.values()]
    assert sorted(reading._free + at_work) == list(range(len(reading._slots)))
    reading.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_worker_is_replaced_and_no_batch_is_lost(workers: int) -> None:
    said: list[str] = []
    reading = pool(PixelRows(60), workers, said)
    before = reading.processes
    for number, (arrays, rows) in enumerate(zip(reading.read(BATCHES), BATCHES, strict=True)):
        check(arrays, rows)
        if number == 3:
            os.kill(before[0], signal.SIGKILL)
    for arrays, rows in zip(reading.read(BATCHES), BATCHES, strict=True):
        check(arrays, rows)
    assert len(said) == 1
    assert said[0].startswith(f"reading worker {before[0]} was killed by signal 9")
    assert said[0].endswith("it was replaced, and no data was lost")
    assert len(set(reading.processes)) == workers
    assert before[0] not in reading.processes
    reading.close()


def test_a_worker_killed_between_epochs_is_replaced() -> None:
    said: list[str] = []
    reading = pool(PixelRows(60), 1, said)
    assert len(list(reading.read(BATCHES))) == 12
    os.kill(reading.processes[0], signal.SIGKILL)
    assert wait_until(lambda: not alive(reading.processes[0]))
    for arrays, rows in zip(reading.read(BATCHES), BATCHES, strict=True):
        check(arrays, rows)
    assert len(said) == 1
    reading.close()


def test_a_row_that_kills_every_reader_ends_the_run() -> None:
    said: list[str] = []
    reading = pool(PixelRows(60, Deadly(22, os.getpid())), 2, said)
    with pytest.raises(
        DataError,
        match=r"^reading workers died 4 times; the last was killed by signal 9 while reading 5 rows from photos/20.png on, "
        r"most likely out of memory: use fewer --workers, or --workers 0 to read in the main process$",
    ):
        list(reading.read(BATCHES))
    assert len(said) == 3
    assert reading.processes == []


def test_an_unreadable_row_is_told_when_its_batch_is_due() -> None:
    reading = pool(PixelRows(60, Unreadable(17)))
    due = reading.read(BATCHES)
    for rows in BATCHES[:3]:
        check(next(due), rows)
    with pytest.raises(DataError, match="^photos/17.png: truncated at byte 77; delete it or copy it again$"):
        next(due)
    reading.close()


def test_a_fault_of_ours_keeps_its_traceback() -> None:
    reading = pool(PixelRows(60, Faulty(17)))
    with pytest.raises(RuntimeError, match=r"(?s)a reading worker failed:.*sample_rows.py.*ZeroDivisionError: planted"):
        list(reading.read(BATCHES))
    reading.close()


def test_interrupts_do_not_reach_the_workers() -> None:
    said: list[str] = []
    reading = pool(PixelRows(60), 2, said)
    check(next(reading.read(BATCHES)), BATCHES[0])
    for number in (signal.SIGINT, signal.SIGTERM):
        for process in reading.processes:
            os.kill(process, number)
    assert len(list(reading.read(BATCHES))) == 12
    assert said == []
    reading.close()


def test_closing_ends_the_processes() -> None:
    reading = pool(PixelRows(60))
    processes = reading.processes
    assert all(alive(process) for process in processes)
    reading.close()
    assert not any(alive(process) for process in processes)


def test_a_pool_that_nobody_holds_ends_its_processes() -> None:
    reading = pool(PixelRows(60))
    processes = reading.processes
    del reading
    assert wait_until(lambda: not any(alive(process) for process in processes))


SCRIPT = """
import os, signal, sys, time
import numpy as np
from sample_rows import PixelRows
from sonde.data.feed.pool import WorkerPool

def slow(indices):
    time.sleep(30 if sys.argv[1] == "busy" and indices[0] else 0)

pool = WorkerPool(PixelRows(60, slow), batch_size=5, workers=2, warnings=[])
other = WorkerPool(PixelRows(60), batch_size=5, workers=1, warnings=[])
reading = pool.read([np.arange(start, start + 5) for start in range(0, 60, 5)])
next(reading)
print(*pool.processes, *other.processes, flush=True)
if sys.argv[1] != "leave":
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("how", ["leave", "idle", "busy"])
def test_workers_go_with_their_parent(tmp_path: Path, how: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    samples = Path(__file__).resolve().parents[2] / "samples"
    env = {**os.environ, "PYTHONPATH": str(samples), "OMP_NUM_THREADS": "1"}
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, str(script), how], env=env, stdout=subprocess.PIPE, text=True, timeout=60, check=False
    )
    assert done.returncode == (0 if how == "leave" else -signal.SIGKILL)
    processes = [int(word) for word in done.stdout.split()]
    assert len(processes) == 3
    assert wait_until(lambda: not any(alive(process) for process in processes), 5)
    assert time.monotonic() - begun < 20  # a worker asleep for 30 s was not waited for
