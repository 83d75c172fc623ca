"""What a trained run is judged on: rows that nobody trained on, and a headline that says so where some were."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import sonde
from sonde.acting.seeds import SeedRows
from sonde.cli.main import main
from sonde.core.dataset import InputSpec, Schema, TargetSpec
from sonde.core.errors import ConfigError
from sonde.run.judged_rows import ALL, CHOSE, TRAINED_ON, Judged

QUICK = {"epochs": 1, "quiet": True, "threads": 1}


def table(path: Path, rows: range) -> Path:
    """x, y and the class of the quadrant, the same in every file for the same row."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["x", "y", "kind"])
        for row in rows:
            x, y = np.random.default_rng(row).normal(size=2)
            writer.writerow([x, y, "in" if x * y > 0 else "out"])
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[sonde.Run, Path]:
    folder = tmp_path_factory.mktemp("table")
    data = table(folder / "data.csv", range(200))
    return sonde.train(data, target="kind", out=str(folder / "run"), **QUICK), data


def test_of_the_data_trained_on_the_rows_held_out_are_judged(trained: tuple[sonde.Run, Path]) -> None:
    run, data = trained
    for asked, split, rows, caution in (
        (None, "test", 40, ""),
        ("test", "test", 40, ""),
        ("validation", "validation", 16, CHOSE),
        ("train", "train", 144, TRAINED_ON),
    ):
        found = run.evaluation(data, split=asked)
        assert (found.split, found.rows, found.caution) == (split, rows, caution)
        if split != "train":
            assert found.scores["accuracy"] == run.result["metrics"][split]["accuracy"]


def test_the_same_data_elsewhere_are_known_again(trained: tuple[sonde.Run, Path], tmp_path: Path) -> None:
    run, data = trained
    copy = tmp_path / data.name
    copy.write_bytes(data.read_bytes())
    assert run.evaluation(copy).headline == "test, 40 rows"


def test_training_rows_among_others_are_counted(trained: tuple[sonde.Run, Path], tmp_path: Path) -> None:
    run, _ = trained
    mixed = run.evaluation(table(tmp_path / "mixed.csv", range(100, 300)))
    assert (mixed.split, mixed.rows) == (ALL, 200)
    count = int(mixed.caution.split(" ")[0])
    assert 60 <= count <= 84  # of rows 100 to 199, 0.72 were trained on
    assert mixed.caution.endswith("are equal to rows that the run was trained on, so this is not a test score")
    fresh = run.evaluation(table(tmp_path / "fresh.csv", range(200, 300)))
    assert fresh.headline == "all, 100 rows"
    with pytest.raises(ConfigError, match="unknown split 'validation'"):
        run.evaluation(tmp_path / "fresh.csv", split="validation")


def test_the_headline_of_the_command_says_it(
    trained: tuple[sonde.Run, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run, data = trained
    assert main(["eval", str(run.folder), str(data), "--split", "train"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == f"{run.folder} on {data}: train, 144 rows: {TRAINED_ON}"
    run.evaluate(data, split="train")
    assert f"evaluated on train, 144 rows: {TRAINED_ON}" in capsys.readouterr().out
    run.evaluate(data)
    assert not capsys.readouterr().out


def test_data_that_changed_are_said_to_hold_what_was_trained_on(tmp_path: Path) -> None:
    data = table(tmp_path / "data.csv", range(100))
    run = sonde.train(data, target="kind", out=str(tmp_path / "run"), **QUICK)
    table(data, range(120))
    assert run.evaluation(data).caution.startswith("the data changed since")


def test_a_run_without_held_out_rows_has_no_test_score(tmp_path: Path) -> None:
    data = table(tmp_path / "data.csv", range(100))
    run = sonde.train(data, target="kind", validation=0.0, test=0.0, out=str(tmp_path / "run"), **QUICK)
    assert run.evaluation(data).headline == f"train, 100 rows: {TRAINED_ON}"
    with pytest.raises(ConfigError, match="unknown split 'test'"):
        run.evaluation(data, split="test")


def test_a_fold_is_judged_on_its_own_rows(tmp_path: Path) -> None:
    data = table(tmp_path / "data.csv", range(100))
    run = sonde.train(data, target="kind", folds=4, fold=2, out=str(tmp_path / "run"), **QUICK)
    found = run.evaluation(data)
    assert found.headline == "test, 25 rows"
    assert found.scores["accuracy"] == run.result["metrics"]["test"]["accuracy"]


def pictures(folder: Path, split: str, count: int, seed: int) -> None:
    for number in range(count):
        kind = ("dark", "light")[number % 2]
        place = folder / split / kind
        place.mkdir(parents=True, exist_ok=True)
        levels = np.random.default_rng([seed, number]).integers(0, 100, (8, 8)) + 100 * (kind == "light")
        Image.fromarray(levels.astype(np.uint8)).save(place / f"{number}.png")


def test_a_part_of_a_folder_is_told_by_what_it_was(tmp_path: Path) -> None:
    pictures(tmp_path / "data", "train", 40, 0)
    pictures(tmp_path / "data", "test", 20, 1)
    run = sonde.train(tmp_path / "data", model="mlp", out=str(tmp_path / "run"), **QUICK)
    assert run.evaluation(tmp_path / "data").headline == "test, 20 rows"
    assert run.evaluation(tmp_path / "data" / "test").headline == "all, 20 rows"
    assert "trained on" in run.evaluation(tmp_path / "data" / "train").caution


def test_arrays_that_were_trained_on_are_known_again(tmp_path: Path) -> None:
    inputs = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    labels = (inputs[:, 0] > 0).astype(np.int64)
    run = sonde.train((inputs, labels), out=str(tmp_path / "run"), **QUICK)
    assert run.evaluation((inputs, labels)).headline == "test, 12 rows"
    assert run.evaluation((inputs + 1, labels)).headline == "all, 60 rows"


def test_what_fit_trained_on_is_no_test(tmp_path: Path) -> None:
    x = torch.randn(40, 3)
    y = x.sum(1, keepdim=True)
    run = sonde.fit(nn.Linear(3, 1), (x, y), loss=nn.functional.mse_loss, out=str(tmp_path / "run"), **QUICK)
    assert run.evaluation((x, y)).caution == TRAINED_ON
    assert run.evaluation((x + 1, y)).caution == ""


def test_digits_are_judged_as_they_were_held_out(tmp_path: Path) -> None:
    run = sonde.train("digits", model="mlp", out=str(tmp_path / "run"), **QUICK)
    found = run.evaluation("digits", split="test")
    assert (found.headline, found.scores["accuracy"]) == ("test, 359 rows", run.metrics["accuracy"])


def test_episodes_that_a_clone_of_a_log_plays_are_called_so() -> None:
    """Its rows were steps, of which none is judged in an environment."""
    schema = Schema(
        input=InputSpec(kind="environment", shape=(2,)), target=TargetSpec(kind="logged-action", names=("0", "1"))
    )
    rows = SeedRows(make=list, encode=np.asarray, split="test", number=20)
    assert Judged(rows=rows, split="test").evaluation({}, schema, ()).headline == "test, 20 episodes"
    steps: Any = range(7)
    assert Judged(rows=steps, split="test").evaluation({}, schema, ()).headline == "test, 7 steps"
