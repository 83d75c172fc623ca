"""Time series as datasets: a table whose rows stand at even steps of time and hold numbers, cut by time."""

import json
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa

from sonde.core.config import DataConfig
from sonde.core.dataset import Column, Dataset, Fact, InputSpec, Rows, Schema, TargetSpec
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data.assemble import About
from sonde.data.fingerprint import of_arrays
from sonde.data.listing import Listing
from sonde.data.splits import fraction_fact, thin
from sonde.data.targets import first_few
from sonde.modalities.modality import Wanted
from sonde.modalities.series.account import LISTED, ahead_of, facts_of, unused, variables_fact, warnings_of
from sonde.modalities.series.columns import Cuts, Series, Sizes, cut, sizes
from sonde.modalities.series.config import SeriesConfig
from sonde.modalities.series.covariates import carried, check_known, fact_of, fitted, placed
from sonde.modalities.series.modality import FORECASTS
from sonde.modalities.series.panel import Panel, Twice, find_ids, read_panel
from sonde.modalities.series.scales import Scales, by_columns, scaled, scales_of
from sonde.modalities.series.times import Times, find_times
from sonde.modalities.series.trained import Known, as_trained, kept, known_of, warned
from sonde.modalities.series.windows import SeriesWindows
from sonde.modalities.table.config import TableConfig
from sonde.modalities.table.forms.tables import about_frames, form_of, short_name
from sonde.modalities.table.kinds import Categories, categories, infer_kind, parse
from sonde.modalities.table.read import Table, head_of, read_table, table_suffix
from sonde.modalities.table.target import target_columns

FEWEST = 20  # rows that say whether a table is a series
FEW_NAMES, MOST_NAMES = 24, 0.2  # distinct ones of a column, and of its rows, up to which cells are names and no texts
ROW_NUMBERS = ("no", "no.", "nr", "id", "index", "row", "#", "unnamed: 0", "")

