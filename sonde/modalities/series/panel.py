"""Several series in one table (`unique_id, ds, y`): what tells them apart, each at even steps, all on one time line."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import NoReturn

import numpy as np
import pyarrow as pa

from sonde.core.errors import DataError, nearest
from sonde.modalities.series.columns import Cuts, Series, regular
from sonde.modalities.series.time_index import between
from sonde.modalities.series.times import Times
from sonde.modalities.table.kinds import Categories, categories, infer_kind, parse
from sonde.modalities.table.read import Table

FEWEST = 3  # rows of a series
MOST_TWICE = 0.02  # of the rows; where more stand twice, a column tells something else apart
FEWEST_STEPS = 5  # rows of a series, on average, for a column to tell series apart
MOST_COLUMNS = 3  # that tell them apart together
_ID = re.compile(
    r"(^|[_\W])(id|ids|store|item|shop|product|sku|station|site|sensor|series|region|country|state|county|unit|meter|machine|"
    r"customer|client|symbol|ticker|asset|dept|department|location|household|node|zone|line|cell|battery|engine|patient)s?($|[_\W])",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Panel:
    """Series with the same steps.

    ids:     the columns that tell them apart, none for a single series
    labels:  what each is called, "" for a single one
    starts:  of each, its first step on the common time line
    span:    that time line, with no variables where there are several
    short:   names of those that were left out, since they hold hardly a row
    """

    series: tuple[Series, ...]
    ids: tuple[str, ...]
    labels: tuple[str, ...]
    starts: tuple[int, ...]
    span: Series
    short: tuple[str, ...] = ()

    def bases(self) -> np.ndarray:
        """(series,) where each begins when all stand one behind the other."""
        return np.cumsum([0, *map(len, self.series)])[:-1]

    def joined(self, field: str) -> np.ndarray:
        """The `values`, `known` or `stamps` of all series, one behind the other."""
        return np.concatenate([getattr(one, field) for one in self.series])

    def train(self, cuts: Cuts) -> list[Series]:
        """Each series up to where training ends."""
        ends = [max(0, min(len(one), cuts.train - start)) for one, start in zip(self.series, self.starts, strict=True)]
        return [
            replace(one, values=one.values[:end], known=one.known[:end], stamps=one.stamps[:end])
            for one, end in zip(self.series, ends, strict=True)
        ]

    def moments(self, begin: int, end: int, *, back: int, horizon: int) -> np.ndarray:
        """Where forecasts begin that lie in [begin, end) of the time line, with `back` steps of their series before them."""
        found = []
        for one, start, base in zip(self.series, self.starts, self.bases(), strict=True):
            first = max(begin - start, back)
            last = min(end - start, len(one)) - horizon
            found.append(base + np.arange(first, last + 1))
        return np.concatenate(found)


class Twice(DataError):
    """One time stands twice in one of several series."""


def read_panel(
    table: Table, times: Times, ids: Sequence[str], names: Sequence[str], forecast: int, *, lenient: bool = False
) -> Panel:
    """The series of a table.

    lenient: leave out series of too few rows to be one, and say so, where there are others
    Raises: DataError as `regular`, and for series whose steps differ
    """
    if not ids:
        one = regular(table, times, names, forecast)
        return Panel((one,), (), ("",), (0,), one)
    codes, labels = id_codes(table, ids)
    found, kept, short = [], [], []
    each = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    for label, rows in zip(labels, each, strict=True):
        if lenient and len(rows) < FEWEST and max(map(len, each)) >= FEWEST:
            short.append(repr(label))
            continue
        found.append(
            regular(
                _some(table, rows, f"{table.name} ({label})"),
                replace(times, stamps=times.stamps[rows]),
                names,
                forecast,
            )
        )
        kept.append(label)
    step = found[0].step
    for one, label in zip(found, kept, strict=True):
        if not one.step.is_like(step):
            raise DataError(
                f"{table.name}: series {label!r} is {one.step.word}, and {kept[0]!r} {step.word}; series of one table need the "
                "same steps, so keep those apart in files of their own"
            )
    first = min(found, key=lambda one: one.stamps[0])
    last = max(one.stamps[-1] for one in found)
    length = len(first)
    while between(first.stamps, step, length)[-1] < last:
        length *= 2
    line = between(first.stamps, step, length)
    line = line[line <= last]
    starts = np.searchsorted(line, [one.stamps[0] for one in found])
    for one, label, start in zip(found, kept, starts, strict=True):
        if not np.array_equal(line[start : start + len(one)], one.stamps):
            raise DataError(
                f"{table.name}: series {label!r} has times between those of the others; give all the same steps, or keep it in "
                "a file of its own"
            )
    span = Series(
        values=np.empty((len(line), 0)), known=np.empty((len(line), 0), bool), stamps=line, step=step, warnings=()
    )
    return Panel(tuple(found), tuple(ids), tuple(kept), tuple(map(int, starts)), span, short=tuple(short))


def find_ids(
    table: Table, times: Times, group: str | None, targets: Sequence[str], known: Sequence[str] = ()
) -> tuple[str, ...]:
    """The columns that tell several series apart; none where no time stands twice, or no columns do.

    group: the one that is named;  known: columns that are known in advance, which are taken for such only by their name
    Raises: DataError where there is none of that name
    """
    others = {*times.uses, *targets, *(name for name in known if not _named_as_id(name))}
    if group is not None:
        if group not in table.columns:
            near = nearest(group, table.columns)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(list(table.columns)[:8])}"
            raise DataError(f"{table.name} has no column {group!r} for --group; {hint}")
        if len(np.unique(times.stamps)) == len(times.stamps):
            raise DataError(f"{table.name} holds one series, since every time occurs once in it; leave --group out")
        if not _tells_apart(table, times, (group,)):
            _refuse_named(table, times, group, targets)
        return (group,)
    if len(np.unique(times.stamps)) == len(times.stamps):
        return ()
    candidates = [name for name in table.columns if name and name not in others and _may_tell(table, name)]
    for size in range(1, MOST_COLUMNS + 1):
        for ids in combinations(candidates, size):
            if _tells_apart(table, times, ids) and len(id_codes(table, ids)[1]) * FEWEST_STEPS <= len(table):
                return ids
    for name in candidates:
        _refuse_few_twice(table, times, name)
    return ()


def _tells_apart(table: Table, times: Times, ids: Sequence[str]) -> bool:
    """Whether no time stands twice in any of the series."""
    codes, _ = id_codes(table, ids)
    return np.unique(np.stack([codes, times.stamps.astype(np.int64)]), axis=1).shape[1] == len(codes)


def _refuse_named(table: Table, times: Times, group: str, targets: Sequence[str]) -> NoReturn:
    """Where several rows of one series by --group have one time, and others tell series apart. Raises: DataError"""
    others = find_ids(table, times, None, targets)
    if not others:
        raise DataError(_twice(table, times, group))
    told = " and ".join(map(repr, others)) + (" together identify" if len(others) > 1 else " identifies")
    raise DataError(
        f"{table.name}: several rows of one {group!r} have the same {times.name!r}; leave --group out, and {told} the series"
    )


def _refuse_few_twice(table: Table, times: Times, name: str) -> None:
    """Where a column that is called as such tells series apart but for a few rows, those are a mistake. Raises: Twice"""
    if not _named_as_id(name):
        return
    codes, labels = id_codes(table, [name])
    pairs = np.unique(np.stack([codes, times.stamps.astype(np.int64)]), axis=1)
    if 0 < len(codes) - pairs.shape[1] <= MOST_TWICE * len(codes) and len(labels) * FEWEST_STEPS <= len(codes):
        raise Twice(_twice(table, times, name))


def _twice(table: Table, times: Times, name: str) -> str:
    """What is wrong with the first row whose series, by the column `name`, has its time already."""
    codes, labels = id_codes(table, [name])
    pairs, first, counts = np.unique(
        np.stack([codes, times.stamps.astype(np.int64)]), axis=1, return_index=True, return_counts=True
    )
    more = len(codes) - pairs.shape[1]
    place = first[counts > 1].min()
    same = np.flatnonzero((codes == codes[place]) & (times.stamps == times.stamps[place]))
    others = f" ({more - 1:,} more rows repeat another)" if more > 1 else ""
    return (
        f"{table.place(int(same[1]))}: {name!r} is {labels[codes[place]]!r} and {times.name!r} the same as in row "
        f"{table.number(int(same[0]))}{others}; keep one row per series and time, or read an ordinary table with --task "
        "regression"
    )


def id_codes(table: Table, ids: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """((n,) the series of each row, what each is called, the first of the table first). Raises: DataError for a gap"""
    columns = []
    for name in ids:
        cells = categories(table, name)
        if (cells.codes < 0).any():
            place = table.place(int((cells.codes < 0).argmax()))
            raise DataError(
                f"{place}: column {name!r} is empty, which identifies the series; fill in the cell, or remove the row"
            )
        columns.append(cells)
    codes = np.stack([cells.codes for cells in columns])
    distinct, first, inverse = np.unique(codes, axis=1, return_index=True, return_inverse=True)
    order = np.argsort(first)
    labels = [" ".join(c.names[code] for c, code in zip(columns, distinct[:, place], strict=True)) for place in order]
    return np.argsort(order)[inverse.reshape(-1)], labels


def _may_tell(table: Table, name: str) -> bool:
    """Whether a column may tell series apart: names, or whole numbers under a name that says so. A gap is no name of a series
    (`holiday` is empty on most days), but under such a name an error.
    """
    kind = infer_kind(table, name)
    if kind.kind == "category":
        cells = categories(table, name)
        whole = _named_as_id(name) or not (cells.codes < 0).any()
        return whole and len(cells.names) * FEWEST_STEPS <= len(table)
    if kind.kind != "number" or not _named_as_id(name):
        return False
    values = parse(table, name, kind)
    assert not isinstance(values, Categories)
    return bool((values == np.floor(values)).all()) and len(np.unique(values)) * FEWEST_STEPS <= len(table)


def _named_as_id(name: str) -> bool:
    return bool(_ID.search(re.sub(r"([a-z])([A-Z])", r"\1_\2", name)))


def _some(table: Table, rows: np.ndarray, name: str) -> Table:
    """Some rows of a table, by number from 0, as a table called `name`; errors number them as the whole table does."""
    columns = {column: array.take(pa.array(rows)) for column, array in table.columns.items()}
    whole = rows if table.rows is None else np.asarray(table.rows)[rows]
    return replace(table, name=name, columns=columns, rows=tuple(whole.tolist()))
