"""What a forecast is made from: the end of a table."""

from typing import Any

import numpy as np

from sonde.core.dataset import Rows, Schema
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data.rows import ArrayInputs, InputRows
from sonde.modalities.series.forms.series import as_trained
from sonde.modalities.series.time_index import following, written
from sonde.modalities.series.windows import own_scales
from sonde.modalities.table.inputs import as_table


def rows_to_predict(inputs: Any, schema: Schema, tick: Tick = silent) -> tuple[Rows, list[str]]:
    """The steps that forecasts behind a table's last values are made from, a row for each series; and when each will be.

    Raises: DataError for columns that are absent, steps of another length, and too few of them
    """
    table = as_table(inputs)
    panel, scaled, scales, _ = as_trained(table, schema, whole=True)
    look_back, horizon = schema.input.shape[0], schema.target.shape[0]
    rows, names = [], []
    for one, label, base in zip(panel.series, panel.labels, panel.bases(), strict=True):
        if len(one) < look_back:
            called = f"{table.name} ({label})" if label else table.name
            raise DataError(
                f"{called} holds {len(one):,} steps, and the model needs an input window of {look_back}; add more"
                + ", or leave that series out" * bool(label)
            )
        ahead = following(one.stamps, one.step, horizon)
        rows.append(scaled[base + len(one) - look_back : base + len(one)])
        names += [f"{label} {written(stamp, one.step)}".strip() for stamp in ahead]
    fields = {"lengths": np.full(len(rows), look_back)}
    if scales is not None:
        fields |= own_scales(scales, np.arange(len(rows)), len(schema.target.names))
    return InputRows(ArrayInputs(np.stack(rows), table.name), fields), names
