"""Table columns -> encoded feature columns, fitted on the training rows alone, and the float32 features themselves."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from sonde.core.dataset import Column, Fact
from sonde.core.date_parts import DATE_PARTS, date_part
from sonde.core.errors import DataError, nearest
from sonde.core.natural_order import in_natural_order
from sonde.modalities.table.kinds import Categories, Kind, Values, parse
from sonde.modalities.table.read import Table
from sonde.modalities.table.spelling import as_known, one_spelling

NUM_BINS = 48  # Gorishniy et al. 2022 tune 2 to 128; the TabM paper's default
NARROWEST_BIN = 1e-4  # of a standard deviation: below it float32 cannot tell the edges apart
NEAR_UNIQUE = 0.5  # a category column with more distinct values than this share of its cells is text or names
NEARLY_ALL = 0.95  # of the rows have a number of their own where a column is called an id
_CALLED_ID = re.compile(r"(^|[_\W])(id|index|row_?(names?|number|no|nr|num))$|[a-z](Id|ID|Index)$|^Unnamed: 0(\.\d)?$")
FEW = 20  # distinct values that are never too many


NO_DATES = (
    "a date: each later row would be unlike all before; write hours or weekdays that count as columns of their own"
)
LEAST_ROWS = 5  # to train on, below which it is their number that makes columns unusable


@dataclass(frozen=True)
class Fitted:
    """Encoded columns in feature order, and what was left out and why."""

    columns: tuple[Column, ...]
    dropped: Mapping[str, str]  # column -> reason
    spelled: Mapping[str, str] = field(default_factory=dict)  # column -> which of its names are read as one

    def facts(self) -> list[Fact]:
        """The account for a person, one line per reason."""
        reasons = dict.fromkeys(self.dropped.values())
        return [
            Fact(
                "left out "
                + ", ".join(c or "a column without a name" for c, why in self.dropped.items() if why == reason),
                reason,
            )
            for reason in reasons
        ]


def fit_columns(
    values: Mapping[str, Values],
    kinds: Mapping[str, Kind],
    train: np.ndarray,
    numbers: frozenset[str] = frozenset(),
    *,
    dates: bool = True,
) -> Fitted:
    """Columns fitted on the rows `train` of the table that holds them.

    numbers: columns that are no row numbers, whatever they look like;  dates: whether dates are learned from
    Raises: DataError when no column is left to learn from
    """
    columns: list[Column] = []
    dropped: dict[str, str] = {}
    spelled: dict[str, str] = {}
    for name, kind in kinds.items():
        if kind.kind == "date" and not dates:
            dropped[name] = NO_DATES
            continue
        found, reason = _fit(name, kind, values[name], train, surely_number=name in numbers)
        columns += [replace(column, own=kind.own) for column in found] if kind.own else found
        if reason:
            dropped[name] = reason
        elif isinstance(cells := values[name], Categories) and (said := _spelled(cells, train)[1]):
            spelled[name] = said
    if not columns and len(train) < LEAST_ROWS:
        cells = next(iter(values.values()))
        rows = len(cells.codes if isinstance(cells, Categories) else cells)
        left = f"only {len(train)} of {rows} rows {'is' if len(train) == 1 else 'are'} left to train on"
        raise DataError(f"{left}, in which no column can be used; give {LEAST_ROWS} or more")
    if not columns:
        raise DataError("no usable input column: " + "; ".join(f"{c!r}: {why}" for c, why in dropped.items()))
    return Fitted(tuple(columns), dropped, spelled)


def encode(table: Table, columns: Sequence[Column], values: Mapping[str, Values] | None = None) -> np.ndarray:
    """(n, features) float32 of a table by fitted columns; `values` spares parsing again.

    Raises: DataError for columns the table lacks, and cells that do not fit
    """
    parsed = dict(values or {})
    check_sources(table, columns)
    out = np.empty((len(table), len(columns)), np.float32)
    for index, column in enumerate(columns):
        if column.source not in parsed:
            parsed[column.source] = parse(table, column.source, kind_of(column, columns))
        out[:, index] = _encode_column(parsed[column.source], column)
    return out


def check_sources(table: Table, columns: Sequence[Column]) -> None:
    """Raises: DataError naming the columns that a table lacks, with near names."""
    lacking = list(dict.fromkeys(c.source for c in columns if c.source not in table.columns))
    if not lacking:
        return
    near = nearest(lacking[0], table.columns)
    hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(map(repr, list(table.columns)[:12]))}"
    names = ", ".join(map(repr, lacking))
    if table.headless:
        numbered = all(re.fullmatch(r"c\d+", column.source) for column in columns)
        hint = (
            "keep the places of all columns, that of the target too"
            if numbered
            else "its first row reads like data: add a header"
        )
    raise DataError(f"{table.name} has no column {names}, which the model was trained on; {hint}")


def kind_of(column: Column, columns: Sequence[Column]) -> Kind:
    """How the source of an encoded column is parsed."""
    parts = [c for c in columns if c.source == column.source]
    if any(c.kind == "category" for c in parts):
        return Kind(kind="category")
    order = next((c.date_order for c in parts if c.date_order), "")
    if order:
        return Kind(kind="date", order=order)
    # an indicator alone stands for text that was left out: only whether it is there is used
    kind = "category" if all(c.part == "missing" for c in parts) else "number"
    return Kind(kind=kind, decimal=parts[0].decimal, way=parts[0].way, absent=parts[0].absent)


def strangers(table: str, values: Mapping[str, Values], columns: Sequence[Column]) -> list[str]:
    """A note for each column of categories that holds some which the model does not know, with how many rows do."""
    notes = []
    for column in columns:
        cells = values.get(column.source)
        if column.kind != "category" or not isinstance(cells, Categories):
            continue
        foreign = np.array([*(name is None for name in as_known(cells.names, column.categories)), False])
        at = foreign[cells.codes]
        if rows := int(at.sum()):
            first = cells.names[cells.codes[int(at.argmax())]]
            also = f" and {kinds - 1} more" if (kinds := len(np.unique(cells.codes[at]))) > 1 else ""
            are = "are no categories" if kinds > 1 else "is no category"
            notes.append(
                f"{table}: column {column.source!r}: {first!r}{also} in {rows:,} of {len(cells.codes):,} rows {are} that the "
                "model knows; it takes them for missing"
            )
    return notes


def standardise(values: np.ndarray, column: Column) -> np.ndarray:
    """Standardised numbers of a column; missing ones are 0."""
    return np.nan_to_num((values - column.mean) / column.std)


def _fit(name: str, kind: Kind, values: Values, train: np.ndarray, *, surely_number: bool) -> tuple[list[Column], str]:
    """The encoded columns of one source column, and why there are none or only an indicator."""
    if kind.kind == "empty":
        return [], "every cell is missing"
    if kind.kind == "unusable":
        return (
            [],
            "neither numbers, text, booleans nor dates; fields within fields and lists must be written as text or numbers",
        )
    if isinstance(values, Categories):
        return _fit_category(name, values, train)
    if kind.kind == "date":
        return _fit_date(name, kind, values, train)
    if not surely_number and not kind.way and is_row_number(name, values):
        return [], "a row ID"
    if found := _fit_number(name, values, train, source=name, part=""):
        return [replace(column, decimal=kind.decimal, way=kind.way, absent=kind.absent) for column in found], ""
    gone = np.isnan(values[train]).all()
    return [], "missing in every training row" if gone else "the same value in every training row"


def _fit_date(name: str, kind: Kind, values: np.ndarray, train: np.ndarray) -> tuple[list[Column], str]:
    """A number column per part that varies, and one indicator: all parts miss the same rows."""
    columns = [
        replace(column, date_order=kind.order, written=kind.written)
        for part in DATE_PARTS
        for column in _fit_number(f"{name}.{part}", date_part(values, part), train, source=name, part=part)
        if column.part == part
    ]
    missing = np.isnat(values[train])
    if missing.any() and not missing.all():
        columns.append(replace(_indicator(name, name), date_order=kind.order, written=kind.written))
    return columns, "" if columns else "the same date, or none, in every training row"


def _fit_number(name: str, values: np.ndarray, train: np.ndarray, *, source: str, part: str) -> list[Column]:
    """A standardised column where the training values vary, and an indicator where some are missing."""
    seen = values[train]
    missing = np.isnan(seen)
    present = seen[~missing]
    columns = []
    if len(present) and present.min() < present.max():
        mean, std = float(present.mean()), float(present.std())
        standardised = (present - mean) / std
        edges = bin_edges(standardised)
        number = Column(name=name, kind="number", source=source, part=part, mean=mean, std=std)
        columns.append(replace(number, quantiles=edges, shares=mid_ranks(standardised, edges)))
    if missing.any() and not missing.all():
        columns.append(_indicator(name, source))
    return columns


def _indicator(name: str, source: str) -> Column:
    return Column(name=f"{name} missing", kind="number", source=source, part="missing", quantiles=(0.0, 1.0))


def bin_edges(standardised: np.ndarray) -> tuple[float, ...]:
    """Edges of up to `NUM_BINS` bins that hold equally many values: always values that occur, ties merged.

    >>> bin_edges(np.array([0.0, 0.0, 1.0]))
    (0.0, 1.0)
    """
    edges = np.unique(np.quantile(standardised, np.linspace(0, 1, NUM_BINS + 1), method="inverted_cdf"))
    distinct = [edges[0]]
    for edge in edges[1:]:
        if edge - distinct[-1] >= NARROWEST_BIN:
            distinct.append(edge)
    return tuple(float(edge) for edge in distinct)


def mid_ranks(values: np.ndarray, edges: Sequence[float]) -> tuple[float, ...]:
    """Of each edge the share of values below it and half of those that equal it: where it stands among them, ties and all.

    >>> mid_ranks(np.array([0.0, 0.0, 1.0, 1.0]), (0.0, 1.0)), mid_ranks(np.array([0.0, 0.0, 0.0, 1.0]), (0.0, 1.0))
    ((0.25, 0.75), (0.375, 0.875))
    """
    ordered = np.sort(values)
    below, upto = np.searchsorted(ordered, edges, "left"), np.searchsorted(ordered, edges, "right")
    return tuple(((below + upto) / (2 * len(values))).tolist())


def _fit_category(name: str, values: Categories, train: np.ndarray) -> tuple[list[Column], str]:
    values = _spelled(values, train)[0]
    counts = np.bincount(values.codes[train] + 1, minlength=len(values.names) + 1)
    missing, counts = int(counts[0]), counts[1:]
    distinct, present = int((counts > 0).sum()), int(counts.sum())
    if present == 0:
        return [], "missing in every training row"
    if distinct > FEW and distinct > NEAR_UNIQUE * present:
        # the text itself is not used, but whether there is one can be informative (the cabin of a Titanic passenger)
        columns = [_indicator(name, name)] if missing else []
        return columns, "nearly every row has a distinct text" + (
            "; only whether it is missing is used" if columns else ""
        )
    if distinct == 1 and not missing:
        return [], "the same value in every training row"
    # categories seen once would be memorised; with the unseen ones they share code 0, which is trained through them
    least = 2 if distinct > FEW else 1
    names = in_natural_order(n for n, count in zip(values.names, counts, strict=True) if count >= least)
    gaps = missing > 0 or len(names) < distinct
    return [Column(name=name, kind="category", source=name, categories=tuple(names), gaps=gaps)], ""


def _spelled(values: Categories, train: np.ndarray) -> tuple[Categories, str]:
    """(names with one spelling each, which are read as one, "" for none)."""
    counts = np.bincount(values.codes[train] + 1, minlength=len(values.names) + 1)[1:]
    spelled, said = one_spelling(dict(zip(values.names, counts.tolist(), strict=True)), noun="category")
    names = tuple(dict.fromkeys(spelled.values()))
    if len(names) == len(values.names):
        return values, ""
    place = {name: code for code, name in enumerate(names)}
    codes = np.array([*(place[spelled[name]] for name in values.names), -1])
    return Categories(codes[values.codes], names), said[0]


def _encode_column(values: Values, column: Column) -> np.ndarray:
    if isinstance(values, Categories):
        if column.part == "missing":
            return values.codes < 0
        known = {name: code for code, name in enumerate(column.categories, start=1)}
        names = as_known(values.names, column.categories)
        codes = np.array([*(0 if name is None else known[name] for name in names), 0])  # the last entry serves code -1
        return codes[values.codes]
    if column.part == "missing":
        return np.isnat(values) if values.dtype.kind == "M" else np.isnan(values)
    numbers = date_part(values, column.part) if column.date_order else values
    return standardise(numbers, column)


def is_row_number(name: str, values: np.ndarray) -> bool:
    """Whether numbers only identify rows: consecutive integers, or nearly distinct integers in a column called an id."""
    there = values[~np.isnan(values)]
    if len(values) <= FEW or (there != np.floor(there)).any():
        return False
    if _CALLED_ID.search(name) is not None or name in ("", "ID", "Id"):
        return len(np.unique(there)) >= NEARLY_ALL * len(values)
    return len(there) == len(values) and bool((np.diff(np.sort(values)) == 1).all())
