"""Elo points with their intervals, and without the number where that says nothing."""

import re

import pytest

from sonde.metrics.intervals import wilson
from sonde.metrics.matches import elo
from sonde.report.ladder import ladder_figure, points, table, why_none


def match(score: float, games: int) -> dict:
    around = wilson(score * games, games)
    ends = {name: elo(value) for name, value in (("value", score), ("low", around.low), ("high", around.high))}
    finite = {name: value if abs(value) < 1e6 else None for name, value in ends.items()}
    return {"games": games, "elo": finite}


def test_three_games_say_nothing_and_many_do() -> None:
    assert points(match(2 / 3, 3)["elo"]) == ""
    assert points(match(1.0, 1000)["elo"]) == ""  # it may be stronger by any amount
    assert points(match(0.75, 400)["elo"]) == "+191"
    assert why_none(1) == "1 game leaves an interval of more than 400 points"


def test_the_figure_has_an_interval_of_each_and_a_point_where_there_is_a_number() -> None:
    held = {"<b>": match(0.5, 100), "weak": match(1.0, 4), "strong": match(0.0, 4), "close": match(0.5, 4)}
    svg = ladder_figure(held).svg
    assert svg.count("<circle") == 1
    assert "<b>" not in svg
    assert "weak: 4 games leave an interval of more than 400 points; +7 or more" in svg
    assert "strong: 4 games leave an interval of more than 400 points; -7 or less" in svg
    ends = [(part.count('v10"/>'), part.count("5l")) for part in svg.split("<g>")[1:]]
    assert ends == [(2, 0), (1, 1), (1, 1), (2, 0)]  # an interval has an arrow where all was won or lost


def test_the_axis_is_as_wide_as_the_widest_interval() -> None:
    close = ladder_figure({"close": match(0.5, 100)}).svg
    assert [f">{tick:+d}<" in close for tick in (-1200, -800, 800, 1200)] == [False, True, True, False]
    for games in (100, 10_000_000):
        held = match(1 - 1 / games, games)
        svg = ladder_figure({"weak": held}).svg
        low, high = (float(part.split(" ")[0]) for part in svg.replace("v10", "@").split('"c1" d="M')[2:4])
        ticks = {
            int(text): float(x)
            for x, text in re.findall(r'x="([\d.]+)" y="[\d.]+" text-anchor="middle">([+-]\d+)<', svg)
        }
        assert len(ticks) <= 7
        assert max(ticks) >= held["elo"]["high"]
        a_point = (ticks[max(ticks)] - ticks[0]) / max(ticks)
        assert (low - ticks[0]) / a_point == pytest.approx(held["elo"]["low"], abs=3)
        assert (high - ticks[0]) / a_point == pytest.approx(held["elo"]["high"], abs=3), "and none ends before it does"


def test_cells_are_escaped() -> None:
    assert '<td class="word">&lt;i&gt;</td><td class="n">1</td>' in table(["a", "b"], [["<i>", "1"]])
