"""The record of task forecasting."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sonde.tasks.forecasting.config import ForecastingConfig
from sonde.tasks.spec import Answer, TaskSpec

if TYPE_CHECKING:
    from sonde.core.dataset import Schema

_STEP = re.compile(
    r"(?P<label>.*?) (?P<time>\d{4}-\d\d(-\d\d( [\d:.]+)?)?|-?[\d.e+-]+)", re.DOTALL
)  # as rows to predict are named


def by_step(
    times: Sequence[str], found: Mapping[int, Mapping[str, Sequence[float]]], schema: "Schema | None" = None
) -> list[dict[str, Any]]:
    """What is forecast as a table: a dict for each step of each window, "input" being its time.

    Of several series it also says which, and when, in the columns that the table that was trained on had for that.

    >>> by_step(["12:00", "13:00"], {0: {"load": [3.5, 3.1]}})
    [{'input': '12:00', 'load': 3.5}, {'input': '13:00', 'load': 3.1}]
    """
    steps = len(times) // len(found)
    ids = json.loads(schema.input.extra).get("ids", ()) if schema is not None and schema.input.extra else ()
    return [
        {
            "input": time,
            **(_apart(time, ids, schema.input.column) if schema is not None and ids else {}),
            **{name: values[place % steps] for name, values in found[place // steps].items()},
        }
        for place, time in enumerate(times)
    ]


def _apart(name: str, ids: Sequence[str], time: str) -> dict[str, str]:
    """
    >>> _apart("7 eggs 2020-01-31", ("store", "item"), "day")
    {'store': '7', 'item': 'eggs', 'day': '2020-01-31'}
    """
    found = _STEP.fullmatch(name)
    assert found is not None
    cells = found["label"].split(" ") if len(ids) > 1 else [found["label"]]
    told = zip(ids, cells, strict=True) if len(cells) == len(ids) else [(" ".join(ids), found["label"])]
    return {**dict(told), time: found["time"]}


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
    samples=True,
    figures="sonde.tasks.forecasting.figures:additions",
    highlights="sonde.tasks.forecasting.figures:highlights",
    predictions=by_step,
    units={
        "mse": "in squared standard deviations of the training part",
        "mae": "in standard deviations of the training part",
    },
)
