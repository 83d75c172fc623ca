"""Made rows of a table beside real ones."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from sonde.modalities.table.compared import BINS, MOST_NAMES, OTHERS, compared, spearman


def column(found: dict, name: str) -> dict:
    return next(each for each in found["columns"] if each["name"] == name)


def test_each_column_has_the_shares_of_both() -> None:
    made = pa.table({"sex": ["f", "f", "m", None], "age": pa.array([1, 1, 2, 9]), "only here": [1, 2, 3, 4]})
    real = pa.table({"sex": ["m", "m", "f", "m"], "age": pa.array([1, 2, 2, 3]), "row": [1, 2, 3, 4]})
    found = compared(made, real)
    assert found["names"] == ["sex", "age"]
    assert found["rows"]["made"][3] == ["", "9"]
    sex = column(found, "sex")
    assert (sex["labels"], sex["real"], sex["gaps"]) == (["m", "f"], [0.75, 0.25], [0.25, 0.0])
    assert sex["made"] == pytest.approx([1 / 3, 2 / 3])
    # of all four: m 1/4 beside 3/4, f 2/4 beside 1/4, gaps 1/4 beside 0
    assert sex["apart"] == pytest.approx(0.5)
    age = column(found, "age")
    assert age["edges"][0] == pytest.approx(0.515)  # the lowest half a hundredth of the real rows lies beyond
    assert age["made"] == [0.5, 0.25, 0.25]  # what lies beyond stands at the end
    assert age["real"] == [0.25, 0.5, 0.25]


def test_numbers_that_are_not_whole_have_bins_between_quantiles_and_dates_are_seconds() -> None:
    drawn = np.random.default_rng(0)
    numbers = pa.table({"x": drawn.normal(size=2000), "day": [date(1970, 1, 1 + n % 28) for n in range(2000)]})
    found = compared(numbers, numbers)
    assert len(column(found, "x")["edges"]) == BINS + 1
    assert column(found, "x")["apart"] == 0
    day = column(found, "day")
    assert (day["kind"], day["edges"][-1]) == ("date", 27 * 86400)


def test_of_many_names_the_commonest_are_told() -> None:
    real = pa.table({"name": [f"n{n % 20}" for n in range(200)]})
    made = pa.table({"name": ["n0", "n19", "new", "new"]})
    name = column(compared(made, real), "name")
    assert len(name["labels"]) == MOST_NAMES
    assert name["labels"][-1] == OTHERS
    assert sum(name["made"]) == pytest.approx(1)


def test_correlations_are_of_what_has_an_order() -> None:
    drawn = np.random.default_rng(1)
    x = drawn.normal(size=300)
    table = pa.table(
        {"x": x, "y": -x, "yes": ["yes" if each > 0 else "no" for each in x], "three": [f"{n % 3}" for n in range(300)]}
    )
    pairs = {tuple(pair[:2]): pair[2:] for pair in compared(table, table)["correlations"]["pairs"]}
    assert set(pairs) == {("x", "y"), ("x", "yes"), ("y", "yes")}
    assert pairs["x", "y"] == pytest.approx([-1, -1])
    assert pairs["x", "yes"][0] > 0.8


def test_spearman_is_that_of_scipy() -> None:
    drawn = np.random.default_rng(2)
    first = drawn.integers(0, 5, 200).astype(float)
    second = first + drawn.normal(size=200)
    assert spearman(first, second) == pytest.approx(stats.spearmanr(first, second)[0])
    first[:50] = np.nan
    assert spearman(first, second) == pytest.approx(stats.spearmanr(first[50:], second[50:])[0])
    assert spearman(first, np.ones(200)) is None
