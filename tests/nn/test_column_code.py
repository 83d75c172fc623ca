"""Codes of table rows: there and back, and densities that integrate and add up to one."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from sonde.core.dataset import Column
from sonde.modalities.table.encode import encode, fit_columns
from sonde.modalities.table.kinds import infer_kind, parse
from sonde.modalities.table.read import frame_table
from sonde.nn.column_code import ColumnCode, Curve, book, decimals

MIXED = {
    "age": [22.0, 38.0, None, 35.0, 54.0, 2.0] * 10,
    "fare": list(np.round(np.geomspace(5.123, 512.456, 60), 3)),
    "sex": ["male", "female", "female", None, "male", "male"] * 10,
    "cabin": [f"c{n % 20}" for n in range(60)],
    "day": pd.date_range("2024-02-27", periods=60, freq="36h"),
}


def encoded(frame: dict) -> tuple[tuple[Column, ...], torch.Tensor]:
    table = frame_table(pd.DataFrame(frame), "table")
    kinds = {name: infer_kind(table, name) for name in table.columns}
    values = {name: parse(table, name, kind) for name, kind in kinds.items()}
    columns = fit_columns(values, kinds, np.arange(len(table))).columns
    return columns, torch.from_numpy(encode(table, columns, values))


def test_rows_come_back() -> None:
    columns, rows = encoded(MIXED)
    code = ColumnCode(columns)
    found = code.encode(rows)
    assert found.shape == (60, code.width)
    # age, fare, time; is age missing; 3 values of sex, 5 bits of 20 cabins
    assert code.width == 3 + 1 + 3 + 5  # sex has a gap, cabin none
    torch.testing.assert_close(code.decode(found), rows, atol=2e-5, rtol=0)
    torch.testing.assert_close(code.decode(found + 0.2 * torch.randn_like(found).clamp(-1, 1))[:, [1]], rows[:, [1]])


def test_spread_codes_come_back_where_numbers_are_rounded() -> None:
    columns, rows = encoded(MIXED)
    code = ColumnCode(columns)
    spread, nats = code.spread(rows, torch.randn(60, code.width))
    assert nats.isfinite().all()
    code.know(rows)
    spread, nats = code.spread(rows, torch.randn(60, code.width))
    back = code.unspread(spread)
    names = [column.name for column in columns]
    for name in ("age missing", "sex", "cabin", "day.time", "day.weekday"):
        torch.testing.assert_close(back[:, names.index(name)], rows[:, names.index(name)], atol=1e-4, rtol=0)
    age = columns[names.index("age")]
    off = (back - rows)[:, names.index("age")] * age.std
    assert 0.1 < off.abs().max() <= 0.5001


def test_the_curve_makes_quantiles_normal_and_its_density_integrates_to_one() -> None:
    values = np.random.default_rng(0).lognormal(size=5000)
    edges = tuple(np.quantile(values, np.linspace(0, 1, 49)))
    curve = Curve([Column(name="x", kind="number", source="x", quantiles=edges)])
    bent, slope = curve(torch.from_numpy(values)[:, None])
    assert slope.min() > 0
    assert stats.kstest(bent[:, 0].numpy(), "norm").statistic < 0.03
    torch.testing.assert_close(curve.inverse(bent)[:, 0], torch.from_numpy(values))
    grid = torch.linspace(-5, 400, 400_001, dtype=torch.float64)[:, None]
    bent, slope = curve(grid)
    density = torch.exp(-0.5 * bent.square()) / math.sqrt(2 * math.pi) * slope
    assert abs(float(torch.trapezoid(density[:, 0], grid[:, 0])) - 1) < 1e-3


def test_a_normal_density_of_codes_makes_all_categories_equally_likely() -> None:
    column = Column(name="c", kind="category", source="c", categories=("a", "b", "d"))
    code = ColumnCode([column])
    rows = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
    spread, nats = code.spread(rows, torch.randn(4, 4))
    logp = torch.distributions.Normal(0, 1).log_prob(spread).sum(1)
    torch.testing.assert_close(logp + nats, torch.full((4,), -math.log(4)))


def test_a_normal_density_of_codes_makes_categories_and_gaps_as_likely_as_they_are() -> None:
    columns, rows = encoded(
        {
            "c": ["a"] * 45 + ["b"] * 14 + [None],
            "d": ["often" if n % 2 else f"d{n % 20}" for n in range(60)],
            "e": [f"e{n % 20}" for n in range(60)],  # in bits
            "x": [*np.linspace(0.1234567, 7.7654321, 56), *[None] * 4],
        }
    )
    code, again = ColumnCode(columns), ColumnCode(columns)
    code.know(rows)
    spread, nats = code.spread(rows, torch.randn(60, code.width))
    logp = torch.distributions.Normal(0, 1).log_prob(spread).sum(1) + nats
    c, d = {0: 1.5 / 61.5, 1: 45.5 / 61.5, 2: 14.5 / 61.5}, {True: 30.5 / 65.5, False: 3.5 / 65.5}
    without = range(56, 60)  # x, whose own density says nothing then
    wanted = [math.log(c[int(rows[n, 0])] * d[n % 2 == 1] * 3.5 / 70 * 4.5 / 61) for n in without]
    torch.testing.assert_close(logp[56:], torch.tensor(wanted), atol=1e-4, rtol=0)
    again.take_shares(code.shares())
    torch.testing.assert_close(again.unspread(spread), rows, atol=2e-5, rtol=0)
    assert torch.equal(again.spread(rows, spread)[0], code.spread(rows, spread)[0])


def test_the_bound_of_a_category_is_its_probability_on_average() -> None:
    column = Column(name="c", kind="category", source="c", categories=("a", "b"))
    code, mean = ColumnCode([column]), torch.tensor([0.8, 0.0, -0.5])
    base = torch.distributions.Normal(mean, 1.0)
    drawn = base.sample((200_000,)).argmax(1)
    for value in range(3):
        spread, nats = code.spread(torch.full((200_000, 1), float(value)), torch.randn(200_000, 3))
        logp = base.log_prob(spread).sum(1) + nats
        share = float((drawn == value).float().mean())
        assert abs(float(logp.exp().mean()) - share) < 0.01
        assert float(logp.mean()) < math.log(share)


def test_patterns_of_many_values_differ_and_the_nearest_is_found() -> None:
    assert book(300).shape == (300, 9)
    assert len(book(300).unique(dim=0)) == 300
    column = Column(name="c", kind="category", source="c", categories=tuple(map(str, range(299))))
    code = ColumnCode([column])
    rows = torch.arange(300.0)[:, None]
    assert torch.equal(code.decode(code.encode(rows) + torch.empty(300, 9).uniform_(-0.9, 0.9)), rows)


def test_decimals_are_those_that_all_quantiles_have() -> None:
    def of(values: list[float]) -> int | None:
        mean, std = float(np.mean(values)), float(np.std(values))
        quantiles = tuple((np.array(values) - mean) / std)
        return decimals(Column(name="x", kind="number", source="x", mean=mean, std=std, quantiles=quantiles))

    assert of([1.0, 2.0, 500001.0]) == 0
    assert of([39.1, 18.7, 181.0]) == 1
    assert of([7.25, 71.2833]) == 4
    assert of([math.pi, 2.0]) is None


def test_a_missing_number_is_noise_whose_density_is_known() -> None:
    columns, rows = encoded({"x": [*np.linspace(0.1234567, 7.7654321, 50), *[None] * 10]})
    code = ColumnCode(columns)
    noise = torch.randn(60, 2)
    spread, nats = code.spread(rows, noise)
    assert torch.equal(spread[50:, 0], noise[50:, 0])
    logp = torch.distributions.Normal(0, 1).log_prob(spread).sum(1) + nats
    torch.testing.assert_close(logp[50:], torch.full((10,), -math.log(2)))  # a gap: one of two equally likely signs


def test_a_category_without_gaps_is_never_decoded_as_one_and_an_unknown_value_is_unlikely() -> None:
    columns, rows = encoded({"c": ["a", "b", "c"] * 20, "d": ["e", None, "f"] * 20})
    assert [column.gaps for column in columns] == [False, True]
    code = ColumnCode(columns)
    assert code.width == 3 + 3
    assert torch.equal(code.decode(code.encode(rows)), rows)
    assert set(code.decode(torch.randn(200, 6))[:, 0].tolist()) == {1.0, 2.0, 3.0}
    noise = torch.randn(2, 6)
    nats = code.spread(torch.tensor([[1.0, 1.0], [0.0, 1.0]]), noise[:1].expand(2, 6))[1]
    assert abs(float(nats[0] - nats[1]) + math.log(1e-6)) < 1e-4


def test_ties_stand_where_half_of_them_lie_below() -> None:
    """Of 0 and 1 of which one in five is 1: half of the zeros are 0.4 of all, and 0.9 lie below the middle of the ones."""
    columns, rows = encoded({"flag": [0.0, 0.0, 1.0, 0.0, 0.0] * 20, "x": np.linspace(0, 1, 100) ** 2})
    code = ColumnCode(columns)
    expected = stats.norm.ppf([0.4, 0.9])
    np.testing.assert_allclose(np.unique(code.encode(rows)[:, 0].double().numpy()), expected, atol=1e-6)
    torch.testing.assert_close(code.decode(code.encode(rows)), rows, atol=2e-5, rtol=0)
    before = ColumnCode([replace(column, shares=()) for column in columns])  # as runs of earlier versions have them
    ends = stats.norm.ppf([0.005, 0.995])
    np.testing.assert_allclose(np.unique(before.encode(rows)[:, 0].double().numpy()), ends, atol=1e-5)
    torch.testing.assert_close(code.encode(rows)[:, 1], before.encode(rows)[:, 1], atol=0.2, rtol=0)  # without ties


@pytest.mark.parametrize("often", [1, 30, 970, 999])
def test_curves_rise_however_many_are_tied(often: int) -> None:
    values = np.concatenate([np.zeros(often), np.random.default_rng(0).exponential(size=1_000 - often)])
    columns, rows = encoded({"x": values, "y": np.arange(1_000.0)})
    bent = ColumnCode(columns).encode(rows)[:, 0]
    order = np.argsort(values)
    assert bent.isfinite().all()
    assert (np.diff(bent.numpy()[order])[np.diff(values[order]) > 0] > 0).all()
