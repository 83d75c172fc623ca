from types import SimpleNamespace
from typing import Any

import pytest

from sonde.modalities.settings import leaves
from sonde.models.build import config_class
from sonde.models.table import MODELS
from sonde.tasks.forecasting import recipe as series
from sonde.tasks.forecasting.config import ForecastingConfig

NAMES = [name for name, entry in MODELS.items() if entry.answers == "horizon"]


def dataset(windows: int) -> Any:
    return SimpleNamespace(splits={"train": range(windows)})


def test_few_windows_get_one_matrix_and_many_get_two() -> None:
    assert series.model(dataset(60))[0] == "nlinear"
    assert series.model(dataset(8000))[0] == "dlinear"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("windows", [60, 8000])
def test_every_setting_is_known_and_has_a_reason(name: str, windows: int) -> None:
    known = (
        {leaf for leaf in leaves()}
        | set(config_class(name).__dataclass_fields__)
        | set(ForecastingConfig.__dataclass_fields__)
    )
    advice = series.settings(dataset(windows), name)
    assert advice
    assert set(advice) <= known
    assert all(why for _, why in advice.values())
