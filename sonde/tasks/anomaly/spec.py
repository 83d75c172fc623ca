"""The record of task anomaly."""

from sonde.tasks.anomaly.config import AnomalyConfig
from sonde.tasks.autoencoder.spec import CODES, SHORTEN
from sonde.tasks.spec import WHOLE, TaskSpec

ANOMALY = TaskSpec(
    name="anomaly",
    summary="which inputs are unlike those that are normal, and where",
    task="sonde.tasks.anomaly.task:Anomaly",
    config=AnomalyConfig,
    answers=CODES,
    targets=(),
    inputs=WHOLE,
    labels=False,
    dates=False,
    takes_input=True,
    trains_on="sonde.tasks.anomaly.normal:trained_on",
    model="sonde.tasks.reconstructing_recipe:model",
    settings="sonde.tasks.anomaly.recipe:settings",
    figures="sonde.tasks.anomaly.figures:additions",
    highlights="sonde.tasks.anomaly.figures:highlights",
    shorten=SHORTEN,
    next_commands=(
        "sonde predict {run} {input} --out scores.csv",
        "sonde predict {run} {input} --what anomaly",
    ),
)
