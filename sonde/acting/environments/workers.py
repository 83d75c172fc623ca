"""Environments that step in worker processes, with what they show in shared memory.

Each process has some of the environments, as `in_process` has them all: what comes of an action, and the state of a run, are
the same to the last bit wherever they step.
"""

import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor

from sonde.acting.environments.making import Making
from sonde.acting.environments.worker import (
    ACTION_BYTES,
    ACTIONS,
    DONE,
    LOAD,
    RESET,
    REWIND,
    STATE,
    STEP,
    Memory,
    Share,
)
from sonde.core.acting import Transition
from sonde.core.bounds import flag
from sonde.core.catalogue import require
from sonde.core.errors import ConfigError, DataError

OF_EACH = (
    "episode",
    "length",
    "seen",
    "snapshot",
    "snapshot_bytes",
    "last_episode",
    "last_length",
    "last_whole",
    "last_over",
    "last_seen",
)  # of a state, one environment behind the other
OF_STEPS = {
    "actions": "length",
    "reward": "length",
    "last_actions": "last_length",
    "last_reward": "last_length",
}  # and by what
STARTING = 120.0  # seconds at least that making an environment may take, in a process that is only starting
ENDING = 2.0  # seconds that a process has to end by itself


class _Raised(Exception):
    """Where something was raised in another process, for --debug."""


class _Worker:
    """A process, its pipe and which environments it has."""

    def __init__(self, number: int, rows: range, memory: int, workers: int) -> None:
        self.number, self.rows = number, rows
        ours, theirs = socket.socketpair()
        here = os.getcwd()  # searched last, as where environments are named (`reachable`)
        code = f"import sys; sys.path[:] = {[*(each or here for each in sys.path), here]!r}; "
        code += f"from sonde.acting.environments.worker import serve; serve({theirs.fileno()}, {memory}, {workers})"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code], pass_fds=(theirs.fileno(), memory), stdin=subprocess.DEVNULL
        )
        theirs.close()
        self.connection = Connection(ours.detach())

    @property
    def called(self) -> str:
        """Its environments, in words."""
        first, last = self.rows[0], self.rows[-1]
        return f"environment {first}" if first == last else f"environments {first} to {last}"


