"""Time series as datasets: a table whose rows stand at even steps of time and hold numbers, cut by time."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa

from sonde.core.config import DataConfig
from sonde.core.dataset import Column, Dataset, Fact, InputSpec, Rows, Schema, TargetSpec
from sonde.core.errors import DataError, nearest
from sonde.core.progress import Tick, silent
from sonde.data.assemble import About
from sonde.data.fingerprint import of_arrays
from sonde.data.listing import Listing
from sonde.data.splits import fraction_fact, thin
from sonde.data.targets import first_few
from sonde.modalities.modality import Wanted
from sonde.modalities.series.columns import Series, Sizes, cut, regular, sizes
from sonde.modalities.series.time_index import TimeStep
from sonde.modalities.series.windows import SeriesWindows
from sonde.modalities.table.config import TableConfig
from sonde.modalities.table.forms.tables import about_frames, form_of, short_name
from sonde.modalities.table.kinds import infer_kind
from sonde.modalities.table.read import Table, head_of, read_table, table_suffix
from sonde.modalities.table.target import target_columns

FEWEST = 20  # rows that say whether a table is a series
LISTED = 8  # variables named in a fact

# T steps, V variables, F of them that are forecast


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a table is a series, None if it is not: one column of times at even steps, and nothing else but numbers."""
    path = listing.path
    if not listing.is_file or not table_suffix(path):
        return None
    if wanted.task == "forecasting" or wanted.like is not None and wanted.like.target.kind == "series":
        return "--task forecasting"  # also where there are other columns, or gaps
    if wanted.task is not None or wanted.like is not None:
        return None
    try:
        head = listing.once(head_of, path)
        if head is None or len(head) < FEWEST:
            return None
        kinds = {name: infer_kind(head, name).kind for name in head.columns if name}
        times = [name for name, kind in kinds.items() if kind == "date"]
        numbers = [name for name, kind in kinds.items() if kind == "number"]
        if len(times) != 1 or not numbers or len(times) + len(numbers) < len(kinds):
            return None
        step = regular(head, times[0], numbers).step
    except (DataError, pa.ArrowException, OSError):
        return None  # an ordinary table, whose form says what is wrong with it
    return f"{times[0]!r} is {step.word}, and all else are numbers"


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """A table as a series. Raises: DataError naming the file (and row), what is wrong and what to do"""
    tick("reading tables", 0, 1)
    path = listing.path
    table = listing.once(read_table, path, config.of(TableConfig).columns)
    form = f"{form_of(path)} of a time series"
    about = About.at(listing, name=short_name(path), form=form, why=path.name, files=[path])
    return _as_trained(table, about, like) if like is not None else _dataset(table, about, config)


def read_frames(tables: Mapping[str, Table], wanted: Wanted) -> Dataset | None:
    """A table in memory as a series where one is requested, else None. Raises: DataError as `read`, and for several"""
    like = wanted.like
    if wanted.task != "forecasting" and (like is None or like.input.kind != "series"):
        return None
    if len(tables) > 1:
        raise DataError(
            f"a time series is one table, which Sonde splits by time, and there are {', '.join(tables)}; join them "
            "(pandas.concat) and say where the parts end with split_at="
        )
    (table,) = tables.values()
    about = replace(about_frames(tables), form="time series in memory")
    dataset = _as_trained(table, about, like) if like is not None else _dataset(table, about, wanted.config)
    windows = next(iter(dataset.splits.values()))
    assert isinstance(windows, SeriesWindows)
    hashed = {"values": windows.values, "stamps": windows.stamps.astype(np.int64)}
    return replace(dataset, fingerprint=of_arrays(hashed))


