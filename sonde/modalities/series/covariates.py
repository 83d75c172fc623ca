"""Columns whose values are known of the steps to be forecast too: promotions, holidays, prices (`--known`)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from sonde.core.damaged import conform
from sonde.core.dataset import Column, Fact
from sonde.core.errors import DataError, nearest
from sonde.data.targets import first_few
from sonde.modalities.series.columns import Series
from sonde.modalities.series.panel import Panel, id_codes
from sonde.modalities.series.time_index import following, positions, written
from sonde.modalities.series.times import Times
from sonde.modalities.table.encode import encode, fit_columns, kind_of
from sonde.modalities.table.kinds import Categories, Values, infer_kind, is_missing, parse
from sonde.modalities.table.read import Table
from sonde.modalities.table.spelling import as_known

LISTED = 8
NO_ROW = -1

# n rows of a table, T steps of a series, H horizon, K numbers known of a step


@dataclass(frozen=True)
class Covariates:
    """How known columns are read as numbers, fitted on the training rows alone: names as one number for each.

    columns: the encoded ones, whose codes of names are not yet taken apart
    gaps:    columns that training rows have empty cells of, which then say something: no holiday
    """

    columns: tuple[Column, ...]
    gaps: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The table's own columns."""
        return tuple(dict.fromkeys(column.source for column in self.columns))

    @property
    def width(self) -> int:
        """K."""
        return sum(len(column.categories) if column.kind == "category" else 1 for column in self.columns)

    def values(self, table: Table) -> dict[str, Values]:
        """The cells of the known columns. Raises: DataError for cells that do not fit"""
        return {name: parse(table, name, kind_of(self.of(name), self.columns)) for name in self.names}

    def encoded(self, table: Table, values: Mapping[str, Values]) -> np.ndarray:
        """(n, K) float32. Raises: DataError for columns that are absent"""
        found = encode(table, self.columns, values)
        parts = [
            np.eye(len(column.categories) + 1, dtype=np.float32)[cells.astype(np.int64), 1:]
            if column.kind == "category"
            else cells[:, None]
            for column, cells in zip(self.columns, found.T, strict=True)
        ]
        return np.concatenate(parts, axis=1)

    def lacking(self, values: Mapping[str, Values]) -> dict[str, np.ndarray]:
        """Of each column (n,) bool: the cells that are empty and must not be."""
        return {name: is_missing(cells) & (name not in self.gaps) for name, cells in values.items()}

    def as_dict(self) -> dict[str, Any]:
        """What a schema keeps."""
        return {"known": [asdict(column) for column in self.columns], "gaps": self.gaps}

    @staticmethod
    def kept(found: Mapping[str, Any]) -> "Covariates | None":
        """The inverse of `as_dict`, after a trip through JSON; None where there are none. Raises: ValueError or TypeError"""
        if "known" not in found:
            return None
        columns = [
            Column(**conform(Column, each, where=f"input.extra.known[{place}]"))
            for place, each in enumerate(found["known"])
        ]
        return Covariates(tuple(columns), tuple(found["gaps"]))

    def of(self, name: str) -> Column:
        """The first encoded column of one of the table's."""
        return next(column for column in self.columns if column.source == name)


def check_known(table: Table, known: Sequence[str], apart: Mapping[str, Sequence[str]]) -> None:
    """apart: columns that are used otherwise, by what they are. Raises: DataError for one of those, or that there is not"""
    for name in known:
        if name not in table.columns:
            near = nearest(name, table.columns)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(list(table.columns)[:LISTED])}"
            raise DataError(f"{table.name} has no column {name!r} for --known; {hint}")
        for what, names in apart.items():
            if name in names:
                raise DataError(f"{table.name}: column {name!r} is {what}; leave it out of --known")


def fitted(table: Table, known: Sequence[str], train: np.ndarray) -> Covariates:
    """The known columns by the rows `train`. Raises: DataError for one that nothing can be learned of"""
    kinds = {name: infer_kind(table, name) for name in known}
    values = {name: parse(table, name, kind) for name, kind in kinds.items()}
    for name, kind in kinds.items():
        found = (
            fit_columns({name: values[name]}, {name: kind}, train, frozenset([name]))
            if _varies(values[name], train)
            else None
        )
        if found is None or found.dropped:
            why = "the same in every training row" if found is None else found.dropped[name]
            raise DataError(
                f"{table.name}: column {name!r} is {why}, so nothing can be learned from it; leave it out of --known"
            )
    columns = fit_columns(values, kinds, train, frozenset(known)).columns
    gaps = tuple(name for name in known if is_missing(values[name])[train].any())
    return Covariates(tuple(replace(column, quantiles=()) for column in columns), gaps)


