"""A remedy is tried beside an untouched twin: what helps is told from what does not, and the run stays as it is."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sample_examined import CLASSES, ROWS, content, trained

import sonde
from sonde.core.config import TrainConfig
from sonde.core.config_file import read_config
from sonde.run.cure import Arm, Cure, remedies
from sonde.run.reopened import with_settings
from sonde.run.resolve import NoSettings, settled


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    folder = trained(tmp_path_factory.mktemp("cure") / "run", epochs=1, weight_decay=10.0)
    return settled(read_config(folder / "config.yaml"))


def arm(said: str, *held: float) -> Arm:
    return Arm(said=said, steps=100, end=1.0, held=held)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("learning-rate-too-high", [{"lr": 0.1}, {"lr": 0.01}, {"lr": 0.001}]),
        ("learning-rate-too-low", [{"lr": 10.0}, {"lr": 100.0}, {"lr": 1000.0}]),
        ("weight-decay-too-strong", [{"weight_decay": 0.1}, {"weight_decay": 0.0}]),
        ("exploding-gradient", [{"clip": 1.0}, {"lr": 0.1}]),
        ("dropout-too-strong", [{"dropout": 0.2}, {"dropout": 0.0}]),
        ("labels-unrelated-to-inputs", []),
    ],
)
def test_what_is_tried_for_a_finding(name: str, expected: list[Any], config: TrainConfig) -> None:
    assert remedies(name, config, 1.0) == expected


def test_a_setting_that_the_network_does_not_have_is_not_tried(config: TrainConfig) -> None:
    assert remedies("dropout-too-strong", replace(config, model_config=NoSettings()), 1.0) == []


def test_settings_of_every_group(config: TrainConfig) -> None:
    changed = with_settings(config, {"lr": 0.5, "batch_size": 7, "dropout": 0.25})
    assert (changed.optim.lr, changed.feed.batch_size, changed.model_config.dropout) == (0.5, 7, 0.25)
    assert (config.optim.lr, config.feed.batch_size) != (0.5, 7)


def test_what_is_better_beyond_the_noise() -> None:
    """Standard error of the paired differences; a twin that came to no end is worse than any."""
    cure = Cure(
        finding="x",
        at="the start",
        untouched=arm("as it is", 2.0, 3.0, 4.0, 5.0),
        tried=[
            arm("--lr 1", 1.0, 2.1, 3.0, 3.9),
            arm("--lr 2", 2.5, 2.5, 4.5, 4.4),
            arm("--lr 3", 3.0, 4.1, 5.0, 6.0),
            arm("--lr 4", *[math.inf] * 4),
        ],
    )
    assert [row[-1] for row in cure.rows()] == ["", "better", "within the noise", "worse", "worse"]
    assert cure.rows()[1][4].startswith("-1.00 ± 0.0408")
    assert cure.best is cure.tried[0]
    broken = replace(cure, untouched=arm("as it is", *[math.inf] * 4))
    assert broken.best is cure.tried[0]


@pytest.mark.parametrize(("lr", "name"), [(3.0, "learning-rate-too-high"), (1e-6, "learning-rate-too-low")])
def test_a_rate_is_cured_and_the_run_stays_as_it_is(lr: float, name: str, tmp_path: Path) -> None:
    folder = trained(tmp_path / "run", lr=lr, epochs=3)
    before = content(folder)
    cure = sonde.doctor(folder, data=(ROWS, CLASSES), cure=True, quiet=True).cure
    assert cure is not None
    assert (cure.finding, cure.at) == (name, "fresh weights, as it began")
    assert cure.untouched is not None
    assert {each.steps for each in (cure.untouched, *cure.tried)} == {100}
    assert cure.best is not None
    assert cure.compared(cure.best).difference < -0.3
    assert content(folder) == before


def test_the_untouched_twin_takes_the_runs_own_steps(tmp_path: Path) -> None:
    """Its curve is the run's: the mean of its last ten steps is that of the line that the run wrote after step 100."""
    folder = trained(tmp_path / "run", lr=1e-6, epochs=3)
    cure = sonde.doctor(folder, data=(ROWS, CLASSES), cure=True, quiet=True).cure
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    expected = next(line["loss"] for line in lines if line.get("kind") == "step" and line["step"] == 100)
    assert cure is not None
    assert cure.untouched is not None
    assert cure.untouched.end == pytest.approx(expected, abs=1e-6)


def test_where_there_is_nothing_to_try(tmp_path: Path) -> None:
    healthy = sonde.doctor(trained(tmp_path / "run"), data=(ROWS, CLASSES), cure=True, quiet=True).cure
    assert healthy is not None
    assert healthy.why == "nothing was found that a setting could cure"
    assert healthy.rows() == []
