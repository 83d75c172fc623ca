"""The part of the input that a forecaster uses."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sonde.core.dataset import InputSpec


def forecast_variables(input: "InputSpec") -> tuple[int, int]:
    """(look-back, variables that are forecast) of a series."""
    look_back, variables = input.shape
    return look_back, input.forecast or variables
