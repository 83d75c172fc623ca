"""Intervals that cover far fewer truths than they promise are named, with what they cover."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import sonde
from sonde.core.findings import NAMES, read_back
from sonde.diagnose.rules.intervals import too_narrow
from sonde.engine.json_lines import read_lines

WINDOWS = {"windows": 700, "horizon": 7}


@pytest.mark.parametrize(
    ("covered", "calibration", "named"),
    [
        ({"coverage_80": 0.4}, WINDOWS, True),
        ({"coverage_80": 0.72}, WINDOWS, False),  # off, and not far
        ({"coverage_80": 0.99}, WINDOWS, False),
        ({"coverage_80": 0.4}, {"windows": 20, "horizon": 10}, False),  # two windows that do not overlap
        ({"coverage_90": 0.88, "coverage_50": 0.2}, WINDOWS, True),
        ({"mse": 1.0}, WINDOWS, False),
        ({"coverage_80": 0.4}, {}, False),  # as earlier versions wrote them
    ],
)
def test_only_intervals_that_are_surely_far_too_narrow_are_named(
    covered: dict[str, float], calibration: dict[str, int], *, named: bool
) -> None:
    found = too_narrow({"test": covered}, calibration, "test")
    assert [each.name for each in found] == ["intervals-too-narrow"] * named
    assert not named or found[0].name in NAMES


def test_each_is_told_with_what_it_promises_and_covers_and_beside_validation() -> None:
    scores = {"coverage_50": 0.21, "coverage_80": 0.4, "coverage_90": 0.89}
    held = {"coverage_50": 0.47, "coverage_80": 0.79, "coverage_90": 0.9}
    (finding,) = too_narrow({"validation": held, "test": scores}, WINDOWS, "test")
    assert finding.evidence == (
        "40.0 % lie in the 80 % interval and 21.0 % lie in the 50 % interval, of the 700 test windows; "
        "79.0 % lie in the 80 % interval and 47.0 % lie in the 50 % interval, of the validation windows"
    )
    assert "unlike those before them" in finding.action
    (other,) = too_narrow({"validation": scores, "test": scores}, WINDOWS, "test")
    assert "unlike those before them" not in other.action


@pytest.mark.parametrize("settings", [{"loss": "quantile"}, {"task": "diffusion-forecasting"}])
def test_a_series_that_is_no_longer_as_regular_is_named(tmp_path: Path, settings: dict[str, Any]) -> None:
    rng, steps = np.random.default_rng(0), np.arange(1_000)
    phase = np.where(steps < 800, 0.0, np.repeat(rng.uniform(0, 6, 100), 10))
    load = np.sin(2 * np.pi * steps / 7 + phase) + 0.03 * rng.standard_normal(1_000)
    times = pd.date_range("2020-01-01", periods=1_000, freq="D")
    pd.DataFrame({"when": times, "load": load}).to_csv(tmp_path / "load.csv", index=False)
    run = sonde.train(
        tmp_path / "load.csv", out=tmp_path / "run", steps=300, lr=0.03, look_back=14, quiet=True, **settings
    )
    found = read_back(list(read_lines(run.folder / "findings.jsonl")))
    named = [each for each in found if each.name == "intervals-too-narrow"]
    assert len(named) == 1, run.metrics["coverage_80"]
    assert f"{100 * run.metrics['coverage_80']:.1f} % lie in the 80 % interval" in named[0].evidence
    assert "coverage" not in run.metrics
