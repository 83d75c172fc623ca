from sonde.core.dataset import InputSpec
from sonde.models.series_input import forecast_variables


def test_all_variables_are_forecast_unless_some_are_named() -> None:
    assert forecast_variables(InputSpec(kind="series", shape=(9, 4))) == (9, 4)
    assert forecast_variables(InputSpec(kind="series", shape=(9, 4), forecast=3)) == (9, 3)
