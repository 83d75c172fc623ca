"""Curves of a run that acts."""

import json
from pathlib import Path
from typing import Any

import pytest

from sonde.metrics.intervals import around_mean
from sonde.report.acting_curves import acting_figures
from sonde.report.folder import Reading, read_folder
from sonde.report.learning import Figure, metric_of, within


def line(step: int, taken: int, **values: float) -> dict[str, Any]:
    common = {
        "kind": "step",
        "step": step,
        "epoch": 0,
        "loss": 1.0,
        "lr": 0.1,
        "norm": 1.0,
        "seconds": step / 10,
        "rows": step,
    }
    return {**common, "environment_steps": taken, "train_return": float(step), "train_length": 5.0, **values}


def evaluation(step: int, value: float, std: float) -> dict[str, Any]:
    metrics = {"return": value, "return_std": std, "length": 9.0, "expected_return": 40.0, "bootstrapped_return": 20.0}
    return {"kind": "evaluation", "step": step, "split": "validation", "seconds": 0.5, "metrics": metrics}


@pytest.fixture
def run(tmp_path: Path) -> Reading:
    """Five rollouts of 100 steps of the environment, two lines each."""
    steps = [
        line(place * 10, 100 * (1 + (place - 1) // 2), **{"policy/kl": place / 10, "policy/entropy": 0.5})
        for place in range(1, 11)
    ]
    lines = [*steps, evaluation(20, 10.0, 2.0), evaluation(40, 30.0, 4.0), evaluation(100, 20.0, 1.0)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))
    (tmp_path / "config.yaml").write_text("settings: {task: ppo}\n")
    (tmp_path / "data.json").write_text(json.dumps({"splits": {"validation": 5}, "goals": {"return": 25.0}}))
    return read_folder(tmp_path)


def test_curves_stand_over_steps_of_the_environment_and_updates_of_one_rollout_are_one_point(run: Reading) -> None:
    figures = {figure.title: figure for figure in acting_figures(run)}
    assert metric_of(run, "return") == [(100, 10.0), (200, 30.0), (500, 20.0)]
    assert "It rose from 0.150 to 0.950." in figures["KL divergence"].caption  # means of 0.1 and 0.2, of 0.9 and 1.0
    assert all(">environment step</text>" in figure.svg for figure in figures.values() if figure.svg)


def test_returns_have_their_interval_and_the_marks_beside_them(run: Reading) -> None:
    figure = acting_figures(run)[0]
    assert figure.title == "Return"
    assert "it was highest (30.0) at environment step 200" in figure.caption
    assert "95 % interval of the mean of 5 episodes" in figure.caption
    assert "solved (25)" in figure.svg


def test_the_interval_is_students() -> None:
    found = around_mean(10.0, 2.0, 5)
    assert (found.low, found.high) == pytest.approx(
        (10 - 2.7764451, 10 + 2.7764451)
    )  # t of 4 degrees: 2.776; 2 / sqrt 4


def test_what_was_expected_stands_beside_what_returned(run: Reading) -> None:
    figure = next(each for each in acting_figures(run) if each.title == "Expected and found return")
    assert figure.caption.startswith("Overestimated: 40.0 were expected, 20.0 returned.")


def test_what_is_a_value_is_drawn_apart_from_rewards(run: Reading) -> None:
    def drawn() -> Figure:
        return next(each for each in acting_figures(run) if each.title == "Expected and found return")

    assert "rewards alone" not in drawn().svg
    for each in run.evaluations:
        each["metrics"] |= {"bootstrapped_part": 15.0}
    assert "rewards alone" in drawn().svg
    assert ", 20.0 returned, of which 15.0 is the value of where episodes were cut off." in drawn().caption


def test_where_time_went_is_a_curve_of_each_part(run: Reading) -> None:
    assert not any(each.title == "Time by part" for each in acting_figures(run))  # of an earlier version's log
    for number, each in enumerate(run.steps, 1):
        each |= {"environment_seconds": 1.0 * number, "policy_seconds": 2.0 * number, "learning_seconds": 1.0 * number}
    figure = next(each for each in acting_figures(run) if each.title == "Time by part")
    assert figure.caption.startswith("In all 25 % environment, 50 % policy, 25 % learning;")
    assert figure.svg.count("<path") + figure.svg.count("<polyline") >= 3


def test_throughput_is_of_steps_of_the_environment(run: Reading) -> None:
    svg = next(each for each in acting_figures(run) if each.title == "Throughput").svg
    assert "environment steps per second" in svg
    assert "66.67" in svg  # 100 steps in 20 updates of 0.1 s, without an evaluation of 0.5 s
    assert "50.00" in svg


def test_a_part_that_is_drawn_alone_keeps_its_places(run: Reading) -> None:
    assert metric_of(within(run, 150, 250), "return") == [(200, 30.0)]
