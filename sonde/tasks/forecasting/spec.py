"""The record of task forecasting."""

from collections.abc import Mapping, Sequence
from typing import Any

from sonde.tasks.forecasting.config import ForecastingConfig
from sonde.tasks.spec import Answer, TaskSpec


def by_step(times: Sequence[str], found: Mapping[int, Mapping[str, Sequence[float]]]) -> list[dict[str, Any]]:
    """What is forecast as a table: a dict for each step of each window, "input" being its time.

    >>> by_step(["12:00", "13:00"], {0: {"load": [3.5, 3.1]}})
    [{'input': '12:00', 'load': 3.5}, {'input': '13:00', 'load': 3.1}]
    """
    steps = len(times) // len(found)
    return [
        {"input": time, **{name: values[place % steps] for name, values in found[place // steps].items()}}
        for place, time in enumerate(times)
    ]


FORECASTING = TaskSpec(
    name="forecasting",
    summary="future values of a time series, optionally with prediction intervals (quantiles)",
    task="sonde.tasks.forecasting.task:Forecasting",
    config=ForecastingConfig,
    answers=Answer("horizon", "a forecast"),
    targets=("series",),
    suggests={"series": "rows are evenly spaced in time"},
    model="sonde.tasks.forecasting.recipe:model",
    settings="sonde.tasks.forecasting.recipe:settings",
    figures="sonde.tasks.forecasting.figures:additions",
    predictions=by_step,
)
