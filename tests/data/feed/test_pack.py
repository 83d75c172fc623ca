import time

import numpy as np
import pytest
import torch
from sample_rows import PixelRows, Unreadable, pixels

from sonde.core.errors import DataError
from sonde.data.feed import pack as packing
from sonde.data.feed.pack import as_tensor, pack


def test_rows_are_packed_in_the_order_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "CHUNK_ROWS", 7)
    chosen = np.random.default_rng(0).permutation(50)[:40]
    packed = pack(PixelRows(50), chosen)
    assert np.array_equal(packed["input"].numpy(), pixels(chosen))
    assert packed["target"].tolist() == (chosen % 4).tolist()
    assert packed["target"].dtype == torch.int64


def test_progress_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "CHUNK_ROWS", 20)
    heard: list[tuple[str, int, int]] = []
    pack(PixelRows(50), np.arange(50), label="train", tick=lambda *told: heard.append(told))
    assert heard == [("packing train", 20, 50), ("packing train", 40, 50), ("packing train", 50, 50)]


def test_several_threads_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "CHUNK_ROWS", 1)
    monkeypatch.setattr(packing, "cores", lambda: 3)
    rows = PixelRows(
        300, lambda _: time.sleep(1e-3)
    )  # as long as a picture takes to decode: nobody waits for the other
    pack(rows, np.arange(300))
    assert len(rows.read_by) > 2  # this thread for the layout, and at least two more


def test_the_first_unreadable_row_is_named_and_reading_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "CHUNK_ROWS", 5)
    with pytest.raises(DataError, match=r"^photos/33.png: truncated at byte 77; delete it or copy it again$"):
        pack(PixelRows(5000, Unreadable(33)), np.arange(5000))


def test_arrays_share_their_memory_where_types_allow() -> None:
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    tensor = as_tensor("input", array)
    array[1, 2] = 99
    assert tensor[1, 2] == 99
    assert as_tensor("target", np.arange(3, dtype=np.uint8)).dtype == torch.int64


def test_read_only_and_turned_arrays_are_taken_without_a_word() -> None:
    array = np.frombuffer(bytes(range(12)), np.uint8).reshape(3, 4)
    assert as_tensor("input", array).tolist() == array.tolist()
    assert as_tensor("input", array[::-1]).tolist() == array[::-1].tolist()
    assert as_tensor("input", array.T).tolist() == array.T.tolist()
