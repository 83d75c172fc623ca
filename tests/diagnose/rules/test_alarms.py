"""A threshold that held-out normal rows exceed far more often than was promised is named."""

import math

import numpy as np
import pytest

import sonde
from sonde.core.findings import NAMES, read_back
from sonde.diagnose.rules.alarms import (
    few_anomalies_found,
    more_alarms_than_promised,
    of_thresholds,
    other_score_finds_more,
)
from sonde.engine.json_lines import read_lines


def scores(normal: int, promised: float | None = 0.01) -> dict[str, object]:
    return {"normal": [normal - 3, 3], "promised": promised}


@pytest.mark.parametrize(
    ("rate", "normal", "promised"),
    [(0.015, 10_000, 0.01), (0.03, 100, 0.01), (0.0, 500, 0.01), (0.5, 100, None), (None, 100, 0.01)],
)
def test_few_alarms_more_or_few_rows_are_no_finding(rate: float | None, normal: int, promised: float | None) -> None:
    metrics = {} if rate is None else {"false_alarm_rate": rate}
    assert more_alarms_than_promised(metrics, scores(normal, promised), "test") == []


def test_validation_rows_chose_the_threshold_and_say_nothing() -> None:
    assert more_alarms_than_promised({"false_alarm_rate": 0.5}, scores(200), "validation") == []


@pytest.mark.parametrize(
    ("rate", "rows", "named"), [(3 / 45, 45, True), (0.45, 45, False), (0.0, 3, False), (None, 9, False)]
)
def test_thresholds_that_few_known_anomalies_exceed_are_named(rate: float | None, rows: int, *, named: bool) -> None:
    metrics = {} if rate is None else {"detection_rate": rate}
    found = few_anomalies_found(metrics, {"anomalous": [rows, 0], "false_alarms": 0.01}, "test")
    assert [each.name for each in found] == ["few-anomalies-found"] * named
    assert not named or "6.7 % of the 45 known anomalies" in found[0].evidence


def test_windows_that_overlap_and_are_split_at_random_are_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each validation window stands between two training windows of the same noise; test windows are of later noise."""
    rng = np.random.default_rng(0)
    series = rng.standard_normal(2_000).astype(np.float32)
    windows = np.stack([series[start : start + 16] for start in range(0, 1_984, 2)])[:, :, None]
    folder = tmp_path_factory.mktemp("windows")
    later = rng.standard_normal((100, 16, 1)).astype(np.float32)
    np.savez(
        folder / "windows.npz",
        x_train=windows,
        y_train=np.zeros(len(windows), int),
        x_test=later,
        y_test=np.arange(100) // 99,
    )
    run = sonde.train(
        folder / "windows.npz",
        task="anomaly",
        normal="0",
        stretch=8,
        steps=5,
        evaluate_every="5 steps",
        out=folder / "run",
        quiet=True,
    )
    found = next(
        each for each in read_back(list(read_lines(run.folder / "findings.jsonl"))) if each.name == "more-false-alarms"
    )
    assert found.name in NAMES
    assert found.severity == "warning"
    assert "windows of one series" in found.evidence
    assert run.metrics["false_alarm_rate"] > 0.1
    assert run.result["baseline"] == {
        "what": "the same score for all rows",
        "auroc": 0.5,
        "average_precision": pytest.approx(0.01),
    }
    assert not math.isnan(run.metrics["auroc"])


def two_scores(own: float, other: float, gained: float, alone: tuple[int, int]) -> dict[str, object]:
    """Details of 200 anomalies: areas, the lower end of their difference, and what each score alone finds."""
    return {
        "score": "neighbours",
        "false_alarms": 0.01,
        "anomalous": [200],
        "normal": [900],
        "beside": {
            "score": "reconstruction",
            "auroc": [own, other],
            "gained": [gained, 1.0],
            "detection_rate": [0.07, 0.9],
            "alone": list(alone),
        },
    }


@pytest.mark.parametrize(
    ("details", "named"),
    [
        (two_scores(0.7, 0.9, 0.1, (3, 3)), True),
        (two_scores(0.9, 0.9, -0.1, (0, 166)), True),
        (two_scores(0.9, 0.9, -0.1, (3, 5)), False),
        (two_scores(0.9, 0.7, -0.3, (166, 0)), False),
        ({"anomalous": [200], "score": "reconstruction"}, False),
    ],
)
def test_the_other_score_is_named_where_it_surely_finds_more(details: dict[str, object], *, named: bool) -> None:
    found = other_score_finds_more(details, "validation")
    assert [each.name for each in found] == ["other-score-finds-more"] * named
    if named:
        assert "--score reconstruction finds 90.0 %" in found[0].evidence
        assert found[0].action.startswith("train with --score reconstruction")


def test_scores_are_compared_on_validation_rows_where_those_have_anomalies() -> None:
    details = {
        "validation": two_scores(0.7, 0.9, 0.1, (3, 3)),
        "test": {**two_scores(0.9, 0.7, -0.3, (166, 0)), "promised": 0.01},
    }
    metrics = {"validation": {"false_alarm_rate": 0.01}, "test": {"false_alarm_rate": 0.01, "detection_rate": 0.07}}
    assert [each.name for each in of_thresholds(metrics, details)] == ["other-score-finds-more", "few-anomalies-found"]
    without = {**details, "validation": {}}
    assert [each.name for each in of_thresholds(metrics, without)] == ["few-anomalies-found"]
    few = of_thresholds(metrics, without)[0]
    assert "--score reconstruction finds 90.0 %" in few.action  # as measured, not as guessed


def test_pictures_that_are_odd_in_what_edges_do_not_show_are_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A picture that is brighter everywhere has the edges that the others have."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 60, (900, 12, 12)).astype(np.uint8)
    odd = np.arange(900) % 9 == 0
    pictures[odd] += 60
    folder = tmp_path_factory.mktemp("noise")
    np.savez(folder / "noise.npz", x=pictures, y=odd.astype(int))
    run = sonde.train(
        folder / "noise.npz", task="anomaly", normal="0", contrast=0, steps=60, out=folder / "run", quiet=True
    )
    found = [each.name for each in read_back(list(read_lines(run.folder / "findings.jsonl")))]
    assert "other-score-finds-more" in found, (run.metrics, run.result["highlights"])
    assert any("--score reconstruction by the same network" in line for line in run.result["highlights"])
