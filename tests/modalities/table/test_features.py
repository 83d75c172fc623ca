"""Columns to learn from: what was assumed of each is said, and other tables are read alike."""

from dataclasses import asdict

import numpy as np
import pandas as pd

from sonde.core.dataset import Column
from sonde.modalities.table.encode import encode, fit_columns
from sonde.modalities.table.features import read_features
from sonde.modalities.table.read import Table, frame_table


def encoded(cells: list, later: list, name: str = "w") -> tuple[np.ndarray, tuple[Column, ...], list[str]]:
    """(features of the later cells by columns that were fitted on others, the columns, what was said)."""
    kinds, values, said = read_features(table(cells, name), [name])
    fitted = fit_columns(values, kinds, np.arange(len(cells)))
    columns = tuple(Column(**asdict(column)) for column in fitted.columns)
    return encode(table(later, name), columns), columns, [*said, *fitted.spelled.values()]


def table(cells: list, name: str) -> Table:
    return frame_table(pd.DataFrame({name: cells}), "t.csv")


def plain(features: np.ndarray, column: Column) -> np.ndarray:
    return features * column.std + column.mean


def test_codes_of_gaps_are_gaps_later_too():
    features, columns, said = encoded(["-999", "1", "2", "3", "4", "5", "-999"], ["-999", "4", ""])
    assert [column.name for column in columns] == ["w", "w missing"]
    np.testing.assert_allclose(plain(features[:, 0], columns[0]), [3, 4, 3], rtol=1e-6)
    assert features[:, 1].tolist() == [1, 0, 1]
    assert said == ["t.csv: column 'w': 2 of its cells are -999, which counts as missing: no other value is near it"]


def test_numbers_that_count_time_are_times_later_too():
    stamps = pd.date_range("2020-03-01", periods=40, freq="9D")
    features, columns, _ = encoded(
        (stamps.to_numpy().astype("datetime64[s]").astype(np.int64)).tolist(), [1583020800], name="created_at"
    )
    found = {column.part: float(plain(features[0, place], column)) for place, column in enumerate(columns)}
    assert round(found["month"]) == 3
    assert round(found["year"]) == 2020


def test_names_in_several_spellings_are_one():
    features, columns, said = encoded(["yes", "Yes", "no", "YES", "No", "no"], ["YES", "no", "nO", "perhaps"])
    assert columns[0].categories == ("no", "yes")
    assert features[:, 0].tolist() == [2, 1, 1, 0]
    assert said == [
        "'yes', 'Yes', 'YES' are read as one category; 'no', 'No' are read as one category; write them differently if they are "
        "not"
    ]


def test_units_are_read_alike_later():
    features, columns, _ = encoded([f"{weight} kg" for weight in range(10, 40)], ["12 kg", "20"])
    np.testing.assert_allclose(plain(features[:, 0], columns[0]), [12, 20], rtol=1e-6)


def test_ids_are_left_out():
    numbers = [(place * 7919) % 100_003 for place in range(60)]
    for name, cells in {"Unnamed: 0": numbers, "customer_id": [*numbers[:59], None]}.items():
        frame = frame_table(pd.DataFrame({name: cells, "x": range(0, 180, 3)}), "t")
        kinds, values, _ = read_features(frame, list(frame.columns))
        assert fit_columns(values, kinds, np.arange(60)).dropped == {name: "a row ID"}
