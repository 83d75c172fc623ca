import math

import numpy as np
import pytest
from sklearn import metrics as sk

from sonde.metrics.intervals import bootstrap_difference, bootstrap_mean, wilson
from sonde.report.answers import interval_of, joined, paired, read_answers, row_values, same_rows, score

RNG = np.random.default_rng(0)
CLASSES = RNG.integers(0, 4, 300)
FOUND = np.where(RNG.random(300) < 0.8, CLASSES, RNG.integers(0, 4, 300))
VALUES = RNG.normal(size=300)
GUESSED = VALUES + 0.3 * RNG.normal(size=300)


def held(target: np.ndarray, prediction: np.ndarray, **more: object):
    answers = {"rows": len(target), "index": None, "target": target.tolist(), "prediction": prediction.tolist()}
    found = read_answers({"answers": answers | more})
    assert found is not None
    return found


def test_scores_of_rows_are_scikit_learns() -> None:
    whole = {
        "macro_f1": sk.f1_score(CLASSES, FOUND, average="macro"),
        "balanced_accuracy": sk.balanced_accuracy_score(CLASSES, FOUND),
    }
    for name, known in whole.items():
        function = score(name, classes=True)
        assert function is not None
        assert function(CLASSES, FOUND) == pytest.approx(known), name
    f1 = score("f1", classes=True)
    assert f1 is not None
    assert f1(CLASSES > 1, FOUND > 1) == pytest.approx(sk.f1_score(CLASSES > 1, FOUND > 1))
    for name, known in {"rmse": sk.root_mean_squared_error, "r2": sk.r2_score}.items():
        function = score(name, classes=False)
        assert function is not None
        assert function(VALUES, GUESSED) == pytest.approx(known(VALUES, GUESSED)), name
    assert score("rmse", classes=True) is None
    assert score("auroc", classes=True) is None


def test_means_of_rows_and_their_intervals() -> None:
    found = held(CLASSES, FOUND, log_loss=[0.5] * 299 + [2.0])
    right = int((CLASSES == FOUND).sum())
    assert interval_of(found, "accuracy", right / 300) == wilson(right, 300)
    assert interval_of(found, "log_loss", 0.505) == bootstrap_mean([0.5] * 299 + [2.0])
    assert interval_of(found, "auroc", 0.9) is None
    values = held(VALUES, GUESSED)
    errors = np.abs(VALUES - GUESSED)
    assert row_values(values, "mae") == pytest.approx(errors)
    assert row_values(values, "accuracy") is None
    rmse = math.sqrt(np.square(errors).mean())
    interval = interval_of(values, "rmse", rmse)
    assert interval is not None
    assert 0.9 * rmse < interval.low < rmse < interval.high < 1.1 * rmse


def test_a_samples_interval_lies_around_the_score_of_all_rows_and_is_narrower() -> None:
    errors = np.abs(VALUES - GUESSED)
    sampled = held(VALUES, GUESSED, rows=1200)
    own, whole = bootstrap_mean(errors), interval_of(sampled, "mae", 0.5)
    assert whole is not None
    assert whole.high - whole.low == pytest.approx((own.high - own.low) / 2)
    assert whole.holds(0.5)


def test_pairs_are_of_the_same_rows_or_none() -> None:
    first, second = held(CLASSES, FOUND), held(CLASSES, CLASSES)
    assert same_rows([first, second])
    assert not same_rows([first, held(CLASSES[::-1].copy(), FOUND)])
    assert not same_rows([first, held(CLASSES[:-1], FOUND[:-1])])
    assert same_rows([held(VALUES, GUESSED), held(VALUES * (1 + 1e-6), GUESSED)])  # a scale that rounds otherwise
    right = (CLASSES == FOUND).astype(float)
    assert paired([first], [second], "accuracy", level=0.95) == bootstrap_difference(right, np.ones(300))
    mean = paired([first, second], [second], "accuracy", level=0.95)
    assert mean == bootstrap_difference((right + 1) / 2, np.ones(300))
    f1 = paired([first], [second], "macro_f1", level=0.95)
    assert f1 is not None
    assert f1.high < 0
    assert paired([first], [second], "auroc", level=0.95) is None


def test_folds_are_joined() -> None:
    both = joined([held(CLASSES, FOUND), held(CLASSES, CLASSES, log_loss=[0.1] * 300)])
    assert (both.rows, len(both.target), both.log_loss) == (600, 600, None)


def test_what_is_not_kept_or_not_finite_gives_nothing() -> None:
    assert read_answers({}) is None
    assert read_answers({"answers": {"rows": 0, "index": None, "target": [], "prediction": []}}) is None
    assert read_answers({"answers": {"rows": 1, "index": None, "target": [1.5], "prediction": [None]}}) is None
    found = read_answers({"answers": {"rows": 1, "index": [7], "target": [1], "prediction": [2], "log_loss": [None]}})
    assert found is not None
    assert (found.log_loss, found.index.tolist(), found.classes) == (None, [7], True)
