"""What a forecast is made from: the end of a table, and what is known of the steps behind it."""

from typing import Any

import numpy as np

from sonde.core.data_warning import warn
from sonde.core.dataset import Rows, Schema
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data.rows import ArrayInputs, InputRows
from sonde.data.targets import first_few
from sonde.modalities.series.account import LISTED, flags_of, warnings_of
from sonde.modalities.series.covariates import carried, horizon_of
from sonde.modalities.series.time_index import following, written
from sonde.modalities.series.trained import AsTrained, as_trained, warned
from sonde.modalities.series.windows import own_scales
from sonde.modalities.table.inputs import as_table
from sonde.modalities.table.read import Table


def rows_to_predict(inputs: Any, schema: Schema, tick: Tick = silent) -> tuple[Rows, list[str]]:
    """The steps that forecasts behind a table's last values are made from, a row for each series; and when each will be.

    Raises: DataError for columns that are absent, steps of another length, too few of them, and values that must be known of the
    steps to forecast and are not
    """
    table = as_table(inputs)
    found = as_trained(table, schema, whole=True)
    panel, known = found.panel, found.known
    look_back, horizon = schema.input.shape[0], schema.target.shape[0]
    rows, names, covariates = [], [], []
    for one, label, base, place in zip(panel.series, panel.labels, panel.bases(), found.places, strict=True):
        called = f"{table.name} ({label})" if label else table.name
        if len(one) < look_back:
            raise DataError(
                f"{called} holds {len(one):,} steps, and the model needs an input window of {look_back}; add more"
                + ", or leave that series out" * bool(label)
            )
        ahead, window = following(one.stamps, one.step, horizon), slice(base + len(one) - look_back, base + len(one))
        rows.append(found.values[window])
        names += [f"{label} {written(stamp, one.step)}".strip() for stamp in ahead]
        if known is not None:
            coming = horizon_of(known.covariates, known.encoded, known.lacking, place, one, called)
            covariates.append(np.concatenate([known.past[window], coming]))
    fields = {"lengths": np.full(len(rows), look_back)}
    if covariates:
        fields["covariates"] = np.stack(covariates)
    if found.scales is not None:
        fields |= own_scales(found.scales, np.arange(len(rows)), len(schema.target.names))
    warn(_notes(table, found, schema))
    return InputRows(ArrayInputs(np.stack(rows), table.name), fields), names


def _notes(table: Table, found: AsTrained, schema: Schema) -> list[str]:
    """What was guessed and filled while the table was read, and what of it is not used."""
    panel, times, horizon = found.panel, found.times, schema.target.shape[0]
    said = [f"{table.name}: column {times.name!r}: {times.guess}"] if times.guess else []
    if times.name != schema.input.column:
        said.append(f"{table.name} has no column {schema.input.column!r}; times are read from {times.name!r}")
    said += warnings_of(panel)
    if found.new:
        listed = first_few([repr(label) for label in found.new], LISTED)
        said.append(f"{len(found.new)} series were not trained on: {listed}; each is scaled by its own steps")
    behind = np.concatenate([one.behind for one in found.places])
    longest = max(one.ahead for one in panel.series)
    if longest > horizon:
        of = " of a series" if panel.ids else ""
        said.append(
            f"the last {longest} rows{of} have a time and no value, and the model forecasts {horizon} steps: the others are "
            "not used"
        )
    known = () if found.known is None else found.known.covariates.names
    used = {*times.uses, *panel.ids, *schema.target.names, *known}
    if left := carried(table, behind, [name for name in table.columns if name and name not in used]):
        listed = first_few([repr(name) for name in left], LISTED)
        said.append(
            f"{table.name}: values of {listed} in the rows to forecast are not used: the model was not trained with "
            f"--known {flags_of(left)}"
        )
    return [*said, *warned(found.known)]
