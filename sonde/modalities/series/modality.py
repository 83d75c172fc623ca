"""Time series: rows of numbers at even steps of time, of which what follows is forecast."""

from sonde.modalities.modality import Form, Modality
from sonde.modalities.series.config import SeriesConfig
from sonde.modalities.table.modality import FILES

FORECASTS = ("forecasting", "diffusion-forecasting")
"""Tasks for which a table is read as a series."""

SERIES = Modality(
    kind="series",
    noun="time series",
    input_word="TABLE",
    absent="was not read as a time series",
    instead={"table": "use --task forecasting"},
    rows_to_predict="sonde.modalities.series.inputs:rows_to_predict",
    unit="steps",
    config=SeriesConfig,
    reads=("target", "columns", "time", "group"),
    forms=(
        Form(
            name="tables of numbers at even steps of time",
            sure=40,
            module="sonde.modalities.series.forms.series",
            frames=True,
            endings=FILES,
            tasks=FORECASTS,
            targets=("series",),
            folds=False,
        ),
    ),
)
