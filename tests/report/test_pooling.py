"""Evaluations of folds put together."""

import pytest

from sonde.report.pooling import pooled, together


def fold(counts, **more):
    return {"test": {"confusion": {"names": ["a", "b"], "counts": counts}, **more}}


def test_a_confusion_matrix_is_the_sum_and_its_classes_are_scored_by_it():
    found = pooled([("fold-1", fold([[3, 1], [0, 2]])), ("fold-2", fold([[1, 1], [2, 4]]))])["test"]
    assert found["confusion"]["counts"] == [[4, 2], [2, 6]]
    assert found["per_class"] == {
        "names": ["a", "b"],
        "precision": [4 / 6, 6 / 8],
        "recall": [4 / 6, 6 / 8],
        "f1": [8 / 12, 12 / 16],
        "support": [6, 8],
    }


def test_calibration_is_weighted_by_rows():
    bins = {"edges": [0.0, 0.5, 1.0]}
    first = {"calibration": bins | {"confidence": [None, 0.8], "accuracy": [None, 0.5], "count": [0, 10]}}
    second = {"calibration": bins | {"confidence": [0.3, 0.9], "accuracy": [0.2, 1.0], "count": [5, 30]}}
    found = pooled([("fold-1", {"test": first}), ("fold-2", {"test": second})])["test"]["calibration"]
    assert found["count"] == [5, 40]
    assert found["confidence"] == pytest.approx([0.3, 0.875])
    assert found["accuracy"] == pytest.approx([0.2, 0.875])


def test_curves_are_averaged_at_equal_false_positive_rates():
    steep = {"fpr": [0.0, 0.0, 1.0], "tpr": [0.0, 1.0, 1.0], "recall": [0.0, 1.0], "precision": [1.0, 1.0]}
    chance = {"fpr": [0.0, 1.0], "tpr": [0.0, 1.0], "recall": [0.0, 1.0], "precision": [1.0, 0.5]}
    found = pooled([("fold-1", {"test": {"curve": steep}}), ("fold-2", {"test": {"curve": chance}})])["test"]["curve"]
    assert found["fpr"][-1] == 1.0
    assert found["tpr"][50] == pytest.approx((1 + 50 / 99) / 2)
    assert found["precision"][-1] == pytest.approx(0.75)


def test_the_hardest_rows_of_all_folds_have_their_pictures_in_the_folds_folders():
    rows = [{"row": "x", "loss": 1.0, "picture": "worst/0.png"}], [{"row": "y", "loss": 2.0, "picture": None}]
    found = pooled([(f"fold-{n}", {"test": {"worst": part}}) for n, part in enumerate(rows, start=1)])["test"]["worst"]
    assert [(each["row"], each["picture"]) for each in found] == [
        ("y", None),
        ("x", "fold-1/evaluation/test/worst/0.png"),
    ]


def test_what_some_folds_lack_is_left_out():
    other = {"test": {"confusion": {"names": ["a", "c"], "counts": [[1, 0], [0, 1]]}}}
    assert pooled([("fold-1", fold([[1, 0], [0, 1]])), ("fold-2", other)]) == {"test": {}}
    assert pooled([("fold-1", fold([[1, 0], [0, 1]])), ("fold-2", {})]) == {}
    assert pooled([]) == {}


def test_findings_say_in_which_folds_they_were_seen():
    low = {"check": "plateau", "severity": "warning", "evidence": "flat since step 5"}
    high = {**low, "evidence": "flat since step 9"}
    alone = {"check": "slow input", "severity": "note", "evidence": "e"}
    found = together([(1, [low]), (2, []), (3, [high, alone])])
    assert [(each["evidence"], each["where"]) for each in found] == [
        ("fold 1: flat since step 5", "folds 1 and 3"),
        ("fold 3: flat since step 9", "folds 1 and 3"),
        ("fold 3: e", "fold 3"),
    ]
