"""The life of a reading process: ask rows for batches, put them into shared memory, until the parent is gone."""

import ctypes
import os
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Literal

import numpy as np

from sonde.core.dataset import Rows
from sonde.core.errors import SondeError
from sonde.data.feed.layout import Field

POLL_S = 2.0  # between looks at whether the parent still lives, where the system does not tell us


@dataclass(frozen=True)
class Answer:
    """What came of a task.

    kind: "read", or "refused" (the data's fault, `text` its one line), or "broke" (ours, `text` the traceback)
    """

    task: int
    kind: Literal["read", "refused", "broke"]
    text: str = ""


def views(memory: Any, layout: Mapping[str, Field], batch_size: int) -> dict[str, np.ndarray]:
    """Arrays (batch_size, …) for each field inside one piece of shared memory, each starting on a cache line."""
    found: dict[str, np.ndarray] = {}
    offset = 0
    for name, field in layout.items():
        count = batch_size * int(np.prod(field.shape, dtype=np.int64))
        found[name] = np.frombuffer(memory, field.dtype, count, offset).reshape(batch_size, *field.shape)
        offset += -(-batch_size * field.nbytes // 64) * 64
    return found


def slot_bytes(layout: Mapping[str, Field], batch_size: int) -> int:
    """Shared memory that `views` needs."""
    return sum(-(-batch_size * field.nbytes // 64) * 64 for field in layout.values())


def serve(
    rows: Rows,
    memories: Sequence[Any],
    layout: Mapping[str, Field],
    batch_size: int,
    pipe: Connection,
    *,
    other_end: Connection,
    parent: int,
    die_with_parent: bool,
) -> None:
    """Answer (task, slot, indices) from `pipe` until it closes or process `parent` is gone."""
    other_end.close()  # our copy of the parent's, which would keep the pipe open after its death
    _settle_in(die_with_parent)
    slots = [views(memory, layout, batch_size) for memory in memories]
    try:
        while _has_work(pipe, parent):
            task, slot, indices = pipe.recv()
            pipe.send(_read(rows, slots[slot], task, indices))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the parent closed the pipe or died: nobody is left to read for


def _read(rows: Rows, slot: Mapping[str, np.ndarray], task: int, indices: np.ndarray) -> Answer:
    try:
        for name, array in rows.read(indices).items():
            slot[name][: len(indices)] = array
    except SondeError as error:
        return Answer(task, "refused", str(error))
    except Exception:  # carried to the parent, which raises it there
        return Answer(task, "broke", traceback.format_exc())
    return Answer(task, "read")


def _settle_in(die_with_parent: bool) -> None:
    # Ctrl-C and a SIGTERM to the group are for the parent, which finishes its step and still needs rows for that
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    if die_with_parent and sys.platform == "linux":
        # at once, also in the middle of a read: a resumed run needs the memory and the processor
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def _has_work(pipe: Connection, parent: int) -> bool:
    while os.getppid() == parent:
        if pipe.poll(POLL_S):
            return True
    return False
