"""Rows of inputs and targets: what is read, and that they travel to another process."""

import pickle

import numpy as np

from sonde.core.dataset import Rows
from sonde.data.rows import ArrayInputs, InputRows, InputsOf, StandardisedInputs


def test_fields_come_in_the_order_asked() -> None:
    images = np.arange(4 * 3 * 2 * 2, dtype=np.uint8).reshape(4, 3, 2, 2)
    rows = InputRows(ArrayInputs(images, "x.npy"), {"target": np.array([3, 2, 1, 0]), "mask": np.eye(4)})
    batch = rows.read(np.array([3, 1]))
    assert (batch["input"] == images[[3, 1]]).all()
    assert batch["target"].tolist() == [0, 2]
    assert batch["mask"].shape == (2, 4)
    assert rows.describe(3) == "x.npy row 3"
    assert rows.nbytes() == images.nbytes + 4 * 8 + 16 * 8
    assert isinstance(rows, Rows)
    assert set(InputRows(InputsOf(rows)).read(np.array([0]))) == {"input"}  # for prediction


def test_a_view_in_another_order_of_axes_is_read_contiguous() -> None:
    inputs = ArrayInputs(np.zeros((5, 8, 6, 3), np.uint8).transpose(0, 3, 1, 2), "")
    read = inputs.read(np.array([1, 4]))
    assert read.shape == (2, 3, 8, 6)
    assert read.flags.c_contiguous
    assert inputs.describe(2) == "row 2"


def test_rows_pickle() -> None:
    rows = InputRows(ArrayInputs(np.ones((2, 3), np.float32), "x"), {"target": np.array([0, 1])})
    again = pickle.loads(pickle.dumps(rows))
    assert (again.read(np.array([1]))["input"] == 1).all()


def test_standardising_on_read() -> None:
    array = np.array([[1.0, 10.0], [3.0, 30.0]], np.float32)
    inputs = StandardisedInputs(ArrayInputs(array, "x"), np.array([2, 20], np.float32), np.array([1, 10], np.float32))
    assert inputs.read(np.array([1, 0])).tolist() == [[1, 1], [-1, -1]]
    assert inputs.describe(1) == "x row 1"
