"""The record of task diffusion-forecasting."""

from dataclasses import replace

from sonde.tasks.diffusion_forecasting.config import DiffusionForecastingConfig
from sonde.tasks.forecasting.spec import FORECASTING

DIFFUSION_FORECASTING = replace(
    FORECASTING,
    name="diffusion-forecasting",
    summary="sample paths of a time series' future by diffusion: quantiles, intervals, CRPS",
    task="sonde.tasks.diffusion_forecasting.task:DiffusionForecasting",
    config=DiffusionForecastingConfig,
    suggests={},
    takes_input=True,
    settings="sonde.tasks.diffusion_forecasting.recipe:settings",
    units={
        **FORECASTING.units,
        "crps": "in standard deviations of the training part",
        "pinball": "in standard deviations of the training part",
    },
    next_commands=("sonde predict {run} {input} --paths 20 --out paths.csv",),
)
"""What it needs and shows is what forecasting does."""
