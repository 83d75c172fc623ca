"""A process in which some of a run's environments step. What is large goes by shared memory, and a byte by a pipe says so.

The process is started by `sonde.acting.environments.workers`; it imports neither torch nor the program that started it.
"""

import mmap
import os
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from sonde.acting.environments.in_process import InProcess
from sonde.acting.environments.making import Making, as_shown
from sonde.core.errors import SondeError

RESET, STEP, ACTIONS, STATE, LOAD, REWIND = b"r", b"s", b"a", b"g", b"l", b"w"  # what is asked
DONE, FAILED = b"k", b"e"  # what is answered
ACTION_BYTES = 2**16  # room for the action of an environment, of which only what is used takes memory


@dataclass(frozen=True, kw_only=True)
class Share:
    """Which of a run's environments a process has. make, seed_of: as of `InProcess`

    worker: number of the process;  first, count: its environments;  total: environments of all processes
    """

    make: Making
    seed_of: Callable[[int, int], int]
    worker: int
    first: int
    count: int
    total: int


class Memory:
    """Arrays that processes share, a row for each environment; `at` has one for each process.

    at: (workers, 4) int64: environment that is being called, seed and step of its episode, and how many calls there were
    """

    def __init__(self, file: int, *, total: int, workers: int, shape: tuple[int, ...], dtype: str) -> None:
        self._mapped = mmap.mmap(file, self.size(total=total, workers=workers, shape=shape, dtype=dtype))
        self._place = 0
        self.at = self._array((workers, 4), "int64")
        self.reward = self._array((total,), "float64")
        self.terminated, self.truncated = self._array((total,), "bool"), self._array((total,), "bool")
        self.following, self.observation = self._array((total, *shape), dtype), self._array((total, *shape), dtype)
        self._actions, self._total = self._array((total * ACTION_BYTES,), "uint8"), total

    @staticmethod
    def size(*, total: int, workers: int, shape: tuple[int, ...], dtype: str) -> int:
        """Bytes of all of them."""
        seen = int(np.prod(shape)) * np.dtype(dtype).itemsize
        return workers * 32 + total * (8 + 2 + 2 * seen + ACTION_BYTES) + 8 * 64

    def _array(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        count = int(np.prod(shape))
        found = np.frombuffer(self._mapped, dtype, count, self._place).reshape(shape)
        self._place += -(-found.nbytes // 64) * 64  # rows of processes apart from one another's
        return found

    def actions(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        """(total, *shape), of a shape that is known when the first are sent."""
        count = self._total * int(np.prod(shape))
        return self._actions.view(np.uint8)[: count * np.dtype(dtype).itemsize].view(dtype).reshape(self._total, *shape)


class _Marked:
    """An environment that notes each call where the process that waits can read it."""

    def __init__(self, env: Any, at: np.ndarray, number: int) -> None:
        self._env, self._at, self._number = env, at, number

    def reset(self, *, seed: int | None = None) -> Any:
        self._at[:] = self._number, seed, 0, self._at[3] + 1
        return self._env.reset(seed=seed)

    def step(self, action: Any) -> Any:
        at = self._at
        at[0] = self._number
        at[1] = self._env.seed
        at[2] = self._env.steps + 1
        at[3] += 1
        return self._env.step(action)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._env, name)


def serve(pipe: int, file: int, workers: int) -> None:
    """Do what is asked until nobody asks any more. pipe, file: descriptors that were handed down"""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal, which the process that trains answers by a checkpoint
    connection = Connection(pipe)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):  # the process that trains has ended
        _serve(connection, file, workers)


def _end_with(parent: int) -> None:
    """End where the process that trains has ended, also inside a step that never would."""
    while os.getppid() == parent:
        time.sleep(2)
    os._exit(1)


def _serve(connection: Connection, file: int, workers: int) -> None:
    block: InProcess | None = None
    memory: Memory | None = None
    actions = rows = None
    try:
        share: Share = pickle.loads(connection.recv_bytes())
        make, rows = share.make, slice(share.first, share.first + share.count)
        memory = Memory(file, total=share.total, workers=workers, shape=make.shape, dtype=make.dtype)
        at = memory.at[share.worker]
        at[:] = share.first, -1, 0, 0
        block = InProcess(_made(make, at), share.count, encode=as_shown, seed_of=share.seed_of, first=share.first)
        block.envs = [_Marked(env, at, share.first + number) for number, env in enumerate(block.envs)]
        connection.send_bytes(DONE)
    except Exception as error:
        connection.send_bytes(FAILED + _told(error))
        return
    while True:
        asked = connection.recv_bytes()
        try:
            if asked == STEP:
                assert actions is not None
                found = block.step(actions[rows])
                memory.reward[rows], memory.terminated[rows], memory.truncated[rows] = found[:3]
                memory.following[rows], memory.observation[rows] = found.following, found.observation
                connection.send_bytes(DONE)
            elif asked == ACTIONS:
                actions = memory.actions(*pickle.loads(connection.recv_bytes()))
            elif asked == RESET:
                memory.observation[rows] = block.reset()
                connection.send_bytes(DONE)
            elif asked == REWIND:
                block.rewind()
                connection.send_bytes(DONE)
            elif asked == STATE:
                connection.send_bytes(DONE + pickle.dumps(block.state()))
            elif asked == LOAD:
                memory.observation[rows] = block.load(pickle.loads(connection.recv_bytes()))
                connection.send_bytes(DONE)
        except Exception as error:
            connection.send_bytes(FAILED + _told(error))


def _made(make: Making, at: np.ndarray) -> Callable[[], Any]:
    """Make an environment, and note that one more is there."""

    def made() -> Any:
        env = make()
        at[3] += 1
        return env

    return made


def _told(error: Exception) -> bytes:
    """(kind of error, its message, where it was raised): an error itself may not pickle."""
    kind = type(error) if isinstance(error, SondeError) else None
    return pickle.dumps((kind, str(error) or type(error).__name__, "".join(traceback.format_exception(error))))
