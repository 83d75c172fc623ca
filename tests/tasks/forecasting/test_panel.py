from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sonde
from sonde.cli.main import main
from sonde.core.files import read_json


def test_series_of_very_different_sizes_are_forecast_and_scored_each_in_its_own_units(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generator = np.random.default_rng(0)
    days = pd.date_range("2021-01-01", periods=200)
    wave = np.sin(2 * np.pi * np.arange(206) / 7)
    sizes = {"near one": 1.0, "near a million": 1e6}
    parts = [
        pd.DataFrame({"shop": name, "day": days, "sold": s * (2 + wave[:200] + 0.01 * generator.standard_normal(200))})
        for name, s in sizes.items()
    ]
    pd.concat(parts).to_csv(tmp_path / "shops.csv", index=False)
    run = sonde.train(tmp_path / "shops.csv", target="sold", horizon=6, look_back=14, epochs=10, out=tmp_path / "run")
    found = run.predict(tmp_path / "shops.csv")
    assert [row["shop"] for row in found] == ["near one"] * 6 + ["near a million"] * 6
    assert [row["day"] for row in found[:2]] == ["2021-07-20", "2021-07-21"]
    for place, size in enumerate(sizes.values()):
        ahead = np.array([row["sold"] for row in found[6 * place : 6 * place + 6]]) / size
        np.testing.assert_allclose(ahead, 2 + wave[200:], atol=0.1)
    table = read_json(tmp_path / "run" / "evaluation" / "test" / "by_series.json")
    errors = {row["name"]: row["raw_mae"]["sold"] for row in table}
    assert set(errors) == set(sizes)
    assert all(0.002 * size < errors[name] < 0.1 * size for name, size in sizes.items())
    (line,) = run.result["highlights"]
    assert line.startswith(f"worst of 2 series: {table[0]['name']!r}, MASE ")
    assert line in capsys.readouterr().out
    assert "Each series" in (tmp_path / "run" / "report.html").read_text()
    capsys.readouterr()
    assert main(["eval", str(tmp_path / "run"), str(tmp_path / "shops.csv")]) == 0
    assert line in capsys.readouterr().out, "as training says it"
