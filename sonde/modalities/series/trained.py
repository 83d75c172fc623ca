"""A table read as the series that a model was trained on: its variables, on its scale, and what is known in advance."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sonde.core.damaged import DAMAGE
from sonde.core.dataset import Schema
from sonde.core.errors import DataError, RunFolderError, first_line, nearest
from sonde.modalities.series.columns import Sizes
from sonde.modalities.series.covariates import Covariates, Placed, doubts, placed
from sonde.modalities.series.panel import Panel, read_panel
from sonde.modalities.series.scales import Scales, remembered, scaled, scales_of
from sonde.modalities.series.time_index import TimeStep
from sonde.modalities.series.times import Times, find_times
from sonde.modalities.table.read import Table

# T steps of all series, one behind the other, V variables, K numbers known of a step


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known in advance, by row of the table and by step.

    encoded: (rows, K) float32;  past: (T, K) float32
    lacking: of each column (rows,) bool: the cells that are empty and must not be
    """

    covariates: Covariates
    encoded: np.ndarray
    lacking: Mapping[str, np.ndarray]
    past: np.ndarray
    warnings: list[str]


@dataclass(frozen=True, kw_only=True)
class AsTrained:
    """values: (T, V) float32;  scales: of several series;  new: which of those were not trained on;  places: of their rows"""

    panel: Panel
    times: Times
    values: np.ndarray
    scales: Scales | None
    new: list[str]
    places: list[Placed]
    known: Known | None


def as_trained(table: Table, schema: Schema, *, whole: bool = False) -> AsTrained:
    """The variables that a model knows, of all series of a table.

    whole: scale new series by all of their steps, which are what a forecast is made from; else by those before any that is scored
    Raises: DataError; RunFolderError for a damaged schema
    """
    saved, covariates = _remembered(schema)
    ids = tuple(saved.get("ids", ()))
    names = [column.name for column in schema.input.columns]
    for name in (*names, *ids, *(covariates.names if covariates else ())):
        if name not in table.columns:
            near = nearest(name, table.columns)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise DataError(f"{table.name} has no column {name!r}, which the model was trained on{hint}")
    time = schema.input.column
    times = find_times(table, time if time in table.columns else None)
    panel = read_panel(table, times, ids, names, len(schema.target.names))
    step = TimeStep.read(schema.input.step)
    if not panel.span.step.is_like(step):
        raise DataError(
            f"{table.name} is {panel.span.step.word}, and the model was trained on a series that is {step.word}"
        )
    scales, new = None, []
    if "scales" in saved:  # else a single series, or a run of before each had a scale of its own
        found = Sizes(
            look_back=schema.input.shape[0], horizon=schema.target.shape[0], season=schema.target.season, facts=()
        )
        ends = list(map(len, panel.series)) if whole else [0] * len(panel.series)
        fresh = scales_of(panel, ends, found, len(schema.target.names))
        assert fresh is not None
        scales, new = remembered(saved["scales"], panel.labels, fresh)
    places = placed(panel, table, times, schema.target.shape[0])
    return AsTrained(
        panel=panel,
        times=times,
        values=scaled(panel, schema.input.columns, scales),
        scales=scales,
        new=new,
        places=places,
        known=None if covariates is None else known_of(covariates, table, places),
    )


def _remembered(schema: Schema) -> tuple[dict[str, Any], Covariates | None]:
    """What a schema keeps of series and of what is known in advance. Raises: RunFolderError for what was not written so"""
    try:
        saved = json.loads(schema.input.extra) if schema.input.extra else {}
        covariates = Covariates.kept(saved)
        if (0 if covariates is None else covariates.width) != schema.input.covariates:
            raise ValueError(f"{schema.input.covariates} covariates, and others in extra")
    except DAMAGE as error:
        raise RunFolderError(
            f"schema.json is damaged (input.extra: {first_line(error)}); restore it from a copy of the run, or train "
            "again"
        ) from error
    return saved, covariates


def kept(known: Known | None) -> dict[str, Any]:
    """What a schema keeps of what is known in advance."""
    return {} if known is None else known.covariates.as_dict()


def warned(known: Known | None) -> list[str]:
    """What is to be said of it."""
    return [] if known is None else known.warnings


def known_of(covariates: Covariates, table: Table, places: list[Placed]) -> Known:
    """What is known of every step. Raises: DataError for cells that do not fit"""
    values = covariates.values(table)
    encoded = covariates.encoded(table, values)
    used = np.concatenate([np.concatenate([one.past, one.behind]) for one in places])
    past = np.concatenate([one.past for one in places])
    lacking = covariates.lacking(values)
    said = doubts(covariates, values, table, np.unique(used), past=np.unique(past))
    return Known(covariates=covariates, encoded=encoded, lacking=lacking, past=encoded[past], warnings=said)
