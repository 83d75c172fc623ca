"""Made rows of a table beside real ones: how each column is spread, which go together, a few rows of both."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

BINS = 20
SHOWN = 6  # rows of either
MOST_NAMES = 12  # values of a category; the rest is told as one
MOST_COLUMNS = 30  # that are compared, and pairs are made of
FEWEST = 3  # rows with both numbers, for a correlation
OTHERS = "all others"
END = 0.005  # of the real numbers may lie beyond the outermost bins' edges, either way


def compared(made: pa.Table, real: pa.Table) -> dict[str, Any]:
    """For samples.json: "names", a few "made" and "real" rows as text, "columns", "correlations".

    columns:      {"name", "kind": "number", "date" or "category", "labels" or "edges", "made", "real" (share of the rows in
                  each), "gaps": [of made rows, of real ones], "apart" (total variation distance, gaps among the values)}
    correlations: {"pairs": [[column, column, of made rows, of real ones]]}, Spearman's, of numbers, dates and categories of
                  two values
    """
    names = [name for name in made.column_names if name in real.column_names][:MOST_COLUMNS]
    ordered = {name: (_values(made[name]), _values(real[name])) for name in names if _has_order(made[name], real[name])}
    return {
        "names": names,
        "rows": {"made": _rows(made, names), "real": _rows(real, names)},
        "columns": [_column(name, made[name], real[name]) for name in names],
        "correlations": {"pairs": _pairs(ordered)},
    }


def columns(made: pa.Table, real: pa.Table) -> dict[str, tuple[np.ndarray, np.ndarray, bool]]:
    """Name -> (values of made rows (M,), of real ones (N,), whether they are codes without an order); gaps NaN."""
    names = [name for name in made.column_names if name in real.column_names][:MOST_COLUMNS]
    return {name: _both(made[name], real[name]) for name in names}


def _both(made: pa.ChunkedArray, real: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray, bool]:
    if not (category := _is_names(made) or _is_names(real)):
        return _values(made), _values(real), category
    cells = [column.to_pylist() for column in (made, real)]
    code = {name: place for place, name in enumerate(sorted({str(cell) for each in cells for cell in each}))}
    both = [np.array([np.nan if cell is None else code[str(cell)] for cell in each], np.float64) for each in cells]
    return both[0], both[1], category


def _is_names(column: pa.ChunkedArray) -> bool:
    return pa.types.is_string(column.type) or pa.types.is_boolean(column.type)


def as_text(table: pa.Table) -> tuple[list[str], list[list[str]]]:
    """(names of its columns, its rows as text), of the first columns and rows."""
    names = table.column_names[:MOST_COLUMNS]
    return names, _rows(table, names)


def _rows(table: pa.Table, names: Sequence[str]) -> list[list[str]]:
    """As text; "" for a gap."""
    columns = [table[name].slice(0, SHOWN).to_pylist() for name in names]
    return [["" if cell is None else _cell(cell) for cell in row] for row in zip(*columns, strict=True)]


def _cell(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)[:60]


def _column(name: str, made: pa.ChunkedArray, real: pa.ChunkedArray) -> dict[str, Any]:
    gaps = [column.null_count / max(1, len(column)) for column in (made, real)]
    kind = "category" if pa.types.is_string(made.type) else "date" if pa.types.is_temporal(made.type) else "number"
    given = [[value for value in column.to_pylist() if value is not None] for column in (made, real)]
    if kind == "category":
        about, shares = _of_names(*given)
    else:
        about, shares = _of_numbers(_values(made), _values(real))
    parts = [[gap, *((1 - gap) * share for share in each)] for gap, each in zip(gaps, shares, strict=True)]
    apart = sum(abs(one - other) for one, other in zip(*parts, strict=True)) / 2
    return {"name": name, "kind": kind, **about, "made": shares[0], "real": shares[1], "gaps": gaps, "apart": apart}


def _of_names(made: Sequence[str], real: Sequence[str]) -> tuple[Mapping[str, Any], list[list[float]]]:
    """The commonest values of the real rows, then those that only made rows have."""
    counts = [{value: sum(other == value for other in each) for value in dict.fromkeys(each)} for each in (made, real)]
    order = sorted({*made, *real}, key=lambda value: (-counts[1].get(value, 0), -counts[0].get(value, 0), value))
    kept = order if len(order) <= MOST_NAMES else order[: MOST_NAMES - 1]
    shares = [[each.get(value, 0) / max(1, sum(each.values())) for value in kept] for each in counts]
    if len(kept) < len(order):
        shares = [[*each, max(0.0, 1 - sum(each))] for each in shares]
    return {"labels": [*kept, *([OTHERS] if len(kept) < len(order) else [])]}, shares


def _of_numbers(made: np.ndarray, real: np.ndarray) -> tuple[Mapping[str, Any], list[list[float]]]:
    """Bins between the outermost quantiles of the real rows; what lies beyond is counted in the first and the last."""
    finite = [each[np.isfinite(each)] for each in (made, real)]
    low, high = np.quantile(finite[1], [END, 1 - END]) if len(finite[1]) else (0.0, 1.0)
    whole = len(finite[1]) and bool((np.mod(finite[1], 1) == 0).all()) and high - low < BINS
    edges = np.arange(low - 0.5, high + 1) if whole else np.linspace(low, high if high > low else low + 1, BINS + 1)
    shares = []
    for each in finite:
        counts, _ = np.histogram(each.clip(edges[0], edges[-1]), edges)
        shares.append((counts / max(1, len(each))).tolist())
    return {"edges": edges.tolist()}, shares


def _has_order(made: pa.ChunkedArray, real: pa.ChunkedArray) -> bool:
    """Whether more of a column may go with more of another: of numbers, dates, and categories of the same two values."""
    if not pa.types.is_string(made.type):
        return True
    names = [set(column.drop_null().to_pylist()) for column in (made, real)]
    return len(names[1]) == 2 and names[0] == names[1]


def _values(column: pa.ChunkedArray) -> np.ndarray:
    """(N,) float64 numbers, seconds of dates, categories by their order in the alphabet; a gap is not a number."""
    if pa.types.is_string(column.type):
        cells = column.to_pylist()
        order = {name: place for place, name in enumerate(sorted({cell for cell in cells if cell is not None}))}
        return np.array([order.get(cell, np.nan) for cell in cells], np.float64)
    if pa.types.is_temporal(column.type):
        stamps = column.cast(pa.timestamp("s")).cast(pa.int64()).to_pylist()
        return np.array([np.nan if stamp is None else stamp for stamp in stamps], np.float64)
    return np.array([np.nan if cell is None else float(cell) for cell in column.to_pylist()], np.float64)


def _pairs(values: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> list[list[Any]]:
    found = []
    names = list(values)
    for place, first in enumerate(names):
        for second in names[place + 1 :]:
            both = [spearman(values[first][which], values[second][which]) for which in (0, 1)]
            if None not in both:
                found.append([first, second, *both])
    return found


def spearman(first: np.ndarray, second: np.ndarray) -> float | None:
    """Correlation of ranks, ties at their mean; None where one of the columns has a single value."""
    known = np.isfinite(first) & np.isfinite(second)
    if known.sum() < FEWEST:
        return None
    ranks = [_ranks(each[known]) for each in (first, second)]
    deviations = [each - each.mean() for each in ranks]
    size = float(np.sqrt((deviations[0] ** 2).sum() * (deviations[1] ** 2).sum()))
    return None if size == 0 else float((deviations[0] * deviations[1]).sum() / size)


def _ranks(values: np.ndarray) -> np.ndarray:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = counts.cumsum()
    return (last - (counts - 1) / 2)[place]
