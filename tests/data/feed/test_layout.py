import subprocess
import sys
from pathlib import Path

import numpy as np
from sample_rows import SHAPE, PixelRows

from sonde.data.feed.layout import Field, cores, held, layout_of, pieces_of, stored_dtype
from sonde.data.rows import ArrayInputs, InputRows, InputsOf
from sonde.data.splits import SubsetRows
from sonde.modalities.image.rows import Chosen, Files, ImageInputs
from sonde.modalities.image.shards import Shards
from sonde.modalities.table.rows import TableRows


def test_a_row_is_learnt_from_the_first() -> None:
    layout = layout_of(PixelRows(5))
    assert layout == {"input": Field(SHAPE, np.dtype(np.uint8)), "target": Field((), np.dtype(np.int64))}
    assert layout["input"].nbytes == 144
    assert layout["target"].nbytes == 8


def test_types_as_they_are_stored() -> None:
    assert stored_dtype("input", np.dtype(np.uint8)) == np.uint8
    assert stored_dtype("input", np.dtype(np.float64)) == np.float32
    assert stored_dtype("target", np.dtype(np.uint8)) == np.int64
    assert stored_dtype("target", np.dtype(np.uint8), axes=3) == np.uint8  # a mask
    assert stored_dtype("objects", np.dtype(np.int32), axes=3) == np.int32
    assert stored_dtype("target", np.dtype(np.float64), axes=3) == np.float32  # boxes
    assert stored_dtype("mask", np.dtype(np.bool_)) == np.float32


def in_memory() -> InputRows:
    return InputRows(ArrayInputs(np.zeros((6, 2), np.float32), "x"), {"target": np.arange(6)})


def test_rows_in_memory_are_recognised() -> None:
    rows = in_memory()
    found = held(rows)
    assert found is not None
    assert found[0]["input"] is rows.inputs.array  # type: ignore[attr-defined]
    assert found[1] is None
    table = TableRows({"input": np.zeros((6, 2), np.float32)}, "t.csv", np.arange(6))
    assert held(table) == (table.arrays, None)


def test_selections_of_selections_are_followed() -> None:
    outer = SubsetRows(SubsetRows(in_memory(), np.array([5, 3, 1, 0])), np.array([2, 0]))
    found = held(outer)
    assert found is not None
    assert found[1] is not None
    assert found[1].tolist() == [1, 5]
    assert outer.read(np.array([0, 1]))["target"].tolist() == found[0]["target"][found[1]].tolist()


def test_rows_that_must_be_read_are_not_in_memory() -> None:
    assert held(PixelRows(3)) is None
    assert held(SubsetRows(PixelRows(3), np.array([0]))) is None


def test_pieces_are_found_below_all_that_lies_over_them() -> None:
    shards, numbers = Shards((), (0,), "image", ()), np.zeros(1, np.int64)
    inputs = ImageInputs(Chosen(Chosen(shards, numbers), numbers), (3, 4, 4))
    assert pieces_of(InputsOf(SubsetRows(SubsetRows(InputRows(inputs), numbers), numbers))) is shards
    assert pieces_of(InputRows(ImageInputs(Files(Path(), ("a.png",)), (3, 4, 4)))) is None
    assert pieces_of(in_memory()) is None
    assert pieces_of(PixelRows(3)) is None


def test_there_is_a_core() -> None:
    assert cores() >= 1


def test_worker_processes_do_not_load_torch() -> None:
    code = "import sys, sonde.data.feed.worker; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
