import re

from sonde.report.distributions import Bar, Group, cloud, histogram, spread_bars
from sonde.report.figures import Axis


def test_bars_stand_on_zero_and_hang_from_it():
    bars = [Bar(low=0, high=1, height=4, colour=1, title="<a>"), Bar(low=1, high=2, height=-2, colour=2, title="b")]
    svg = histogram(bars, Axis(label="x"), Axis(label="y"), name="n")
    boxes = [
        tuple(map(float, found))
        for found in re.findall(r'<rect class="f\d" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', svg)
    ]
    (_, top, wide, high), (left, other_top, _, low) = boxes
    assert abs(high - 2 * low) < 0.2
    assert abs(top + high - other_top) < 0.2
    assert left > wide
    assert "&lt;a&gt;" in svg


def test_the_bar_is_the_mean_and_the_line_the_spread():
    svg = spread_bars([("a", [1.0, 3.0]), ("b", [-1.0])], name="n", unit="points")
    assert "a: 2.00 points, from 1.00 to 3.00" in svg
    x, wide = map(float, re.findall(r'class="f1" x="([\d.]+)" y="[\d.-]+" width="([\d.]+)"', svg)[0])
    begin, end = map(float, re.findall(r'class="whisker" d="M([\d.]+) [\d.]+H([\d.]+)', svg)[0])
    assert abs((begin + end) / 2 - (x + wide)) < 0.2


def test_each_point_is_drawn_once():
    groups = [
        Group(name="", points=[(0, 0), (1, 1)], colour=1),
        Group(name="", points=[(2, 0)], colour=2, crossed=True),
    ]
    svg = cloud(groups, Axis(label="x"), Axis(label="y"), name="n")
    assert svg.count("h0") == 2
    assert svg.count("l6.8 6.8") == 1