# T steps, V variables, F of them that are forecast


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a table is a series, None if it is not: one column of times at even steps, and nothing else but numbers."""
    path = listing.path
    if not listing.is_file or not table_suffix(path):
        return None
    if wanted.task in FORECASTS or wanted.like is not None and wanted.like.target.kind == "series":
        return f"--task {wanted.task or 'forecasting'}"  # also where there are other columns, or gaps
    if wanted.task is not None or wanted.like is not None:
        return None
    try:
        head = listing.once(head_of, path)
        if head is None or len(head) < FEWEST:
            return None
        settings = wanted.config.of(TableConfig)
        known = wanted.config.of(SeriesConfig).known
        if _shows_little(head, settings):
            return _why(listing.once(read_table, path, settings.columns), settings, known)
        return _why(head, settings, known)
    except Twice:
        raise
    except (DataError, pa.ArrowException, OSError):
        return None  # an ordinary table, whose form says what is wrong with it


def _why(table: Table, settings: TableConfig, known: tuple[str, ...]) -> str | None:
    """Why a table is a series or several, None if it is not: even times, numbers, and at most names beside them.

    known: columns that are known in advance, which may hold anything
    """
    times = find_times(table, settings.time if settings.time in table.columns else None)
    aside = {*times.uses, *known} - set(settings.target)
    kinds = {name: infer_kind(table, name) for name in table.columns if name and name not in aside}
    if any(kind.kind in ("date", "unusable") for kind in kinds.values()):
        return None
    numbers = [name for name, kind in kinds.items() if kind.kind == "number"]
    names = [name for name, kind in kinds.items() if kind.kind == "category"]
    there = set(settings.target) & set(table.columns)  # a misspelt one has its error where the table is read
    if not there <= set(numbers) or not numbers:
        return None
    if any(len(categories(table, name).names) > max(FEW_NAMES, MOST_NAMES * len(table)) for name in names):
        return None  # texts
    group = settings.group if settings.group in table.columns and _repeated(times) else None
    ids = find_ids(table, times, group, settings.target, known)
    if not ids and _repeated(times):
        return None
    numbers = [name for name in numbers if name not in ids]
    if not numbers or (times.counts and set(names) - set(ids)):  # rows that are numbered may hold anything
        return None
    found = read_panel(table, times, ids, numbers, len(numbers), lenient=True)
    several = f" in each series of {', '.join(map(repr, ids))}" if ids else ""
    beside = "numbers" if not set(names) - set(ids) else "numbers and names"
    return f"{times.name!r} is {found.span.step.word}{several}, and all other columns are {beside}"


def _shows_little(head: Table, settings: TableConfig) -> bool:
    """Whether more than the first rows are needed: times stand twice, out of order, or dates may be read in two ways."""
    times = find_times(head, settings.time if settings.time in head.columns else None)
    back = (np.diff(times.stamps).astype(np.int64) < 0).mean()
    return _repeated(times) or bool(times.guess) or 0 < back < 1


def _repeated(times: Times) -> bool:
    return len(np.unique(times.stamps)) < len(times.stamps)


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
    if wanted.task not in FORECASTS and (like is None or like.input.kind != "series"):
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
    hashed |= {} if windows.covariates is None else {"covariates": windows.covariates}
    return replace(dataset, fingerprint=of_arrays(hashed))


def _dataset(table: Table, about: About, config: DataConfig) -> Dataset:
    if config.folds:
        raise DataError(f"{table.name} is a time series, which is split by time; leave --folds out")
    settings = config.of(TableConfig)
    times = find_times(table, settings.time)
    ids = find_ids(table, times, settings.group, settings.target, config.of(SeriesConfig).known)
    targets, names, others, warnings = _variables(table, config, times, ids)
    panel = read_panel(table, times, ids, names, len(targets), lenient=True)
    cuts, why = cut(panel.span, config, table.name)
    train = panel.train(cuts)
    columns = _fit_columns(train, names)
    longest = max(train, key=len)
    shown = columns if not ids else _fit_columns([longest], names)
    found = sizes(panel.span, cuts, config, by_columns(longest.values, shown)[:, : len(targets)])
    scales = scales_of(panel, list(map(len, train)), found, len(targets))
    places = placed(panel, table, times, found.horizon)
    train_rows = np.flatnonzero(times.stamps <= panel.span.stamps[cuts.train - 1])
    wanted = config.of(SeriesConfig).known
    known = known_of(fitted(table, wanted, train_rows), table, places) if wanted else None
    windows = _windows(
        panel, scaled(panel, columns, scales), found, table.name, forecast=len(targets), scales=scales, known=known
    )
    splits = _splits(windows, panel, cuts, season=found.season)
    facts = [variables_fact(targets, names), *facts_of(panel, times.name, cuts.parts(), why), *found.facts]
    facts += [fact_of(known.covariates)] if known is not None else []
    if config.label_fraction < 1:
        rows = len(splits["train"])
        chosen = thin(rows, config.label_fraction)
        trained = splits["train"]
        assert isinstance(trained, SeriesWindows)
        splits["train"] = replace(windows, moments=trained.moments[chosen])
        facts.append(fraction_fact(len(chosen), rows, classes=False))
    extra = ({} if scales is None else {"ids": ids, "scales": scales.as_dict(panel.labels)}) | kept(known)
    spec = InputSpec(
        kind="series",
        shape=(found.look_back, len(names)),
        columns=columns,
        column=times.name,
        step=str(panel.span.step),
        forecast=len(targets),
        covariates=0 if known is None else known.covariates.width,
        extra=json.dumps(extra) if extra else "",
    )
    target = _target_spec(
        train, columns[: len(targets)], found, masked=not panel.joined("known")[:, : len(targets)].all()
    )
    warnings += [f"{table.name}: column {times.name!r}: {times.guess}"] if times.guess else []
    behind = np.concatenate([one.behind for one in places])
    left = carried(table, behind, [*names[len(targets) :], *others])
    warnings += [*table.notes, *warnings_of(panel), *ahead_of(panel, left), *unused(panel, splits), *warned(known)]
    return about.dataset(Schema(input=spec, target=target), splits, facts, warnings)


def _splits(windows: SeriesWindows, panel: Panel, cuts: Cuts, *, season: int) -> dict[str, Rows]:
    """The windows of each part. Raises: DataError for a part without any"""
    splits: dict[str, Rows] = {}
    for split, (begin, end) in cuts.parts().items():
        seasonal = 0 if split == "train" else season
        back = max(windows.look_back, seasonal)  # what is evaluated looks back into the part before
        moments = panel.moments(begin, end, back=back, horizon=windows.horizon)
        if not len(moments):
            raise DataError(
                f"{windows.place}: no series has {back + windows.horizon:,} steps for a window that ends in {split}; give a "
                "smaller --look-back or --horizon"
            )
        splits[split] = replace(windows, moments=moments, season=seasonal)
    return splits


def _as_trained(table: Table, about: About, schema: Schema) -> Dataset:
    """All windows of a table as the split "test", scaled as the model was trained."""
    found = as_trained(table, schema)
    panel = found.panel
    look_back, horizon, season = schema.input.shape[0], schema.target.shape[0], schema.target.season
    first = max(look_back, season)
    longest = max(map(len, panel.series))
    if first + horizon > longest:
        raise DataError(
            f"{table.name} holds {longest:,} steps, and evaluating a horizon of {horizon} needs {first + horizon:,}; "
            "add more"
        )
    lengths = Sizes(look_back=look_back, horizon=horizon, season=season, facts=())
    windows = _windows(
        panel,
        found.values,
        lengths,
        table.name,
        forecast=len(schema.target.names),
        scales=found.scales,
        known=found.known,
    )
    moments = panel.moments(0, len(panel.span), back=first, horizon=horizon)
    why = "every step with enough steps before and after it; scaled as in training"
    splits = {"test": replace(windows, moments=moments, season=season)}
    warnings = [*table.notes, *warnings_of(panel), *ahead_of(panel, []), *warned(found.known)]
    if found.new:
        listed = first_few([repr(label) for label in found.new], LISTED)
        warnings.append(
            f"{len(found.new)} series were not trained on: {listed}; each is scaled by its first {first:,} steps, which are "
            "not scored"
        )
    return about.dataset(schema, splits, [Fact(f"{len(moments):,} windows", why)], warnings)


def _windows(
    panel: Panel,
    scaled: np.ndarray,
    found: Sizes,
    place: str,
    *,
    forecast: int,
    scales: Scales | None,
    known: Known | None,
) -> SeriesWindows:
    """Windows without moments yet."""
    there = panel.joined("known")[:, :forecast]
    return SeriesWindows(
        values=scaled,
        stamps=panel.joined("stamps"),
        step=panel.span.step,
        moments=np.arange(0),
        look_back=found.look_back,
        horizon=found.horizon,
        forecast=forecast,
        place=place,
        known=None if there.all() else there,
        covariates=None if known is None else known.past,
        labels=panel.labels if panel.ids else (),
        bases=panel.bases(),
        scales=scales,
    )


def _variables(
    table: Table, config: DataConfig, times: Times, ids: tuple[str, ...]
) -> tuple[list[str], list[str], list[str], list[str]]:
    """(variables that are forecast, all variables with those first, columns left out, warnings of those). Raises: DataError"""
    settings, known = config.of(TableConfig), config.of(SeriesConfig).known
    uses = {"what is forecast": settings.target, "the time": times.uses, "what identifies the series": ids}
    check_known(table, known, uses)
    apart = (*times.uses, *ids, *known)
    kinds = {name: infer_kind(table, name).kind for name in table.columns if name not in apart}
    rows = [
        name
        for name, kind in kinds.items()
        if kind == "number" and name not in settings.target and _counts(table, name)
    ]
    numbers = [name for name, kind in kinds.items() if kind == "number" and name and name not in rows]
    targets = list(target_columns(table, settings.target)) if settings.target else numbers
    for name in targets:
        if name not in numbers:
            raise DataError(
                f"{table.name}: column {name!r} holds no numbers, so it cannot be forecast; name another --target"
            )
    if not targets:
        raise DataError(f"{table.name} has no column of numbers to forecast")
    others = [name for name in kinds if name not in numbers and name not in rows]
    listed = first_few([repr(name) for name in others], LISTED)
    warnings = [f"{len(others)} non-numeric columns were dropped: {listed}"] if others else []
    warnings += [f"column {name!r} only counts the rows and was dropped" for name in rows if name]
    return targets, [*targets, *(name for name in numbers if name not in targets)], others, warnings


def _counts(table: Table, name: str) -> bool:
    """Whether a column is the number of the row, by its name too."""
    values = parse(table, name, infer_kind(table, name))
    assert not isinstance(values, Categories)
    return name.lower() in ROW_NUMBERS and bool((np.diff(values) == 1).all())


def _fit_columns(train: list[Series], names: list[str]) -> tuple[Column, ...]:
    """Mean and deviation of each variable over the training steps that are known; a constant has deviation 1."""
    steps, known = (np.concatenate([getattr(one, field) for one in train]) for field in ("values", "known"))
    nothing = ~known.any(axis=0)
    if nothing.any():
        raise DataError(
            f"column {names[int(nothing.argmax())]!r} is missing in every training step; leave it out with --target"
        )
    values = np.where(known, steps, np.nan)
    mean, std = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
    std = np.where(std > 0, std, 1.0)
    return tuple(
        Column(name=name, kind="number", source=name, mean=float(m), std=float(s))
        for name, m, s in zip(names, mean, std, strict=True)
    )


def _target_spec(train: list[Series], columns: tuple[Column, ...], found: Sizes, *, masked: bool) -> TargetSpec:
    forecast = len(columns)
    total, counted = np.zeros(forecast), np.zeros(forecast, np.int64)
    for one in train:
        values, known = one.values[:, :forecast], one.known[:, :forecast]
        both = known[found.season :] & known[: -found.season]
        total += (np.abs(values[found.season :] - values[: -found.season]) * both).sum(axis=0)
        counted += both.sum(axis=0)
    scales = total / np.maximum(counted, 1)
    return TargetSpec(
        kind="series",
        names=tuple(column.name for column in columns),
        mean=tuple(column.mean for column in columns),
        std=tuple(column.std for column in columns),
        masked=masked,
        shape=(found.horizon, forecast),
        season=found.season,
        scales=tuple(map(float, scales)),
    )
