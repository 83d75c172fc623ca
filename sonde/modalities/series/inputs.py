"""What a forecast is made from: the end of a table."""

from typing import Any

import numpy as np

from sonde.core.dataset import Rows, Schema
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data.rows import ArrayInputs, InputRows
from sonde.modalities.series.forms.series import as_trained
from sonde.modalities.series.time_index import following, written
from sonde.modalities.table.inputs import as_table


def rows_to_predict(inputs: Any, schema: Schema, tick: Tick = silent) -> tuple[Rows, list[str]]:
    """The steps that a forecast behind a table's end is made from, as one row; and when each step of the forecast will be.

    Raises: DataError for columns that are absent, steps of another length, and too few of them
    """
    table = as_table(inputs)
    series, scaled = as_trained(table, schema)
    look_back, horizon = schema.input.shape[0], schema.target.shape[0]
    if len(series) < look_back:
        raise DataError(
            f"{table.name} holds {len(series):,} steps, and the model needs an input window of {look_back}; add more"
        )
    ahead = following(series.stamps, series.step, horizon)
    inputs = ArrayInputs(scaled[-look_back:][None], table.name)
    return InputRows(inputs, {"lengths": np.array([look_back])}), [written(stamp, series.step) for stamp in ahead]
