"""A table of times on the disk, all the way: trained, judged, reported, gone on with, asked for what comes next."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import sonde
from sonde.cli.main import main
from sonde.core.errors import ConfigError


def plant(path: Path, rows: int = 400) -> Path:
    generator = np.random.default_rng(0)
    time = np.arange(rows)
    table = pd.DataFrame(
        {
            "when": pd.date_range("2020-01-01", periods=rows, freq="h"),
            "load": 10 + 3 * np.sin(2 * np.pi * time / 24) + 0.8 * generator.standard_normal(rows),
            "heat": 100 + 20 * np.cos(2 * np.pi * time / 24) + 5 * generator.standard_normal(rows),
        }
    )
    table.to_csv(path / "plant.csv", index=False)
    return path / "plant.csv"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plant")
    out = folder / "run"
    sonde.train(plant(folder), epochs=8, out=out, quiet=True, threads=1, loss="quantile", model="nlinear", lr=1e-2)
    return out


def test_a_run_beats_the_season_it_is_compared_with(trained: Path) -> None:
    result = json.loads((trained / "result.json").read_text())
    assert result["task"] == "forecasting"
    assert result["baseline"]["what"] == "repeating the last 24 steps"
    assert result["metrics"]["test"]["mse"] < result["baseline"]["mse"] < 0.4
    assert 0.5 < result["metrics"]["test"]["coverage_80"] <= 1
    worst = json.loads((trained / "evaluation" / "test" / "worst.json").read_text())
    assert worst[0]["row"].startswith("plant.csv from 2020-01-1")
    page = (trained / "report.html").read_text()
    assert "Error by step" in page
    assert "Highest loss" in page
    assert "last 24 steps repeated" in page


def test_predict_says_the_steps_behind_the_table_s_end(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = plant(tmp_path)
    assert main(["predict", str(trained), str(file), "--out", str(tmp_path / "next.csv")]) == 0
    told = pd.read_csv(tmp_path / "next.csv")
    assert list(told.columns) == ["input", "load", "heat", "load 10 %", "load 90 %", "heat 10 %", "heat 90 %"]
    assert told["input"].tolist() == [str(when) for when in pd.date_range("2020-01-17 16:00", periods=24, freq="h")]
    time = np.arange(400, 424)
    assert np.abs(told["load"] - (10 + 3 * np.sin(2 * np.pi * time / 24))).max() < 1.5
    low, middle, high = (told[name].to_numpy() for name in ("load 10 %", "load", "load 90 %"))
    assert np.all(low < middle)
    assert np.all(high > middle)
    assert "2020-01-17 16:00:00" in capsys.readouterr().out


def test_eval_judges_another_table(trained: Path, tmp_path: Path) -> None:
    run = sonde.load(trained)
    scores = run.evaluate(plant(tmp_path, 300))
    assert scores["mse"] < 0.25
    frame = pd.read_csv(plant(tmp_path, 300))
    assert run.evaluate(frame) == pytest.approx(scores)
    assert run.predict(frame)[0]["input"] == "2020-01-13 12:00:00"


def test_a_run_that_goes_on_is_the_run_that_was_never_stopped(tmp_path: Path) -> None:
    file = plant(tmp_path)
    settings = {"model": "nlinear", "quiet": True, "threads": 1, "lr": 1e-2, "schedule": "constant", "warmup": 0}
    sonde.train(file, epochs=3, out=tmp_path / "whole", **settings)
    sonde.train(file, epochs=1, out=tmp_path / "parts", **settings)
    sonde.resume(tmp_path / "parts", epochs=3, quiet=True)
    one, two = (sonde.load(tmp_path / name).model.state_dict() for name in ("whole", "parts"))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_a_module_of_ones_own_forecasts(tmp_path: Path) -> None:
    class Repeat(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones(()))

        def forward(self, input: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
            return self.scale * input[:, -24:]

    run = sonde.train(plant(tmp_path), model=Repeat(), epochs=1, out=tmp_path / "own", quiet=True, threads=1)
    assert run.metrics["mse"] == pytest.approx(run.result["baseline"]["mse"], rel=0.2)


@pytest.mark.parametrize("share", ["test", "validation"])
def test_shares_beside_places_to_split_at_are_refused(tmp_path: Path, share: str) -> None:
    settings: dict[str, Any] = {"split_at": ("300", "350"), share: 0.2}
    with pytest.raises(ConfigError, match=f"{share}=0.2 has no effect: split_at= says where the parts end"):
        sonde.train(plant(tmp_path), out=tmp_path / "run", quiet=True, **settings)


def test_learning_one_batch_by_heart(tmp_path: Path) -> None:
    run = sonde.train(
        plant(tmp_path), model="dlinear", overfit_batches=1, epochs=150, out=tmp_path / "heart", quiet=True, threads=1
    )
    assert run.metrics["mse"] < 0.1
