"""What a forecaster reads off its input."""

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError


def forecast_variables(input: InputSpec) -> tuple[int, int]:
    """(look-back, variables that are forecast), of series. Raises: ConfigError for another kind of input"""
    if input.kind != "series":
        raise ConfigError(f"forecasters read series, but this data is of kind {input.kind!r}; use --model mlp")
    look_back, variables = input.shape
    return look_back, input.forecast or variables
