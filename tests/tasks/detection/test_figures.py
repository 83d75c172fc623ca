from typing import Any

from sonde.tasks.detection.figures import MOST_CURVES, precision_recall_figure


def details(classes: int, *, empty: bool = False) -> dict[str, Any]:
    """Class number n has n objects, precision 1 - n/10 up to a recall of a half."""
    names = [f"class{number}" for number in range(classes)]
    curves = [[1 - number / 10] * 2 + [0.0] if not empty else [None] * 3 for number in range(classes)]
    table = {"names": names, "recall": [0.0, 0.5, 1.0], "precision": curves}
    return {"precision_recall": table, "per_class": {"names": names, "support": list(range(classes))}}


def test_a_curve_for_each_class_the_most_frequent_first():
    figure = precision_recall_figure(details(2))
    assert figure is not None
    assert figure.svg.count('class="c') == 2
    assert figure.svg.index("class0") > 0
    assert "IoU of 0.5" in figure.caption


def test_of_many_classes_those_with_most_objects():
    figure = precision_recall_figure(details(6))
    assert figure is not None
    assert figure.svg.count('class="c') == MOST_CURVES
    assert "class5" in figure.svg
    assert "class0" not in figure.svg
    assert "The 4 of 6 classes with the most objects are shown." in figure.caption


def test_nothing_is_drawn_where_there_is_nothing():
    assert precision_recall_figure({}) is None
    assert precision_recall_figure(details(2, empty=True)) is None
