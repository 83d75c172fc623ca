"""What `sonde predict RUN --what` gives of rows of a table: its own columns, units and names, and what a score is beside."""

import csv
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sonde
from sonde.cli.main import main
from sonde.core.files import read_json
from sonde.modalities.table.forms import tables

ROWS, COLUMNS = 120, ["age", "port", "day", "fare"]


def table(path: Path) -> Path:
    drawn = np.random.default_rng(0)
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(COLUMNS)
        for row in range(ROWS):
            age = "" if row % 9 == 0 else int(drawn.integers(20, 60))
            day = date(2020, 1, 1) + timedelta(days=int(drawn.integers(0, 900)))
            out.writerow([age, ["Kiel", "Cork"][row % 2], day, round(float(drawn.normal(30, 5)), 2)])
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return table(tmp_path_factory.mktemp("data") / "people.csv")


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> sonde.Run:
    out, given = tmp_path_factory.mktemp("runs") / "run", {"task": "anomaly", "steps": 5, "false_alarms": 0.2}
    with pytest.MonkeyPatch.context() as patch:  # as runs of before learned from dates, and can be used
        patch.setattr(tables, "learns_dates", lambda task: True)
        return sonde.train(str(data), out=str(out), threads=1, quiet=True, **given)  # type: ignore[arg-type]


def test_rows_are_given_back_in_the_columns_of_the_table(run: sonde.Run, data: Path) -> None:
    assert len(run.schema.input.columns) > len(COLUMNS)  # parts of dates, and whether an age is known
    found = [row["reconstruction"] for row in run.predict(str(data), what="reconstruction")]
    assert all(list(row) == COLUMNS for row in found)
    assert {row["port"] for row in found} <= {"Kiel", "Cork"}
    assert all(row["age"] is None or (isinstance(row["age"], int) and 15 < row["age"] < 65) for row in found)
    assert all("2019-06-01" < row["day"] < "2023-01-01" and len(row["day"]) == 10 for row in found)
    assert np.mean([row["fare"] for row in found]) == pytest.approx(30, abs=3)


def test_errors_are_sums_over_what_a_column_is_fed_as(run: sonde.Run, data: Path) -> None:
    batch = next(iter(run._source(run_rows(run, data))))
    raw = run.task.abilities.reconstruction.outputs["anomaly"](batch)["error"]  # type: ignore[attr-defined]
    row = run.predict(str(data), what="anomaly")[int(batch.index[0])]["error"]
    assert list(row) == ["age", "port", "day", "fare"]
    assert sum(row.values()) == pytest.approx(float(raw[0].detach().sum()), rel=1e-4)


def run_rows(run: sonde.Run, data: Path) -> Any:
    from sonde.modalities.inputs import rows_for

    return rows_for(str(data), run.schema)[0]


def test_a_file_of_rows_given_back_has_the_header_of_the_data(
    run: sonde.Run, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["predict", str(run.folder), str(data), "--what", "reconstruction", "--out"]
    assert main([*words, str(tmp_path / "back.csv")]) == 0
    lines = list(csv.reader((tmp_path / "back.csv").read_text().splitlines()))
    assert (lines[0], len(lines)) == (["input", *COLUMNS], 1 + ROWS)
    assert "threshold" not in capsys.readouterr().out
    assert main([*words, str(tmp_path / "back.json")]) == 0
    assert list(json.loads((tmp_path / "back.json").read_text())[0]["reconstruction"]) == COLUMNS


def test_what_is_there_is_not_written_over(
    run: sonde.Run, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.csv").write_text("years of work")
    words = ["predict", str(run.folder), str(data), "--out"]
    assert main([*words, str(tmp_path / "mine.csv")]) == 2
    assert "mine.csv exists already; name another file, such as --out" in capsys.readouterr().err
    assert (tmp_path / "mine.csv").read_text() == "years of work"
    for told in ("predictions.csv\n", "predictions.csv (replaced the file)"):
        assert main([*words, str(tmp_path / "predictions.csv")]) == 0
        assert told in capsys.readouterr().out
    before = (run.folder / "result.json").read_text()
    assert main([*words, str(run.folder / "result.json")]) == 2
    assert (run.folder / "result.json").read_text() == before


def test_the_threshold_is_told_at_the_end_in_the_report_and_beside_predictions(
    run: sonde.Run, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = f"threshold {run.task.threshold:.3g}"  # type: ignore[attr-defined]
    meaning = "of new normal rows 20.0 % score higher at most, on average, and are called anomalies"
    told, other = read_json(run.folder / "result.json")["highlights"]
    assert "--score reconstruction" in other
    assert told.startswith("threshold ")
    assert told.endswith(meaning)
    assert main(["predict", str(run.folder), str(data), "--what", "anomaly"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert told in printed
    assert line[:14] in printed
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert f"{told[0].upper()}{told[1:]}" in page