def _dataset(table: Table, about: About, config: DataConfig) -> Dataset:
    if config.folds:
        raise DataError(f"{table.name} is a time series, which is split by time; leave --folds out")
    time = _time_column(table, config.of(TableConfig).time)
    targets, names, warnings = _variables(table, config, time)
    series = regular(table, time, names)
    cuts, why = cut(series, config, table.name)
    columns = _fit_columns(series, names, cuts.train)
    scaled = _scaled(series, columns)
    found = sizes(series, cuts, config, scaled[: cuts.train, : len(targets)])
    windows = _windows(series, scaled, found, table.name, forecast=len(targets))
    splits: dict[str, Rows] = {}
    for split, (begin, end) in cuts.parts().items():
        first = found.look_back if split == "train" else begin  # what is evaluated looks back into the part before
        moments = np.arange(first, end - found.horizon + 1)
        splits[split] = replace(windows, moments=moments, season=0 if split == "train" else found.season)
    facts = [_variables_fact(targets, names), *_facts(series, time, cuts.parts(), why), *found.facts]
    if config.label_fraction < 1:
        rows = len(splits["train"])
        chosen = thin(rows, config.label_fraction)
        splits["train"] = replace(windows, moments=np.arange(found.look_back, found.look_back + rows)[chosen])
        facts.append(fraction_fact(len(chosen), rows, classes=False))
    spec = InputSpec(
        kind="series",
        shape=(found.look_back, len(names)),
        columns=columns,
        column=time,
        step=str(series.step),
        forecast=len(targets),
    )
    target = _target_spec(series, columns[: len(targets)], found, cuts.train)
    return about.dataset(Schema(input=spec, target=target), splits, facts, [*warnings, *series.warnings])


def _as_trained(table: Table, about: About, schema: Schema) -> Dataset:
    """All windows of a table as the split "test", scaled as the model was trained."""
    series, scaled = as_trained(table, schema)
    look_back, horizon, season = schema.input.shape[0], schema.target.shape[0], schema.target.season
    first = max(look_back, season)
    if first + horizon > len(series):
        raise DataError(
            f"{table.name} holds {len(series):,} steps, and evaluating a horizon of {horizon} needs {first + horizon:,}; "
            "add more"
        )
    found = Sizes(look_back=look_back, horizon=horizon, season=season, facts=())
    windows = _windows(series, scaled, found, table.name, forecast=len(schema.target.names))
    moments = np.arange(first, len(series) - horizon + 1)
    why = "every step with enough steps before and after it; scaled as in training"
    splits = {"test": replace(windows, moments=moments, season=season)}
    return about.dataset(schema, splits, [Fact(f"{len(moments):,} windows", why)], series.warnings)


def as_trained(table: Table, schema: Schema) -> tuple[Series, np.ndarray]:
    """The variables that a model knows, and their values (T, V) on its scale. Raises: DataError"""
    names = [column.name for column in schema.input.columns]
    for name in names:
        if name not in table.columns:
            near = nearest(name, table.columns)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise DataError(f"{table.name} has no column {name!r}, which the model was trained on{hint}")
    time = schema.input.column
    series = regular(table, time if time in table.columns else _time_column(table, None), names)
    step = TimeStep.read(schema.input.step)
    if series.step != step:
        raise DataError(
            f"{table.name} is {series.step.word}, and the model was trained on a series that is {step.word}"
        )
    return series, _scaled(series, schema.input.columns)


def _windows(series: Series, scaled: np.ndarray, found: Sizes, place: str, *, forecast: int) -> SeriesWindows:
    """Windows without moments yet."""
    known = series.known[:, :forecast]
    return SeriesWindows(
        values=scaled,
        stamps=series.stamps,
        step=series.step,
        moments=np.arange(0),
        look_back=found.look_back,
        horizon=found.horizon,
        forecast=forecast,
        place=place,
        known=None if known.all() else known,
    )


def _time_column(table: Table, requested: str | None) -> str:
    """The column of times. Raises: DataError when there is none of that name, or none at all"""
    if requested is not None and requested not in table.columns:
        near = nearest(requested, table.columns)
        hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(list(table.columns)[:LISTED])}"
        raise DataError(f"{table.name} has no column {requested!r}; {hint}")
    if requested is not None:
        return requested
    found = next((name for name in table.columns if infer_kind(table, name).kind == "date"), None)
    if found is None:
        raise DataError(f"{table.name} has no column of times, which a series needs; name it with --time")
    return found


