import numpy as np

from sonde.core.dataset import Column
from sonde.modalities.table.show import UNKNOWN, cells

AGE = Column(name="age", kind="number", source="age", mean=30.0, std=10.0)
GAP = Column(name="age missing", kind="number", source="age", part="missing")
SEX = Column(name="sex", kind="category", source="sex", categories=("f", "m"))
CABIN = Column(name="cabin missing", kind="number", source="cabin", part="missing")


def test_values_are_those_of_the_table() -> None:
    assert cells(np.array([0.55, 0.0, 1.0, 0.0]), [AGE, GAP, SEX, CABIN]) == {
        "age": 35.5,
        "sex": "f",
        "cabin": "present",
    }


def test_gaps_and_unknown_categories_are_said() -> None:
    assert cells(np.array([0.0, 1.0, 0.0, 1.0]), [AGE, GAP, SEX, CABIN]) == {"age": None, "sex": UNKNOWN, "cabin": None}


def test_digits_that_rounding_made_up_are_left_out() -> None:
    fare = Column(name="fare", kind="number", source="fare", mean=32.2042, std=49.6934)
    standardised = np.float32((0.0 - fare.mean) / fare.std)
    assert str(cells(np.array([standardised], np.float32), [fare])["fare"]) == "0.0"
    assert cells(np.array([(7.925 - fare.mean) / fare.std], np.float32), [fare]) == {"fare": 7.925}


def test_a_date_has_its_parts() -> None:
    year = Column(name="when year", kind="number", source="when", part="year", mean=2000.0, std=5.0)
    assert cells(np.array([2.0]), [year]) == {"when year": 2010.0}
