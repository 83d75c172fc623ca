"""What data are opened with, from settings by name whatever kind of data they are for."""

from typing import Any

from sonde.core.config import DataConfig
from sonde.modalities import settings


def data_config(**values: Any) -> DataConfig:
    """The same as DataConfig(...) for all kinds of data at once."""
    return settings.data_config(values)
