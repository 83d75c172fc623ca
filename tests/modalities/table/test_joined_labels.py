"""Cells that join labels: found, and told from names that hold the sign themselves."""

import numpy as np
import pytest

from sonde.modalities.table.joined_labels import Joined, find_joined, read_joined
from sonde.modalities.table.kinds import Categories, categories
from sonde.modalities.table.read import frame_table


def cells(values: list) -> Categories:
    return categories(frame_table({"y": values}, "t"), "y")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["a;b", "a", "b", "b;c", "c", "Normal"], Joined(";", ("a", "b", "c"), "Normal")),
        (["x, y", "x", "y, z", "z, x", "y"], Joined(",", ("x", "y", "z"), "")),
        (["Washington, DC", "Portland, OR", "Portland, ME"] * 5, None),
        (["a", "b", "a|b"], None),  # one cell of three could be a slip
        (["plain", "names"], None),
    ],
)
def test_labels_that_cells_join(values: list[str], expected: Joined | None):
    assert find_joined(cells(values)) == expected


def test_rows_of_zeros_and_ones():
    found, strange = read_joined(cells(["a|b", "b", None, "No finding", "b|d"]), ("a", "b"))
    np.testing.assert_array_equal(found, [[1, 1], [0, 1], [np.nan, np.nan], [0, 0], [0, 1]])
    assert strange == ["d"]
