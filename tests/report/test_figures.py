import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from sonde.report.figures import HEIGHT, LEFT, WIDTH, Axis, Series, bars, curves, heat_map, scaled, scatter, stacked_bar

NASTY = '<script>alert("1")</script>&'


def parse(svg: str) -> ElementTree.Element:
    """The picture as XML: unescaped text would not parse, or would add elements."""
    return ElementTree.fromstring(str(svg))


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in parse(svg).iter("text")]


def path_points(svg: str, kind: str) -> list[tuple[float, float]]:
    drawn = next(e for e in parse(svg).iter("path") if e.get("class") == kind)
    return [(float(x), float(y)) for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", drawn.get("d", ""))]


def test_a_curve_goes_where_its_values_say():
    xs = np.linspace(0, 10, 50)
    svg = curves(
        [Series(name="a", points=list(zip(xs, xs**2, strict=True)))], Axis(label="x"), Axis(label="y"), name="n"
    )
    found = np.array(path_points(svg, "c1"))
    assert np.corrcoef(found[:, 0], xs)[0, 1] > 0.99999
    assert np.corrcoef(found[:, 1], -(xs**2))[0, 1] > 0.99999  # SVG's y grows downwards
    assert found.min() >= 0
    assert found[:, 0].max() <= WIDTH
    assert found[:, 1].max() <= HEIGHT


def test_an_axis_ends_where_no_value_can_lie():
    shares = Axis(label="AUROC", bounds=(0.0, 1.0))
    one = scaled([1.0, 1.0], shares, start=0, end=1)
    assert (one.low, one.high) == (pytest.approx(0.46), 1.0)
    assert (scaled([0.0, 0.5], shares, start=0, end=1).low, scaled([2.0], shares, start=0, end=1).high) == (0.0, 2.54)


def test_a_legend_of_long_names_stands_in_lines_within_the_picture():
    names = ["critic/loss", "critic/gradient penalty", "generator/loss", "generator/fooled share", "generator/l2"]
    series = [Series(name=name, points=[(0, 1), (1, 2)], colour=n) for n, name in enumerate(names, 1)]
    picture = parse(curves(series, Axis(label="x"), Axis(label="y"), name="n"))
    swatches = [e for e in picture.iter("rect") if e.get("height") == "3.5"]
    assert len(swatches) == len(names)
    assert min(float(e.get("x", "-1")) for e in swatches) >= LEFT - 24
    lowest = max(float(e.get("y", "0")) for e in swatches)
    highest = min(y for _, y in path_points(curves(series, Axis(label="x"), Axis(label="y"), name="n"), "c1"))
    assert lowest < highest, "the names stand above the curves"


def test_the_word_of_a_mark_stands_where_the_curve_is_not():
    def height(last: float) -> float:
        series = [Series(name="a", points=[(0, 0.7), (8, 0.7), (9, 0.7), (10, last)])]
        up = Axis(label="y", low=0.6, high=1.0)
        picture = parse(curves(series, Axis(label="x"), up, name="n", mark=(10, "kept here")))
        return next(float(e.get("y", "0")) for e in picture.iter("text") if e.text == "kept here")

    assert max(height(0.7), height(0.95)) < HEIGHT / 2, "above a curve that is low below most of the word"


def test_a_missing_value_breaks_the_curve():
    svg = curves(
        [Series(name="a", points=[(0, 1), (1, 2), (2, None), (3, 1), (4, 2)])],
        Axis(label="x"),
        Axis(label="y"),
        name="n",
    )
    drawn = next(e.get("d", "") for e in parse(svg).iter("path") if e.get("class") == "c1")
    assert drawn.count("M") == 2


def test_long_curves_are_thinned_and_can_be_hovered():
    points = [(float(i), float(i % 7)) for i in range(100_000)]
    svg = curves([Series(name="loss", points=points)], Axis(label="step"), Axis(label="loss"), name="n")
    assert len(svg) < 40_000
    assert len(path_points(svg, "c1")) <= 600
    titles = [e.text or "" for e in parse(svg).iter("title")]
    assert 20 <= len(titles) <= 100
    assert re.fullmatch(r"step [\d,.]+\nloss: [\d.]+", titles[10])


@pytest.mark.parametrize("points", [[], [(1.0, 1.0)], [(1.0, None)], [(0.0, 1e-30), (1.0, 1e30)]])
def test_odd_data_draw_something_valid(points):
    svg = curves([Series(name="a", points=points)], Axis(label="x"), Axis(label="y"), name="n")
    assert "nan" not in svg
    assert "inf" not in svg
    parse(svg)


def test_the_heat_map_shows_each_count_in_its_cell():
    counts = [[50, 3, 0], [1, 40, 2], [0, 0, 7]]
    svg = heat_map(["ant", "bee", "cat"], counts, name="n")
    root = parse(svg)
    cells = [g for g in root.iter("g")]
    assert len(cells) == 9
    found = [[int(g.findtext("text") or "0") for g in cells[3 * i : 3 * i + 3]] for i in range(3)]
    assert found == counts
    assert cells[1].findtext("title") == "ant predicted as bee: 3 of 53 (5.7 %)"
    strength = [float(r.get("fill-opacity", "0")) for r in root.iter("rect") if r.get("class") == "hit"]
    shares = [50 / 53, 40 / 43, 1.0]
    assert np.argsort(strength).tolist() == np.argsort(shares).tolist()


def test_an_empty_class_does_not_divide_by_zero():
    assert "0 of 1" in heat_map(["a", "b"], [[0, 0], [1, 2]], name="n")


def test_a_scatter_puts_equal_values_on_the_diagonal():
    pairs = [(float(v), float(v)) for v in (-5, 0, 3, 40)]
    svg = scatter(pairs, Axis(label="true"), Axis(label="predicted"), name="n", line="diagonal")
    dots = [(float(c.get("cx", "")), float(c.get("cy", ""))) for c in parse(svg).iter("circle")]
    (x1, y1), (x2, y2) = path_points(svg, "help")
    for x, y in dots:
        assert y == pytest.approx(y1 + (x - x1) / (x2 - x1) * (y2 - y1), abs=0.2)


def test_residuals_have_their_zero_line_in_the_picture():
    svg = scatter([(1.0, 5.0), (2.0, 6.0)], Axis(label="p"), Axis(label="r"), name="n", line="zero", titles=False)
    (_, y1), (_, y2) = path_points(svg, "help")
    assert y1 == y2 < HEIGHT


def test_a_stacked_bar_has_the_shares_widths():
    svg = stacked_bar([("a", 1.0, "1 s"), ("b", 3.0, "3 s")], name="n")
    widths = [float(r.get("width", "0")) + 1.5 for r in parse(svg).iter("rect")]
    assert widths[1] / widths[0] == pytest.approx(3.0, rel=0.01)


def test_bars_are_as_long_as_their_counts():
    svg = bars([("a", 10.0), ("b", 40.0), ("c", 0.0)], name="n")
    widths = [float(r.get("width", "0")) for r in parse(svg).iter("rect")]
    assert widths[1] / widths[0] == pytest.approx(4.0, rel=0.02)


def test_names_are_text_and_never_markup():
    axis = Axis(label=NASTY)
    pictures = [
        curves([Series(name=NASTY, points=[(0, 0), (1, 1)], dots=True), Series(name="b", points=[(0, 1)])], axis, axis,
               name=NASTY, mark=(0.5, NASTY)),
        scatter([(0.0, 1.0), (1.0, 2.0)], axis, axis, name=NASTY, line="diagonal"),
        heat_map([NASTY, "b"], [[1, 2], [3, 4]], name=NASTY),
        bars([(NASTY, 1.0)], name=NASTY),
        stacked_bar([(NASTY, 1.0, NASTY)], name=NASTY),
    ]  # fmt: skip
    for svg in pictures:
        assert parse(svg).get("aria-label") == NASTY
        assert "<script" not in svg
    assert texts(pictures[0]).count(NASTY) == 4  # two axes, the mark and the legend


def test_hovering_tells_the_values_of_all_curves_at_that_place():
    a = Series(name="a", points=[(float(i), float(i)) for i in range(41)])
    b = Series(name="b", points=[(0.0, 5.0), (20.0, 6.0), (40.0, 7.0)], colour=2)
    titles = [e.text for e in parse(curves([a, b], Axis(label="step"), Axis(label="y"), name="n")).iter("title")]
    assert titles[7] == "step 7.000\na: 7.000\nb: 5.000"
    assert titles[29] == "step 29.00\na: 29.00\nb: 6.000"
    assert titles[40] == "step 40.00\na: 40.00\nb: 7.000"
