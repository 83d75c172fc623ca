"""Encoding: fitted on training rows alone, against scikit-learn's scalers and pandas' date parts."""

import numpy as np
import pytest
from sklearn.preprocessing import KBinsDiscretizer, OrdinalEncoder, StandardScaler

from sonde.core.dataset import Column
from sonde.core.errors import DataError
from sonde.modalities.table.encode import (
    Fitted,
    bin_edges,
    encode,
    fit_columns,
    is_row_number,
    kind_of,
)
from sonde.modalities.table.kinds import Categories, Kind, infer_kind, parse
from sonde.modalities.table.read import Table, frame_table


def fitted(frame: dict, train: np.ndarray | None = None) -> tuple[Fitted, Table]:
    table = frame_table(frame, "t")
    kinds = {name: infer_kind(table, name) for name in table.columns}
    values = {name: parse(table, name, kind) for name, kind in kinds.items()}
    return fit_columns(values, kinds, np.arange(len(table)) if train is None else train), table


def test_numbers_are_standardised_by_training_rows_alone():
    generator = np.random.default_rng(0)
    x = generator.normal(50, 9, 300)
    x[250:] += 1000  # rows outside train must leave no trace
    found, table = fitted({"x": x}, np.arange(200))
    expected = np.asarray(StandardScaler().fit(x[:200, None]).transform(x[:, None]))
    np.testing.assert_allclose(encode(table, found.columns), expected, rtol=1e-5, atol=1e-6)


def test_missing_numbers_become_zero_and_an_indicator():
    x = np.array([1.0, np.nan, 3.0, 5.0])
    found, table = fitted({"x": x})
    assert [(c.name, c.part) for c in found.columns] == [("x", ""), ("x missing", "missing")]
    np.testing.assert_allclose(
        encode(table, found.columns)[:, 0], [-2 / np.sqrt(8 / 3), 0, 0, 2 / np.sqrt(8 / 3)], rtol=1e-6
    )
    np.testing.assert_array_equal(encode(table, found.columns)[:, 1], [0, 1, 0, 0])


def test_no_indicator_where_training_rows_miss_nothing():
    found, table = fitted({"x": np.array([1.0, 2.0, 4.0, np.nan])}, np.arange(3))
    assert [c.name for c in found.columns] == ["x"]
    assert encode(table, found.columns)[3, 0] == 0


def test_bins_hold_equally_many_values_like_scikit_learn():
    x = np.random.default_rng(0).exponential(size=9601)
    binner = KBinsDiscretizer(48, encode="ordinal", strategy="quantile", quantile_method="inverted_cdf")
    np.testing.assert_allclose(bin_edges(x), binner.fit(x[:, None]).bin_edges_[0])
    assert bin_edges(np.repeat([0.0, 1.0, 5.0], [70, 20, 10])) == (0.0, 1.0, 5.0)
    assert len(bin_edges(np.linspace(0, 1e-6, 1000))) == 1  # too close for float32 to tell apart


def test_categories_are_coded_in_natural_order_and_zero_where_unseen():
    names = ["item 10", "item 2", "item 1", "item 2", None, "new"]
    found, table = fitted({"c": names}, np.arange(5))
    assert found.columns[0].categories == ("item 1", "item 2", "item 10")
    assert encode(table, found.columns)[:, 0].tolist() == [3, 2, 1, 2, 0, 0]


def test_many_categories_like_scikit_learn():
    generator = np.random.default_rng(0)
    names = np.array([f"k{v:02d}" for v in generator.integers(0, 40, 800)])
    found, table = fitted({"c": names})
    expected = OrdinalEncoder().fit_transform(names[:, None])[:, 0] + 1
    np.testing.assert_array_equal(encode(table, found.columns)[:, 0], expected)


def test_categories_seen_once_share_the_code_of_unseen_ones():
    names = [f"c{v}" for v in list(range(25)) * 3] + ["rare"]
    found, table = fitted({"c": names})
    assert "rare" not in found.columns[0].categories
    assert len(found.columns[0].categories) == 25
    assert encode(table, found.columns)[-1, 0] == 0


