"""Pairs of columns: their measures beside scipy's, and how often the test fires where it must and where it must not."""

import numpy as np
import pytest
from scipy import stats

from sonde.metrics.column_pairs import BINS, LEVEL, Column, Pair, column_pairs, wrong

CODES = ("colour", "shape")


def table(rows: int, seed: int) -> dict[str, np.ndarray]:
    """Two categories and four numbers that depend on one another, one with gaps where the colour is 2."""
    drawn = np.random.default_rng(seed)
    colour = drawn.integers(0, 3, rows).astype(float)
    shape = np.where(drawn.random(rows) < 0.8, colour, drawn.integers(0, 3, rows))
    size = drawn.normal(size=rows) + colour
    weight = 0.8 * size + 0.6 * drawn.normal(size=rows)
    count = drawn.poisson(1.0, rows) * (drawn.random(rows) < 0.7) * 1.0
    age = np.where(drawn.random(rows) < 0.1 + 0.2 * (colour == 2), np.nan, drawn.exponential(size=rows) ** 2)
    return {"colour": colour, "shape": shape, "size": size, "weight": weight, "count": count, "age": age}


def shuffled(columns: dict[str, np.ndarray], seed: int) -> dict[str, np.ndarray]:
    """Each column spread as before, and independent of all others."""
    drawn = np.random.default_rng(seed)
    return {name: drawn.permutation(values) for name, values in columns.items()}


def beside(made: dict[str, np.ndarray], real: dict[str, np.ndarray]) -> dict[str, Column]:
    return {name: Column(made[name], real[name], name in CODES) for name in real}


def by_names(pairs: list[Pair]) -> dict[tuple[str, str], Pair]:
    return {(pair.first, pair.second): pair for pair in pairs}


def test_strengths_are_scipys() -> None:
    made, real = table(300, 0), table(300, 1)
    found = by_names(column_pairs(beside(made, real)))
    for side, rows in (("made", made), ("real", real)):
        spearman = stats.spearmanr(rows["size"], rows["weight"])[0]
        assert getattr(found["size", "weight"], side) == pytest.approx(spearman, abs=1e-4)
        counts = np.histogram2d(rows["colour"], rows["shape"], 3)[0].astype(int)
        cramer = stats.contingency.association(counts, method="cramer")
        assert getattr(found["colour", "shape"], side) == pytest.approx(cramer, abs=1e-4)
    edges = np.quantile(real["size"], np.arange(1, BINS) / BINS)
    counts = np.array(
        [
            [((real["colour"] == c) & (np.searchsorted(edges, real["size"]) == b)).sum() for b in range(BINS)]
            for c in range(3)
        ]
    )
    assert found["colour", "size"].real == pytest.approx(
        stats.contingency.association(counts, method="cramer"), abs=1e-4
    )
    assert {pair.kind for pair in found.values()} == {"numbers", "categories", "mixed"}


def test_a_distance_is_that_of_the_joint_tables_where_margins_agree() -> None:
    half = np.repeat([0.0, 1.0], 200)
    order = np.random.default_rng(0).permutation(400)  # the halves of real rows are then equal but for chance
    apart = {"colour": half[order], "shape": np.tile([0.0, 1.0], 200)[order]}  # independent: 1/4 in each cell
    same = {"colour": half[order], "shape": half[order]}  # 1/2 in two cells
    (pair,) = column_pairs(beside(apart, same))
    assert pair.distance == pytest.approx(0.5, abs=0.05)  # the total variation distance of the two tables
    assert (pair.made, pair.real) == (pytest.approx(0, abs=0.01), pytest.approx(1, abs=1e-3))
    (pair,) = column_pairs({name: Column(apart[name], same[name], False) for name in same})
    assert pair.distance == pytest.approx(0.5, abs=0.05)  # half of correlations 1 and 0


def test_independent_columns_fire_and_rows_of_the_same_table_do_not() -> None:
    fired = [bool(wrong(column_pairs(beside(table(200, seed), table(200, 100 + seed))))) for seed in range(20)]
    likely = stats.binom.ppf(0.99, 20, LEVEL)
    assert sum(fired) <= likely
    for seed in range(6):
        found = column_pairs(beside(shuffled(table(200, seed), seed), table(200, 100 + seed)))
        named = {(pair.first, pair.second) for pair in wrong(found)}
        assert {("colour", "shape"), ("size", "weight")} <= named
        assert ("count", "age") not in named
        assert [pair.wrong for pair in found] == sorted((pair.wrong for pair in found), reverse=True)


def test_columns_that_are_spread_wrongly_are_no_wrong_pair() -> None:
    drawn = np.random.default_rng(0)
    real = {"colour": drawn.integers(0, 2, 500) * 1.0, "size": drawn.normal(size=500), "weight": drawn.normal(size=500)}
    made = {
        "colour": (drawn.random(500) < 0.9) * 1.0,
        "size": drawn.exponential(size=500),
        "weight": drawn.normal(3, 1, 500),
    }
    assert not wrong(column_pairs(beside(made, real)))


def test_where_gaps_stand_is_compared_too() -> None:
    real, made = table(500, 0), table(500, 1)
    gaps = np.random.default_rng(2).permutation(np.isnan(made["age"]))
    filled = np.nan_to_num(made["age"], nan=1.0)
    made["age"] = np.where(made["colour"] == 0, np.nan, filled)  # of another colour than in real rows
    assert ("colour", "age") in {(pair.first, pair.second) for pair in wrong(column_pairs(beside(made, real)))}
    made["age"] = np.where(gaps & (made["colour"] < 0), np.nan, table(500, 3)["age"])
    assert column_pairs({"age": Column(made["age"], real["age"], False)}) == []


def test_of_few_rows_and_of_columns_that_do_not_vary_nothing_is_said() -> None:
    assert column_pairs(beside(table(19, 0), table(300, 1))) == []
    real, made = table(100, 0), table(100, 1)
    real["count"] = made["count"] = np.ones(100)
    assert not [pair for pair in column_pairs(beside(made, real)) if "count" in (pair.first, pair.second)]
    made["size"] = np.ones(100)  # of which no correlation can be told, though its table can
    found = by_names(column_pairs(beside(made, real)))
    assert ("size", "weight") not in found
    assert found["colour", "size"].wrong