def fact_of(covariates: Covariates) -> Fact:
    """Which columns are known in advance."""
    names = first_few([repr(name) for name in covariates.names], LISTED)
    count = len(covariates.names)
    return Fact(
        f"{count} column{'s are' if count > 1 else ' is'} known in advance: {names}",
        "--known; their effect is subtracted from the past and added to the forecast",
    )


@dataclass(frozen=True)
class Placed:
    """The rows of one series by step: (T,) those of its steps, the row before where one has none; (H,) those behind, or NO_ROW.

    behind: all rows behind its last step, in the order of time
    """

    past: np.ndarray
    ahead: np.ndarray
    behind: np.ndarray


def placed(panel: Panel, table: Table, times: Times, horizon: int) -> list[Placed]:
    """Of each series of a table, which row stands at which step."""
    return [
        _placed(one, rows[np.argsort(times.stamps[rows], kind="stable")], times.stamps, horizon)
        for one, rows in zip(panel.series, _rows_of(panel, table), strict=True)
    ]


def _rows_of(panel: Panel, table: Table) -> list[np.ndarray]:
    if not panel.ids:
        return [np.arange(len(table))]
    codes, labels = id_codes(table, panel.ids)
    each = dict(
        zip(labels, np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1]), strict=True)
    )
    return [each[label] for label in panel.labels]


def _placed(one: Series, rows: np.ndarray, stamps: np.ndarray, horizon: int) -> Placed:
    """rows: of the series, in the order of time."""
    places, steps = positions(stamps[rows], one.step), len(one)
    inside = (places >= 0) & (places < steps)
    latest = np.full(steps, NO_ROW)
    latest[places[inside]] = np.flatnonzero(inside)
    ahead = np.full(horizon, NO_ROW)
    coming = (places >= steps) & (places < steps + horizon)
    ahead[places[coming] - steps] = rows[coming]
    return Placed(rows[np.maximum.accumulate(latest)], ahead, rows[stamps[rows] > one.stamps[-1]])


def horizon_of(
    covariates: Covariates,
    encoded: np.ndarray,
    lacking: Mapping[str, np.ndarray],
    place: Placed,
    one: Series,
    called: str,
) -> np.ndarray:
    """(H, K) float32: what is known of the steps behind a series.

    called: the table, and which series.  Raises: DataError where a value is missing
    """
    absent = place.ahead == NO_ROW
    for name in covariates.names:
        gone = absent | lacking[name][place.ahead]
        if gone.any():
            first = written(following(one.stamps, one.step, len(gone))[int(gone.argmax())], one.step)
            raise DataError(
                f"{called}: known column {name!r} has no value for {int(gone.sum()):,} of the {len(gone):,} steps to forecast, "
                f"from {first}; append rows with those times and values, their targets empty"
            )
    return encoded[place.ahead]


def doubts(
    covariates: Covariates, values: Mapping[str, Values], table: Table, rows: np.ndarray, *, past: np.ndarray
) -> list[str]:
    """Cells of some rows that training rows have none like, a line for each column: names, and of the `past` empty ones."""
    said = []
    for name, cells in values.items():
        gone = int(covariates.lacking({name: cells})[name][past].sum())
        if gone:
            said.append(
                f"{table.name}: known column {name!r} is empty in {gone:,} rows and in no training row; it is read as "
                "the training mean, or as no category"
            )
        column = covariates.of(name)
        if isinstance(cells, Categories) and column.kind == "category":
            there = set(cells.codes[rows].tolist())
            new = [
                repr(word)
                for code, (word, known) in enumerate(
                    zip(cells.names, as_known(cells.names, column.categories), strict=True)
                )
                if known is None and code in there
            ]
            if new:
                said.append(
                    f"{table.name}: known column {name!r}: {first_few(new, LISTED)} {'is' if len(new) == 1 else 'are'} "
                    "in no training row, or too rare there, and read as no category"
                )
    return said


def carried(table: Table, rows: np.ndarray, names: Sequence[str]) -> list[str]:
    """Those of some columns that have values in some rows."""
    if not len(rows):
        return []
    kinds = {name: infer_kind(table, name) for name in names}
    return [
        name
        for name, kind in kinds.items()
        if kind.kind not in ("empty", "unusable") and not is_missing(parse(table, name, kind))[rows].all()
    ]


def _varies(values: Values, train: np.ndarray) -> bool:
    cells = values.codes[train] if isinstance(values, Categories) else values[train]
    missing = is_missing(values)[train]
    return len(np.unique(cells[~missing])) > 1 or bool(missing.any() and not missing.all())
