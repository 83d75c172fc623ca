import pytest

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.series_input import forecast_variables


def test_all_variables_are_forecast_unless_some_are_named() -> None:
    assert forecast_variables(InputSpec(kind="series", shape=(9, 4))) == (9, 4)
    assert forecast_variables(InputSpec(kind="series", shape=(9, 4), forecast=3)) == (9, 3)


def test_images_are_refused() -> None:
    with pytest.raises(ConfigError, match="forecasters read series, but this data is of kind 'image'; use --model mlp"):
        forecast_variables(InputSpec(kind="image", shape=(1, 4, 4)))
