from xml.etree import ElementTree

from sonde.report.figures import Axis, Series, curves
from sonde.report.legend import HELP, HELP_TOO, SAMPLE


def test_in_a_legend_each_colour_stands_right_before_its_own_name():
    names = ["who began won", "drawn", "random policy (-200, of 9 episodes)"]
    series = [
        Series(name=name, points=[(0, 1), (1, 2)], colour=n) for n, name in zip((1, HELP, HELP_TOO), names, strict=True)
    ]
    keys = [
        e
        for e in ElementTree.fromstring(curves(series, Axis(label="x"), Axis(label="y"), name="n")).iter("g")
        if e.get("class") == "key"
    ]
    assert [key[1].text for key in keys] == names, "none of them is cut"
    for sample, word in keys:
        start = float(sample.get("x") or (sample.get("d") or "").removeprefix("M").split()[0])
        assert 0 < float(word.get("x", "0")) - (start + SAMPLE) < 8
        assert word.get("text-anchor") is None, "so that it begins there however wide the font is"
    assert [key[0].get("class") for key in keys] == ["f1", "help", "help too"], (
        "two lines to compare with look different"
    )
