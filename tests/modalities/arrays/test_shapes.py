"""Which arrays are images, in which order of axes and on which scale."""

import numpy as np
import pytest
import torch

from sonde.core.dataset import InputSpec
from sonde.core.errors import DataError
from sonde.modalities.arrays.shapes import as_array, lay_out, layout_for, layout_of

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((9, 28, 28), "nhw"),
        ((9, 28, 28, 1), "nhwc"),
        ((9, 28, 28, 3), "nhwc"),
        ((9, 3, 32, 32), "nchw"),
        ((9, 1, 8, 8), "nchw"),
        ((9, 5, 16, 16), "nchw"),
        ((9, 16, 16, 5), "nhwc"),
        ((9, 784), "flat"),
        ((9, 3, 2), "ntv"),
        ((9, 3, 12), "nvt"),
        ((9, 1, 1), "flat"),
        ((9, 4, 4, 4, 4), "flat"),
    ],
)
def test_axes(shape: tuple[int, ...], axes: str) -> None:
    assert layout_of([np.zeros(shape, np.uint8)], "x").axes == axes


def test_every_order_of_axes_gives_channels_first() -> None:
    images = RNG.integers(0, 256, (4, 3, 6, 5), dtype=np.uint8)
    last = images.transpose(0, 2, 3, 1)
    for array in (images, last):
        assert (lay_out(array, layout_of([array], "x"), "x") == images).all()
    grey = images[:, 0]
    assert (lay_out(grey, layout_of([grey], "x"), "x")[:, 0] == grey).all()


def test_bytes_are_not_copied() -> None:
    images = np.zeros((4, 8, 8, 3), np.uint8)
    assert np.shares_memory(lay_out(images, layout_of([images], "x"), "x"), images)


def test_eight_bits_survive_a_division_by_255() -> None:
    images = RNG.integers(0, 256, (3, 16, 16), dtype=np.uint8)
    scaled = images.astype(np.float32) / 255
    layout = layout_of([scaled], "x")
    assert layout.why == "values in 0..1, stored in 8 bits"
    assert (lay_out(scaled, layout, "x")[:, 0] == images).all()


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.full((2, 4, 4), 65535, np.uint16), 255),
        (np.full((2, 4, 4), 257, np.uint16), 1),
        (np.full((2, 4, 4), 200, np.int64), 200),
        (np.full((2, 4, 4), True), 255),
        (np.full((2, 4, 4), 128.4, np.float32), 128),
    ],
)
def test_scales(array: np.ndarray, expected: int) -> None:
    laid = lay_out(array, layout_of([array], "x"), "x")
    assert laid.dtype == np.uint8
    assert (laid == expected).all()


def test_numbers_out_of_range_are_no_pixels() -> None:
    array = RNG.normal(size=(5, 6, 7))
    layout = layout_of([array], "x")
    assert layout.kind == "array"
    assert "are not pixels" in layout.why
    assert lay_out(array, layout, "x").shape == (5, 6, 7), "a sequence of 6 steps"


def test_the_range_of_all_splits_counts() -> None:
    train, test = np.full((2, 4, 4), 0.5), np.full((2, 4, 4), 200.0)
    assert layout_of([train], "x").scale == 255
    assert layout_of([train, test], "x").scale == 1


def test_a_bad_number_is_named_by_row() -> None:
    array = np.zeros((5, 3), np.float32)
    array[3, 1] = np.nan
    with pytest.raises(DataError, match="^x row 3 holds nan; replace it by a number or leave the row out$"):
        lay_out(array, layout_of([array], "x"), "x")
    array[3, 1] = -np.inf
    with pytest.raises(DataError, match="^x row 3 holds -inf"):
        lay_out(array, layout_of([array], "x"), "x")


def test_what_is_no_array_of_numbers() -> None:
    assert as_array(torch.ones(2, 3, requires_grad=True), "x").shape == (2, 3)
    with pytest.raises(DataError, match="^x: rows differ in length"):
        as_array([[1, 2], [3]], "x")
    with pytest.raises(DataError, match="^x holds <U1; inputs are numbers"):
        as_array([["a"], ["b"]], "x")
    with pytest.raises(DataError, match=r"^x has one axis \(4,\)"):
        layout_of([np.zeros(4)], "x")


def test_a_model_says_what_fits() -> None:
    flat = InputSpec(kind="array", shape=(12,))
    assert layout_for(np.zeros((2, 3, 4)), flat, "x").axes == "flat"
    with pytest.raises(DataError, match="^x has 5 numbers a row; the model takes 12$"):
        layout_for(np.zeros((2, 5)), flat, "x")
    with pytest.raises(DataError, match="does not hold images, which the model was trained on"):
        layout_for(np.zeros((2, 5)), InputSpec(kind="image", shape=(1, 8, 8)), "x")
    with pytest.raises(DataError, match="does not hold text, which the model was trained on"):
        layout_for(np.zeros((5, 8, 8)), InputSpec(kind="tokens", shape=(9,), symbols=30), "x")


def test_sequences_keep_their_steps_in_either_order_of_axes() -> None:
    array = np.random.default_rng(0).normal(size=(5, 40, 3))
    for given, axes, axis in ((array, "ntv", 1), (array.transpose(0, 2, 1), "nvt", 2)):
        layout = layout_of([given], "x")
        assert layout.axes == axes
        assert (
            f"axis {axis} is read as time, 40 steps of 3 values; if time is the other axis, swap them" in layout.guess
        )
        np.testing.assert_array_equal(lay_out(given, layout, "x"), array.astype(np.float32))
    spec = InputSpec(kind="array", shape=(40, 3))
    for given in (array, array.transpose(0, 2, 1)):
        np.testing.assert_array_equal(lay_out(given, layout_for(given, spec, "x"), "x"), array.astype(np.float32))
    with pytest.raises(DataError, match=r"has shape \(5, 30, 3\), and the model takes sequences \(rows, 40, 3\)"):
        layout_for(array[:, :30], spec, "x")


def test_long_narrow_floats_are_sequences_also_where_they_could_be_grey_values() -> None:
    sensors = np.random.default_rng(0).random((5, 128, 9))
    assert layout_of([sensors], "x").axes == "ntv"
    assert layout_of([sensors[:, :28]], "x").axes == "nhw", "28 by 9 in 0..1 may be a picture"
    assert layout_of([sensors[..., None]], "x").axes == "nhwc", "an axis of one channel says that it is"
    old = InputSpec(kind="array", shape=(128 * 9,))
    assert layout_for(sensors, old, "x").axes == "flat", "runs of before read rows as they were trained"
