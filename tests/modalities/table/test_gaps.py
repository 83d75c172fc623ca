"""Repeated nines that stand for a gap."""

import numpy as np
import pytest

from sonde.modalities.table.gaps import codes_of_gaps, doubtful_code


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        ([-999, 0, 1, 2, 3, 4, -999], (-999,)),
        ([-999, -30, -5, 1, 20, 35, -999], (-999,)),
        ([-9999, -9999, -999, -999, 1, 2, 3, 4, 5], (-9999, -999)),
        ([-999, 0, 50_000, 2, 3, 4, -999], (-999,)),
        ([-999, 0, 1, 2, 3, 4], ()),  # once
        ([-999, -998, -500, 0, 1, 2, -999], ()),  # others are near
        ([-1, 0, 1, 2, 3, 4, -1], ()),
        ([-99, 1, -99], ()),  # too few others to know
    ],
)
def test_codes_below(values: list[float], codes: tuple[float, ...]):
    assert codes_of_gaps(np.array([*values, np.nan], np.float64)) == codes


def test_codes_above_are_only_said():
    said = doubtful_code(np.array([999, 999, 0, 3, 7, 12, 27], np.float64))
    assert said.startswith("2 of its cells are 999, far above the others (0 to 27), and read as a value: empty them")
    assert doubtful_code(np.array([99, 99, 0, 30, 7, 12, 98], np.float64)) == ""
