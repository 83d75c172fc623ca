"""Forecasts by diffusion all the way: trained on tables, evaluated, shown, asked for paths, gone on with."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import sonde
from sonde.cli.main import main

SMALL: dict[str, Any] = {
    "task": "diffusion-forecasting",
    "model": "nlinear",
    "path_width": 16,
    "path_layers": 1,
    "noises": 2,
    "path_every": 2,
    "sampling_steps": 2,
    "paths": 20,
    "threads": 1,
    "quiet": True,
}


def shops(folder: Path, days: int = 160, *, ahead: int = 0) -> Path:
    """Two shops of different size; a promotion that is known in advance adds a fifth. ahead: rows without sales behind"""
    drawn = np.random.default_rng(0)
    parts = []
    for name, size in (("a", 100.0), ("b", 8000.0)):
        time = np.arange(days + ahead)
        promotion = drawn.integers(0, 2, days + ahead)
        wave = 1 + 0.3 * np.sin(2 * np.pi * time / 7) + 0.2 * promotion + 0.05 * drawn.standard_normal(days + ahead)
        sales = np.where(time < days, size * wave, np.nan)
        days_of = pd.date_range("2021-01-01", periods=days + ahead)
        parts.append(pd.DataFrame({"day": days_of, "shop": name, "promotion": promotion, "sales": sales}))
    file = folder / f"shops{ahead}.csv"
    pd.concat(parts).to_csv(file, index=False)
    return file


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shops")
    out = folder / "run"
    how = {"target": "sales", "group": "shop", "known": "promotion", "steps": 60, "lr": 5e-3}
    sonde.train(shops(folder), out=out, **{**SMALL, **how})
    return out


def test_a_run_tells_the_crps_first_and_draws_fans(trained: Path) -> None:
    result = json.loads((trained / "result.json").read_text())
    scores = result["metrics"]["test"]
    assert result["headline"] == "crps"
    assert result["best"]["metric"] == "crps"
    assert scores["crps"] < result["baseline"]["crps"]
    assert {"pinball", "mae", "coverage_50", "coverage_80", "coverage_90", "raw_crps"} <= set(scores)
    table = json.loads((trained / "evaluation" / "test" / "crps.json").read_text())
    assert table["totals"]["model"] == pytest.approx(scores["crps"])
    assert table["totals"]["last season"] == pytest.approx(result["baseline"]["crps"], rel=1e-4)
    page = (trained / "report.html").read_text()
    for shown in ("CRPS by step", "Calibration of the quantiles", "some of the sample paths", 'class="f1 band"'):
        assert shown in page


def test_predict_writes_the_median_intervals_and_paths_in_each_series_own_units(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = shops(tmp_path, ahead=7), tmp_path / "paths.csv"
    assert main(["predict", str(trained), str(file), "--paths", "5", "--out", str(out)]) == 0
    told = pd.read_csv(out)
    paths = [f"sales path {place}" for place in range(1, 6)]
    quantiles = [f"sales {level} %" for level in (5, 10, 25, 75, 90, 95)]
    assert list(told.columns) == ["input", "shop", "day", "sales", *quantiles, *paths]
    assert "path 1" not in capsys.readouterr().out
    of_shop = {name: rows["sales"].to_numpy() for name, rows in told.groupby("shop")}
    assert ((of_shop["a"] > 60) & (of_shop["a"] < 200)).all()
    assert ((of_shop["b"] > 4800) & (of_shop["b"] < 16000)).all()
    low, middle, high = (told[name].to_numpy() for name in ("sales 5 %", "sales", "sales 95 %"))
    assert ((low < middle) & (middle < high)).all()
    again = sonde.load(trained).predict(str(file))
    assert [row["sales"] for row in again] == pytest.approx(told["sales"].tolist())
    assert "sales path 1" not in again[0]


def test_sample_names_predict(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", str(trained)]) == 2
    said = capsys.readouterr().err
    assert f"sonde predict {trained} TABLE --paths 20 draws paths of what follows a table" in said
    assert said.count("\n") == 1


def test_a_run_that_goes_on_is_the_run_that_was_never_stopped(tmp_path: Path) -> None:
    file = shops(tmp_path)
    how = {**SMALL, "target": "sales", "group": "shop", "ema": 0.9, "schedule": "constant", "warmup": 0}
    how |= {"evaluate_every": 1, "checkpoint_every": "1 step"}
    sonde.train(file, epochs=3, out=tmp_path / "whole", **how)
    sonde.train(file, epochs=1, out=tmp_path / "parts", **how)
    sonde.resume(tmp_path / "parts", epochs=3, quiet=True)
    one, two = (sonde.load(tmp_path / name).task.modules.state_dict() for name in ("whole", "parts"))
    assert all(torch.equal(one[name], two[name]) for name in one)
    scores = [sonde.load(tmp_path / name).result["metrics"]["test"] for name in ("whole", "parts")]
    assert scores[0] == scores[1]


def test_quantile_regression_of_many_quantiles_has_a_crps_beside_it(tmp_path: Path) -> None:
    levels = tuple(round(0.1 * place, 1) for place in range(1, 10))
    how: dict[str, Any] = {"target": "sales", "group": "shop", "steps": 30, "threads": 1, "quiet": True}
    run = sonde.train(
        shops(tmp_path), task="forecasting", loss="quantile", quantiles=levels, out=tmp_path / "run", **how
    )
    assert run.result["headline"] == "mse"
    assert run.metrics["crps"] < run.result["baseline"]["crps"]
    assert run.metrics["pinball"] == pytest.approx(run.metrics["loss"], rel=1e-5)
    assert "CRPS by step" in (tmp_path / "run" / "report.html").read_text()
    # another task's run draws no paths
    assert main(["predict", str(tmp_path / "run"), str(shops(tmp_path)), "--paths", "3"]) == 2