class InWorkers:
    """n environments in so many processes.

    make:   an environment;  seed_of: (number of the environment, of its episode) -> the seed of that episode
    said:   what is to be told of it, in the plan of a run
    """

    def __init__(
        self, make: Making, count: int, workers: int, *, seed_of: Callable[[int, int], int], said: str = ""
    ) -> None:
        if not hasattr(os, "posix_spawn"):
            raise ConfigError(f"{flag('workers')} for environments needs Linux or macOS; give {flag('workers')} 0")
        self.count, self.said, self._make = count, said, make
        workers = min(workers, count)
        shape, dtype = make.shape, make.dtype
        size = Memory.size(total=count, workers=workers, shape=shape, dtype=dtype)
        file = _memory_file(size)
        self._memory = Memory(file, total=count, workers=workers, shape=shape, dtype=dtype)
        self._actions: np.ndarray | None = None
        self._workers: list[_Worker] = []
        self._finalizer = weakref.finalize(self, _end, self._workers)
        packed = require("cloudpickle", extra="acting", purpose="environments in worker processes")
        try:
            for number, part in enumerate(np.array_split(np.arange(count), workers)):
                rows = range(int(part[0]), int(part[-1]) + 1)
                worker = _Worker(number, rows, file, workers)
                self._workers.append(worker)
                share = Share(make=make, seed_of=seed_of, worker=number, first=rows[0], count=len(rows), total=count)
                worker.connection.send_bytes(packed.dumps(share))
            for worker in self._workers:
                self._answer(worker, starting=True)
        except BaseException:
            self.close()
            raise
        finally:
            os.close(file)

    def reset(self) -> np.ndarray:
        """The first observations of the next episodes, at first of the first."""
        self._ask(RESET)
        return self._memory.observation.copy()

    def rewind(self) -> None:
        """The first episodes come next, as when they were made."""
        self._ask(REWIND)

    def step(self, actions: np.ndarray) -> Transition:
        """Take one action in each; an episode that ends is followed by the next."""
        if self._actions is None:
            self._actions = self._agreed(actions)
        self._actions[:] = actions
        self._ask(STEP)
        memory = self._memory
        return Transition(
            memory.reward.copy(),
            memory.terminated.copy(),
            memory.truncated.copy(),
            memory.following.copy(),
            memory.observation.copy(),
        )

    def _agreed(self, actions: np.ndarray) -> np.ndarray:
        """Where actions are written, once their shape is known and told."""
        layout = (actions.shape[1:], actions.dtype.str)
        if actions[0].nbytes > ACTION_BYTES:
            raise ConfigError(
                f"an action has {actions[0].nbytes:,} bytes, too many for worker processes; give --workers 0"
            )
        for worker in self._workers:
            worker.connection.send_bytes(ACTIONS)
            worker.connection.send_bytes(pickle.dumps(layout))
        return self._memory.actions(*layout)

    def state_dict(self) -> dict[str, Tensor]:
        """As of `InProcess`."""
        parts = [pickle.loads(answer) for answer in self._ask(STATE)]
        found = {name: np.concatenate([part[name] for part in parts]) for name in OF_EACH}
        for name, each in OF_STEPS.items():
            taken = [part[name] for part in parts if part[each].any()]
            found[name] = np.concatenate(taken) if taken else parts[0][name]
        return {name: torch.from_numpy(values) for name, values in found.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> np.ndarray:
        """As of `InProcess`. Raises: RunFolderError"""
        arrays = {name: values.numpy() for name, values in state.items()}
        counted = {**OF_STEPS, "snapshot": "snapshot_bytes"}
        counted = {name: each for name, each in counted.items() if name in arrays}  # earlier versions lack some
        ends = {name: np.concatenate([[0], np.cumsum(arrays[each])]) for name, each in counted.items()}
        for worker in self._workers:
            rows = slice(worker.rows[0], worker.rows[-1] + 1)
            part = {name: arrays[name][rows] for name in OF_EACH if name != "snapshot" and name in arrays}
            for name, until in ends.items():
                part[name] = arrays[name][until[rows.start] : until[rows.stop]]
            worker.connection.send_bytes(LOAD)
            worker.connection.send_bytes(pickle.dumps(part))
        for worker in self._workers:
            self._answer(worker)
        return self._memory.observation.copy()

    def _ask(self, what: bytes) -> list[bytes]:
        """What each process answers. Raises: DataError where one does not"""
        for worker in self._workers:
            try:
                worker.connection.send_bytes(what)
            except OSError:
                self._died(worker)
        return [self._answer(worker) for worker in self._workers]

    def _answer(self, worker: _Worker, *, starting: bool = False) -> bytes:
        """Raises: DataError for a process that ended or hangs, and what was raised in it"""
        timeout = self._make.timeout
        if starting and timeout:
            timeout = max(timeout, STARTING)
        calls = -1
        try:
            while not worker.connection.poll(timeout or None):
                now = int(self._memory.at[worker.number, 3])
                if now == calls:
                    self._hangs(worker, timeout)
                calls = now
            answer = worker.connection.recv_bytes()
        except (EOFError, OSError):
            self._died(worker)
        if answer[:1] == DONE:
            return answer[1:]
        kind, message, where = pickle.loads(answer[1:])
        self.close()
        if kind is None:
            raise DataError(
                f"{self._make.name}: {worker.called}: {message.splitlines()[0]} (--debug shows where)"
            ) from _Raised(f"in a worker process:\n{where}")
        raise kind(message) from _Raised(f"in a worker process:\n{where}")

    def _place(self, worker: _Worker) -> str:
        """What a process was at."""
        number, seed, step, _ = self._memory.at[worker.number].tolist()
        if seed < 0:
            return f"{self._make.name}: {worker.called}, being made"
        return f"{self._make.name}: environment {number}, seed {seed}, step {step}"

    def _hangs(self, worker: _Worker, timeout: float) -> NoReturn:
        place = self._place(worker)
        worker.process.kill()
        self.close()
        raise DataError(
            f"{place}: no answer in {timeout:g} seconds; {flag('environment_timeout')} allows longer, 0 any time"
        )

    def _died(self, worker: _Worker) -> NoReturn:
        try:
            code = worker.process.wait(ENDING)
        except subprocess.TimeoutExpired:
            worker.process.kill()
            code = worker.process.wait()
        place = self._place(worker)
        self.close()
        how, remedy = f"with exit code {code}", "mend the environment"
        if code < 0:
            how = f"by {signal.Signals(-code).name}"
            if -code == signal.SIGKILL:
                remedy = f"where memory ran out, give fewer {flag('environments')}"
        raise DataError(f"{place}: its process was ended {how}; {remedy}")

    def close(self) -> None:
        """End all processes."""
        self._finalizer()


def _memory_file(size: int) -> int:
    """A file without a name, which is gone when nobody has it open: in memory where the system can."""
    if hasattr(os, "memfd_create"):
        file = os.memfd_create("sonde-environments")
    else:
        with tempfile.TemporaryFile() as temporary:
            file = os.dup(temporary.fileno())
    os.ftruncate(file, size)
    return file


def _end(workers: Sequence[Any]) -> None:
    for worker in workers:
        worker.connection.close()  # at which it ends by itself, and its environments are closed by Python
    for worker in workers:
        try:
            worker.process.wait(ENDING)
        except subprocess.TimeoutExpired:
            worker.process.kill()
            worker.process.wait()
