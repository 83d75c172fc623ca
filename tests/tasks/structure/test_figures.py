import re
from typing import Any

import pytest

from sonde.tasks.structure.figures import MOST, MOST_RESIDUES, SIDE, trace_figures

TRUE = [[0.0, 0.0, 0.0], [4.0, 0.0, 0.0], [4.0, 4.0, 1.0], [0.0, 4.0, -1.0]]


def case(name: str = "1ABC", *, found: Any = TRUE) -> dict[str, Any]:
    return {"row": name, "target": "4 residues", "prediction": "lDDT 0.5", "trace": {"true": TRUE, "found": found}}


def test_both_traces_are_drawn_about_the_middle_of_the_true_one() -> None:
    (figure,) = trace_figures({"worst": [case("<b>")], "best": []})
    paths = re.findall(r'<path class="(c\d)" data-trace="([^"]*)" d="M([^"]*)"/>', figure.svg)
    assert [colour for colour, _, _ in paths] == ["c1", "c2"]
    assert paths[0][1:] == paths[1][1:]
    places = [[float(x) for x in point.split(",")] for point in paths[0][1].split()]
    assert [sum(axis) for axis in zip(*places, strict=True)] == pytest.approx([0, 0, 0], abs=0.5)
    assert max(sum(x * x for x in point) for point in places) ** 0.5 == pytest.approx(SIDE / 2 - 12, rel=0.01)
    drawn = [tuple(map(float, point.split())) for point in paths[0][2].split("L")]
    assert drawn == [pytest.approx((SIDE / 2 + x, SIDE / 2 - y)) for x, y, _ in places]
    assert figure.title == "<b>"  # escaped by the page
    assert figure.caption.startswith("4 residues: lDDT 0.5.")


def test_the_worst_come_first_and_few_are_drawn() -> None:
    found = trace_figures({"worst": [case(f"w{n}") for n in range(MOST)], "best": [case("b")]})
    assert [figure.title for figure in found] == [f"w{n}" for n in range(MOST)]


def test_rows_without_traces_and_endless_ones_are_left_out() -> None:
    long = [[0.0, 0.0, float(n)] for n in range(MOST_RESIDUES + 1)]
    others = [{"row": "x"}, {"row": "y", "trace": 3}, case(found=[]), case(found=long)]
    assert trace_figures({"worst": others}) == []
    assert trace_figures({}) == []
