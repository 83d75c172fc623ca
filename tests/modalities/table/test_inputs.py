"""Tables to predict on whose categories no training row had."""

import warnings

import numpy as np
import pytest

from sonde.core.data_warning import DataWarning
from sonde.core.dataset import Column, InputSpec, Schema, TargetSpec
from sonde.modalities.table.inputs import rows_to_predict

CITY = Column(name="city", kind="category", source="city", categories=("Bergen", "Oslo"))
SCHEMA = Schema(
    input=InputSpec(kind="table", shape=(2,), columns=(CITY, Column(name="age", kind="number", source="age"))),
    target=TargetSpec(kind="none", names=()),
)


def test_a_category_that_no_training_row_had_is_told_with_how_many_rows_have_it() -> None:
    with pytest.warns(
        DataWarning, match="^table: column 'city': 'Berlin' in 2 of 3 rows is no category that the model"
    ):
        rows, _ = rows_to_predict({"city": ["Berlin", "Oslo", "Berlin"], "age": [1, 2, 3]}, SCHEMA)
    assert rows.read(np.arange(3))["input"][:, 0].tolist() == [0, 2, 0]
    with pytest.warns(DataWarning, match="'Rome' and 1 more in 2 of 3 rows are no categories"):
        rows_to_predict({"city": ["Rome", "Oslo", "Berlin"], "age": [1, 2, 3]}, SCHEMA)


def test_known_and_missing_ones_are_nothing_to_tell() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        rows_to_predict({"city": ["Bergen", "Oslo", None], "age": [1, 2, 3]}, SCHEMA)