def _variables(table: Table, config: DataConfig, time: str) -> tuple[list[str], list[str], list[str]]:
    """(variables that are forecast, all variables with those first, warnings of columns left out). Raises: DataError"""
    settings = config.of(TableConfig)
    kinds = {name: infer_kind(table, name).kind for name in table.columns if name != time}
    numbers = [name for name, kind in kinds.items() if kind == "number" and name]
    targets = list(target_columns(table, settings.target)) if settings.target else numbers
    for name in targets:
        if name not in numbers:
            raise DataError(
                f"{table.name}: column {name!r} holds no numbers, so it cannot be forecast; name another --target"
            )
    if not targets:
        raise DataError(f"{table.name} has no column of numbers to forecast")
    others = [name for name in kinds if name not in numbers]
    listed = first_few([repr(name) for name in others], LISTED)
    warnings = [f"{len(others)} non-numeric columns were dropped: {listed}"] if others else []
    return targets, [*targets, *(name for name in numbers if name not in targets)], warnings


def _fit_columns(series: Series, names: list[str], train: int) -> tuple[Column, ...]:
    """Mean and deviation of each variable over the training steps that are known; a constant has deviation 1."""
    nothing = ~series.known[:train].any(axis=0)
    if nothing.any():
        raise DataError(
            f"column {names[int(nothing.argmax())]!r} is missing in every training step; leave it out with --target"
        )
    values = np.where(series.known[:train], series.values[:train], np.nan)
    mean, std = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
    std = np.where(std > 0, std, 1.0)
    return tuple(
        Column(name=name, kind="number", source=name, mean=float(m), std=float(s))
        for name, m, s in zip(names, mean, std, strict=True)
    )


def _scaled(series: Series, columns: tuple[Column, ...]) -> np.ndarray:
    """(T, V) float32."""
    mean, std = (np.array([getattr(column, what) for column in columns]) for what in ("mean", "std"))
    return ((series.values - mean) / std).astype(np.float32)


def _target_spec(series: Series, columns: tuple[Column, ...], found: Sizes, train: int) -> TargetSpec:
    forecast = len(columns)
    values, known = series.values[:train, :forecast], series.known[:train, :forecast]
    apart = np.abs(values[found.season :] - values[: -found.season])
    both = known[found.season :] & known[: -found.season]
    scales = (apart * both).sum(axis=0) / np.maximum(both.sum(axis=0), 1)
    return TargetSpec(
        kind="series",
        names=tuple(column.name for column in columns),
        mean=tuple(column.mean for column in columns),
        std=tuple(column.std for column in columns),
        masked=not series.known[:, :forecast].all(),
        shape=(found.horizon, forecast),
        season=found.season,
        scales=tuple(map(float, scales)),
    )


def _variables_fact(targets: list[str], names: list[str]) -> Fact:
    count = f"{len(targets)} variables are" if len(targets) > 1 else "1 variable is"
    inputs = len(names) - len(targets)
    why = f"--target; {inputs} more are inputs" if inputs else "all columns of numbers; --target takes some"
    return Fact(f"{count} forecast: {first_few(targets, LISTED)}", why)


def _facts(series: Series, time: str, parts: dict[str, tuple[int, int]], why: str) -> list[Fact]:
    """How long the series is and how it is cut."""
    span = f"from {series.at(0)} to {series.at(len(series) - 1)}"
    facts = [Fact(f"{len(series):,} steps, {series.step.word}, {span}", f"column {time!r}")]
    for split, (begin, end) in parts.items():
        facts.append(Fact(f"{end - begin:,} {split} steps, from {series.at(begin)} to {series.at(end - 1)}", why))
    last = max(end for _, end in parts.values())
    if last < len(series):
        facts.append(Fact(f"{len(series) - last:,} steps at the end are not used", why))
    return facts
