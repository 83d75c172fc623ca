"""The record of task regression."""

from sonde.tasks.regression.config import RegressionConfig
from sonde.tasks.spec import ROW, TaskSpec

REGRESSION = TaskSpec(
    name="regression",
    summary="one or several continuous values per row",
    task="sonde.tasks.regression.task:Regression",
    config=RegressionConfig,
    answers=ROW,
    own_loss=True,
    targets=("value",),
    suggests={"value": "the targets are continuous values"},
    units={"rmse": "in units of {target}", "mae": "in units of {target}"},
)
