from typing import Any

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from sonde.report.evaluated import (
    MOST_CLASS_ROWS,
    class_rows,
    confused_pairs,
    confusion_figure,
    evaluation_figures,
)
from sonde.report.folder import Reading, read_folder


def details_of(run: Reading) -> dict[str, Any]:
    return run.evaluated[run.split]


def test_the_most_confused_pairs_are_those_of_the_matrix():
    rng = np.random.default_rng(0)
    target = rng.integers(0, 4, 500)
    predicted = np.where(rng.random(500) < 0.7, target, rng.integers(0, 4, 500))
    names = ["a", "b", "c", "d"]
    matrix = confusion_matrix(target, predicted)
    pairs = confused_pairs({"confusion": {"names": names, "counts": matrix.tolist()}})
    assert len(pairs) == 12
    assert [count for _, _, count, _ in pairs] == sorted(matrix[~np.eye(4, dtype=bool)].tolist(), reverse=True)
    truth, prediction, count, part = pairs[0]
    i, j = names.index(truth), names.index(prediction)
    assert count == np.sum((target == i) & (predicted == j))
    assert part == pytest.approx(count / np.sum(target == i))


def test_a_matrix_is_drawn_up_to_25_classes(make_images, tmp_path):
    def figure(n):
        return confusion_figure(
            details_of(read_folder(make_images(tmp_path / str(n), names=[f"c{i}" for i in range(n)])))
        )

    assert figure(10) is not None
    largest = figure(25)
    assert largest is not None
    assert largest.wide
    assert figure(26) is None


def test_binary_tables_get_threshold_curves_and_regressions_residuals(table_run, regression_run):
    assert [f.title for f in evaluation_figures(details_of(read_folder(table_run)))] == [
        "ROC curve",
        "Precision and recall",
    ]
    assert [f.title for f in evaluation_figures(details_of(read_folder(regression_run)))] == [
        f"{name}: {what}"
        for name in ("price", "rent")
        for what in ("predicted and true", "residuals", "distribution of the errors")
    ]


def test_empty_bins_are_left_out_of_the_calibration(image_run):
    figure = evaluation_figures(details_of(read_folder(image_run)))[0]
    assert figure.title == "Calibration"
    assert figure.svg.count("<circle") == 12


def test_masked_targets_are_left_out_of_the_scatter():
    table = {"names": ["y"], "target": [[1.0, None, 3.0, 4.0]], "prediction": [[1.1, 2.0, 2.9, 4.2]]}
    figure = evaluation_figures({"scatter": table})[0]
    assert figure.caption.startswith("3 rows")
    assert figure.svg.count("<circle") == 3


def test_of_very_many_classes_the_weakest_are_listed():
    n = 1000
    f1 = np.linspace(1, 0, n).tolist()
    table = {"names": [f"c{i}" for i in range(n)], "precision": [None] * n, "recall": f1, "f1": f1, "support": [1] * n}
    rows, total = class_rows({"per_class": table})
    assert (len(rows), total) == (MOST_CLASS_ROWS, n)
    assert rows[0].name == "c999"
