import pytest

from sonde.report.confidence import confidence_figures, threshold_figures

THREE = {
    "edges": [0.0, 0.25, 0.5, 0.75, 1.0],
    "confidence": [None, 0.4, 0.6, 0.9],
    "accuracy": [None, 0.5, 0.5, 0.9],
    "count": [0, 4, 6, 10],
}


def test_right_and_wrong_answers_are_counted_apart():
    calibration, spread = confidence_figures(THREE)
    assert calibration.svg.count("<circle") == 3
    assert "the 14 correct predictions" in spread.caption
    assert "the 6 wrong ones" in spread.caption
    assert "confidence 75 % to 100 %: 9 of 14 correct predictions" in spread.svg
    assert "confidence 75 % to 100 %: 1 of 6 wrong predictions" in spread.svg
    assert spread.svg.count("<rect") == 6


def test_two_bins_are_a_sentence():
    bins = {"edges": [0.0, 0.5, 1.0], "confidence": [0.4, 0.8], "accuracy": [0.5, 1.0], "count": [4, 6]}
    calibration, _ = confidence_figures(bins)
    assert calibration.svg == ""
    assert "at a confidence of 40 %, 50 % of 4 rows; at a confidence of 80 %, 100 % of 6 rows" in calibration.caption


def one(name: str, auroc: float) -> dict:
    curve = {"fpr": [0.0, 0.5, 1.0], "tpr": [0.5, 1.0, 1.0], "precision": [1.0, 0.6, 0.4]}
    scores = {"auroc": auroc, "interval": [auroc - 0.1, 1.0], "average_precision": 0.7}
    return {"name": name, "positives": 40, "negatives": 60, **scores, **curve}


def test_the_positive_class_is_named_with_its_area_and_interval():
    roc, precision = threshold_figures({"roc": {"classes": [one("<ill>", 0.875)], "of": 1}})
    assert roc.caption.startswith("Area under the curve, with its 95 % interval: “<ill>” 0.875 (0.775 to 1).")
    assert "Positive: “<ill>” (40 of 100 rows)." in roc.caption
    assert "“<ill>” 0.700 (guessing 0.400)" in precision.caption
    assert "<ill>" not in roc.svg


def test_of_many_classes_those_told_apart_worst_are_drawn():
    classes = [one(f"kind {n}!", 0.9 - n / 100) for n in range(12)]
    roc, _ = threshold_figures({"roc": {"classes": classes, "of": 30}})
    assert "Of 30 classes the 4 with the lowest score" in roc.caption
    assert [name in roc.svg for name in ("kind 0!", "kind 8!", "kind 11!")] == [False, True, True]


@pytest.mark.parametrize("bins", [None, {"edges": [0, 1], "confidence": [None], "accuracy": [None], "count": [0]}])
def test_without_rows_there_is_nothing(bins):
    assert confidence_figures(bins) == []
    assert threshold_figures({}) == []
