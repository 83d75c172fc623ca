import multiprocessing
import os
import threading

import numpy as np
from sample_rows import Faulty, PixelRows, Unreadable, pixels

from sonde.data.feed.layout import Field, layout_of
from sonde.data.feed.worker import Answer, _has_work, _read, slot_bytes, views

LAYOUT = {"mask": Field((3,), np.dtype(np.float32)), "input": Field((2, 2), np.dtype(np.uint8))}


def test_views_do_not_overlap_and_start_on_cache_lines() -> None:
    memory = bytearray(slot_bytes(LAYOUT, 5))
    assert len(memory) == 64 + 64
    found = views(memory, LAYOUT, 5)
    found["mask"][:] = 1
    found["input"][:] = 255
    assert found["mask"].shape == (5, 3)
    assert found["mask"].sum() == 15
    assert memory.count(255) == 20
    assert found["input"].ctypes.data % 64 == found["mask"].ctypes.data % 64


def test_rows_are_put_into_their_slot() -> None:
    rows = PixelRows(9)
    layout = layout_of(rows)
    slot = views(bytearray(slot_bytes(layout, 4)), layout, 4)
    indices = np.array([8, 2, 5])
    assert _read(rows, slot, 7, indices) == Answer(7, "read")
    assert np.array_equal(slot["input"][:3], pixels(indices))
    assert slot["target"].tolist() == [0, 2, 1, 0]


def test_what_goes_wrong_is_told_apart() -> None:
    layout = layout_of(PixelRows(9))
    slot = views(bytearray(slot_bytes(layout, 4)), layout, 4)
    refused = _read(PixelRows(9, Unreadable(2)), slot, 1, np.array([2]))
    assert refused == Answer(1, "refused", "photos/2.png: truncated at byte 77; delete it or copy it again")
    broke = _read(PixelRows(9, Faulty(2)), slot, 1, np.array([2]))
    assert broke.kind == "broke"
    assert broke.text.startswith("Traceback")


def test_a_worker_without_its_parent_has_no_work() -> None:
    ours, theirs = multiprocessing.Pipe()
    assert not _has_work(theirs, parent=os.getpid())  # a process is not its own parent
    threading.Timer(0.05, lambda: ours.send("task")).start()
    assert _has_work(theirs, parent=os.getppid())
