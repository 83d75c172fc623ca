"""Processes that read rows ahead into shared memory. One that dies is replaced and its unfinished work done again.

torch's DataLoader is not used here: its SIGCHLD handler raises in the middle of whatever the main thread does, so a lost
worker cannot be mended; it allocates shared memory anew for every batch; and it notices a loss only after five seconds.
"""

import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import connection, util
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import numpy as np

from sonde.core.dataset import Rows
from sonde.core.errors import DataError
from sonde.data.feed.layout import layout_of
from sonde.data.feed.worker import Answer, serve, slot_bytes, views

MOST_RESTARTS = 3
AHEAD = 2  # batches requested of each worker before the first is needed
MOST_BYTES = 512 * 2**20  # of shared memory, beyond one batch a worker


@dataclass(eq=False)
class Worker:
    """One worker process. pending: task -> (slot, rows), in the order in which they were asked."""

    process: BaseProcess
    pipe: Connection
    pending: dict[int, tuple[int, np.ndarray]] = field(default_factory=dict)


class WorkerPool:
    """`workers` processes and the shared memory they fill.

    warnings: takes a sentence for each worker that was lost and replaced, at most `MOST_RESTARTS`
    Raises: DataError when the first row cannot be read
    """

    def __init__(self, rows: Rows, *, batch_size: int, workers: int, warnings: list[str]) -> None:
        self._restarts = 0
        self._warnings = warnings
        self._rows = rows
        self._layout = layout_of(rows)
        self._batch_size = batch_size
        self._context = multiprocessing.get_context()
        bytes_each = slot_bytes(self._layout, batch_size)
        self._ahead = max(1, min(AHEAD, MOST_BYTES // max(1, bytes_each * workers)))
        count = workers * self._ahead + 1  # one more: the batch being consumed
        self._memories = [self._context.RawArray("b", bytes_each) for _ in range(count)]
        self._slots = [views(memory, self._layout, batch_size) for memory in self._memories]
        self._free = list(range(count))
        self._next_task = 0
        self._done: dict[int, tuple[int, Answer]] = {}
        self._workers: list[Worker] = []
        # before multiprocessing's own exit waits for children that ignore its SIGTERM
        self._finalizer = util.Finalize(self, _end, args=(self._workers,), exitpriority=10)
        for _ in range(workers):
            self._workers.append(self._start())

    @property
    def processes(self) -> list[int]:
        """Process ids of the workers."""
        return [worker.process.pid or 0 for worker in self._workers]

    def read(self, batches: Sequence[np.ndarray]) -> Generator[dict[str, np.ndarray], None, None]:
        """Fields of each batch of rows, in order; the arrays are overwritten once the next is requested.

        Raises: DataError for rows that cannot be read, and when workers keep dying; RuntimeError for a fault of ours
        """
        first = self._next_task
        for slot, _ in self._done.values():  # left by a reading that was given up
            self._free.append(slot)
        self._done.clear()
        for number, rows in enumerate(batches):
            self._ask(batches, first)
            while first + number not in self._done:
                self._listen(first)
                self._ask(batches, first)
            slot, answer = self._done.pop(first + number)
            try:
                if answer.kind == "refused":
                    raise DataError(answer.text)
                if answer.kind == "broke":
                    raise RuntimeError(f"a reading worker failed:\n{answer.text}")
                yield {name: array[: len(rows)] for name, array in self._slots[slot].items()}
            finally:
                self._free.append(slot)

    def close(self) -> None:
        """End the workers and give their memory back."""
        self._finalizer()

    def _ask(self, batches: Sequence[np.ndarray], first: int) -> None:
        """Hand out the next batches while there are free slots and workers that have not enough to do."""
        while self._free and self._next_task - first < len(batches):
            worker = min(self._workers, key=lambda worker: len(worker.pending))
            if len(worker.pending) >= self._ahead:
                return
            rows = batches[self._next_task - first]
            worker.pending[self._next_task] = (self._free.pop(), rows)
            self._send(worker, self._next_task)
            self._next_task += 1

    def _send(self, worker: Worker, task: int) -> None:
        slot, rows = worker.pending[task]
        try:
            worker.pipe.send((task, slot, rows))
        except (BrokenPipeError, ConnectionResetError):
            self._replace(worker)

    def _listen(self, first: int) -> None:
        """Wait for word from any worker. Answers to tasks before `first` are nobody's any more."""
        ready = connection.wait([end for worker in self._workers for end in (worker.pipe, worker.process.sentinel)])
        for worker in list(self._workers):
            if worker.pipe in ready:
                try:
                    answer: Answer = worker.pipe.recv()
                except (EOFError, ConnectionResetError):
                    self._replace(worker)
                    continue
                slot, _ = worker.pending.pop(answer.task)
                if answer.task < first:
                    self._free.append(slot)
                else:
                    self._done[answer.task] = (slot, answer)
            elif worker.process.sentinel in ready:
                self._replace(worker)

    def _replace(self, lost: Worker) -> None:
        """Start a worker in place of a lost one, with what it had still to do. Raises: DataError after too many."""
        lost.process.join()
        lost.pipe.close()
        code = lost.process.exitcode or 0
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        where = ""
        if lost.pending:
            _, rows = next(iter(lost.pending.values()))
            where = f" while reading {len(rows):,} rows from {self._rows.describe(int(rows[0]))} on"
        if self._restarts == MOST_RESTARTS:
            self.close()
            raise DataError(
                f"reading workers died {MOST_RESTARTS + 1} times; the last {how}{where}, most likely out of memory: "
                "use fewer --workers, or --workers 0 to read in the main process"
            )
        self._restarts += 1
        self._warnings.append(f"reading worker {lost.process.pid} {how}{where}; it was replaced, and no data was lost")
        worker = self._start()
        worker.pending = dict(lost.pending)
        self._workers[self._workers.index(lost)] = worker
        for task in list(worker.pending):
            if worker in self._workers:  # not lost again meanwhile, in which case its work was sent already
                self._send(worker, task)

    def _start(self) -> Worker:
        ours, theirs = self._context.Pipe()
        # the system counts the thread that starts a child as its parent; one that may end early would take workers along
        lasting = threading.current_thread() is threading.main_thread()
        context: Any = self._context  # whose Process no type is known of
        process = context.Process(
            target=serve,
            args=(self._rows, self._memories, self._layout, self._batch_size, theirs),
            kwargs={"other_end": ours, "parent": os.getpid(), "die_with_parent": lasting},
            daemon=True,
            name="sonde-reader",
        )
        with _signals_held(), warnings.catch_warnings():
            # Python 3.12: a forked child may hang on a lock another thread held; ours runs no code that takes one
            warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)
            process.start()
        theirs.close()
        return Worker(process, ours)


@contextmanager
def _signals_held() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait meanwhile, and for ever in a child that is forked: it must not take them for its own."""
    if os.name != "posix":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(workers: list[Worker]) -> None:
    """Workers only read, so there is nothing to let them finish."""
    for worker in workers:
        worker.process.kill()
    for worker in workers:
        worker.process.join()
        worker.pipe.close()
    workers.clear()