def test_only_varying_date_parts_are_kept_and_one_indicator():
    dates = ["2024-03-04", "2024-03-11", None, "2024-03-25"]  # Mondays of one month
    found, table = fitted({"when": dates})
    assert [(c.name, c.part) for c in found.columns] == [
        ("when.day", "day"),
        ("when.time", "time"),
        ("when missing", "missing"),
    ]
    out = encode(table, found.columns)
    days = np.array([4, 11, np.nan, 25])
    np.testing.assert_allclose(
        out[:, 0], np.nan_to_num((days - np.nanmean(days)) / np.nanstd(days)), rtol=1e-6, atol=1e-7
    )
    assert out[:, 2].tolist() == [0, 0, 1, 0]


def test_what_cannot_help_is_left_out_and_said():
    n = 60
    found, _ = fitted(
        {
            "PassengerId": np.arange(5, n + 5),
            "customer_id": np.random.default_rng(0).permutation(1000)[:n],
            "name": [f"person {i}" for i in range(n)],
            "constant": ["x"] * n,
            "same": np.full(n, 7.0),
            "empty": [None] * n,
            "x": np.random.default_rng(1).normal(size=n),
        }
    )
    assert [c.name for c in found.columns] == ["x"]
    assert found.dropped["PassengerId"] == found.dropped["customer_id"] == "a row ID"
    assert found.dropped["name"] == "nearly every row has a distinct text"
    assert found.dropped["constant"] == found.dropped["same"] == "the same value in every training row"
    assert found.dropped["empty"] == "every cell is missing"
    assert "left out PassengerId, customer_id" in [fact.what for fact in found.facts()]


def test_text_that_is_left_out_leaves_whether_it_was_there():
    names = [f"C{i}" if i % 2 else None for i in range(80)]
    found, table = fitted({"cabin": names})
    assert [(c.name, c.part) for c in found.columns] == [("cabin missing", "missing")]
    assert found.dropped == {"cabin": "nearly every row has a distinct text; only whether it is missing is used"}
    assert encode(table, found.columns)[:, 0].tolist() == [1, 0] * 40
    assert encode(frame_table({"cabin": ["new", None]}, "p"), found.columns)[:, 0].tolist() == [0, 1]


def test_quantities_are_no_row_numbers():
    assert not is_row_number("paid", np.arange(0, 100, 2.0))
    assert not is_row_number("day", np.repeat(np.arange(50.0), 2))
    assert is_row_number("", np.arange(100.0))


def test_nothing_left_says_why():
    with pytest.raises(DataError, match=r"^no usable input column: 'a': the same value in every training row$"):
        fitted({"a": ["x"] * 5})


def test_a_table_to_encode_must_hold_the_columns():
    found, _ = fitted({"height": [1.0, 2.0], "kind": ["a", "b"]})
    other = frame_table({"heigth": [1.0], "kind": ["a"]}, "new.csv")
    message = r"^new\.csv has no column 'height', which the model was trained on; did you mean 'heigth'\?$"
    with pytest.raises(DataError, match=message):
        encode(other, found.columns)


def test_how_sources_are_parsed_again_is_in_the_columns():
    number = Column(name="x", kind="number", source="x")
    assert kind_of(number, [number]).kind == "number"
    date = Column(name="d.year", kind="number", source="d", part="year", date_order="dmy")
    assert (kind_of(date, [date]).kind, kind_of(date, [date]).order) == ("date", "dmy")


def test_text_in_a_number_column_of_a_later_table_is_named():
    found, _ = fitted({"x": [1.0, 2.0]})
    with pytest.raises(DataError, match=r"^new row 1: text where numbers should be: 'two' in column 'x'; fix"):
        encode(frame_table({"x": ["1", "two"]}, "new"), found.columns)


def test_of_a_few_rows_their_number_is_told():
    kinds = {"a": Kind(kind="category")}
    with pytest.raises(
        DataError, match="^only 2 of 3 rows are left to train on, in which no column can be used; give 5"
    ):
        fit_columns({"a": Categories(np.zeros(3, np.int64), ("x",))}, kinds, np.array([0, 2]))
