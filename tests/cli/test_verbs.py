"""Every verb on real runs: scikit-learn's digits and a small table, trained once through the command itself."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sonde.cli.main import main
from sonde.core.config_file import read_config

QUICK = ["--epochs", "1", "--threads", "1"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs/digits (mlp) and runs/table (tabular), and the table they need."""
    folder = tmp_path_factory.mktemp("place")
    random = np.random.default_rng(0)
    lines = ["size,colour,kind"]
    for _ in range(120):
        size, colour = random.normal(), random.choice(["red", "blue"])
        lines.append(f"{size:.4f},{colour},{'big' if size > 0 else 'small'}")
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    digits = ["digits", "--model", "mlp", "--hidden", "16", "--out", str(folder / "runs" / "digits")]
    assert main(["train", *digits, *QUICK, "--quiet"]) == 0
    table = [str(folder / "t.csv"), "--target", "kind", "--members", "2", "--width", "8"]
    assert main(["train", *table, *QUICK, "--quiet", "--out", str(folder / "runs" / "table")]) == 0
    return folder


@pytest.fixture(autouse=True)
def _there(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)


def out_of(words: list[str], capsys: pytest.CaptureFixture[str], *, code: int = 0) -> str:
    capsys.readouterr()
    got = main(words)
    out, err = capsys.readouterr()
    assert got == code, err
    return err if code else out


def test_both_passes_reach_the_run(place: Path) -> None:
    digits, table = (read_config(place / "runs" / name) for name in ("digits", "table"))
    assert digits.settings["hidden"] == [16]
    assert digits.settings["epochs"] == 1.0
    assert digits.origin["hidden"] == digits.origin["epochs"] == digits.origin["model"] == "typed"
    assert digits.origin["seed"] == "default"
    assert (table.settings["model"], table.settings["members"], table.settings["width"]) == ("tabular", 2, 8)
    assert table.data == str(place / "t.csv")


def test_the_same_run_again_from_its_config(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out_of(["train", "--config", "runs/digits", "--out", "runs/again"], capsys)
    first, again = (json.loads((place / "runs" / n / "result.json").read_text()) for n in ("digits", "again"))
    assert again["metrics"] == first["metrics"]
    assert read_config(place / "runs" / "again").origin["hidden"] == "file"


def test_eval_agrees_with_counting_predictions(capsys: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(1)
    sizes = [random.normal() for _ in range(80)]  # other rows than those of training
    rows = [f"{size:.6f},{'red' if size > 0.3 else 'blue'},{'big' if size > 0 else 'small'}" for size in sizes]
    Path("other.csv").write_text("\n".join(["size,colour,kind", *rows]) + "\n")
    out = out_of(["eval", "runs/table", "other.csv"], capsys)
    said = next(line.split()[1] for line in out.splitlines() if line.startswith("accuracy"))
    out_of(["predict", "runs/table", "other.csv", "--out", "p.json"], capsys)
    truth = [line.split(",")[2] for line in Path("other.csv").read_text().splitlines()[1:]]
    predicted = [entry["prediction"] for entry in json.loads(Path("p.json").read_text())]
    assert said == f"{100 * np.mean([a == b for a, b in zip(truth, predicted, strict=True)]):.2f}"
    assert "all, 80 rows" in out


def test_eval_finds_the_truth_in_another_column(capsys: pytest.CaptureFixture[str]) -> None:
    renamed = Path("t.csv").read_text().replace("size,colour,kind", "size,colour,class")
    Path("renamed.csv").write_text(renamed)
    assert "no column 'kind'" in out_of(["eval", "runs/table", "renamed.csv"], capsys, code=2)
    out = out_of(["eval", "runs/table", "renamed.csv", "--target", "class"], capsys)
    assert "accuracy" in out
    assert "training rows are evaluated as well" not in out


def test_eval_judges_what_was_held_out_of_the_data_it_was_trained_on(capsys: pytest.CaptureFixture[str]) -> None:
    for split in ([], ["--split", "test"]):
        assert "runs/digits on digits: test, 359 rows" in out_of(["eval", "runs/digits", "digits", *split], capsys)
    out = out_of(["eval", "runs/digits", "digits", "--split", "train"], capsys)
    assert "the run was trained on them, so this is not a test score" in " ".join(out.split())


def test_eval_names_the_splits_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert "unknown split 'trian'" in out_of(["eval", "runs/digits", "digits", "--split", "trian"], capsys, code=2)


def test_predict_writes_a_contact_sheet(capsys: pytest.CaptureFixture[str]) -> None:
    Path("pics").mkdir()
    for number in range(3):
        Image.fromarray(np.full((8, 8), 80 * number, np.uint8)).save(f"pics/{number}.png")
    out = out_of(["predict", "runs/digits", "pics", "--out", "sheet.png"], capsys)
    head, *rows, last = out.splitlines()
    assert head.split() == ["input", "prediction", "probability", "runners-up"]
    assert [row.split()[0] for row in rows] == ["pics/0.png", "pics/1.png", "pics/2.png"]
    assert last == "wrote sheet.png"
    with Image.open("sheet.png") as sheet:
        assert sheet.size[0] == 2 * 128 + 3 * 8


def test_predict_refuses_a_sheet_of_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    err = out_of(["predict", "runs/table", "t.csv", "--out", "s.png"], capsys, code=2)
    assert "a contact sheet shows images, and this run takes tables as input; use .csv or .json" in err


def test_predict_prints_some_and_says_how_many_more(capsys: pytest.CaptureFixture[str]) -> None:
    lines = out_of(["predict", "runs/table", "t.csv"], capsys).splitlines()
    assert len(lines) == 1 + 50 + 1
    assert lines[-1] == "… and 70 more; --out FILE.csv writes all"


def test_resume_trains_a_finished_run_further(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "is finished; train it further with: sonde resume" in out_of(["resume", "runs/table"], capsys)
    out_of(["resume", "runs/table", "--epochs", "2"], capsys)
    assert json.loads((place / "runs/table/result.json").read_text())["epochs"] == 2
    err = out_of(["resume", "runs/table", "--lr", "3"], capsys, code=2)
    assert "--lr cannot be changed on resume" in err


def test_resume_help_shows_what_may_change(capsys: pytest.CaptureFixture[str]) -> None:
    out = out_of(["resume", "--help"], capsys)
    assert "--epochs NUMBER" in out
    assert "--device TEXT" in out
    assert "--lr" not in out
    assert "--batch-size" not in out
    assert "--environment-timeout" in out
    assert "--environment-timeout" not in out_of(["resume", "runs/table", "--help"], capsys)


def test_runs_and_report(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = out_of(["runs"], capsys)
    assert "runs/digits" in out
    assert "mlp" in out
    (place / "runs/digits/report.html").unlink()
    assert out_of(["report", "runs/digits"], capsys).strip() == "runs/digits/report.html"
    assert (place / "runs/digits/report.html").stat().st_size > 10_000


def test_inspect(capsys: pytest.CaptureFixture[str]) -> None:
    out = out_of(["inspect", "--target", "kind", "t.csv"], capsys)
    assert "2 classes: big, small" in out
    assert "columns of t.csv\n" in out


def test_inspect_takes_the_task_that_messages_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert "values of" in out_of(["inspect", "--target", "size", "--task", "regression", "t.csv"], capsys)
    assert main(["inspect", "--target", "size", "--task", "regresion", "t.csv"]) == 2
    assert "did you mean 'regression'?" in capsys.readouterr().err


def test_inspect_says_what_was_found(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from sonde.core.findings import Finding
    from sonde.modalities import inspect

    found = Finding(check="leak", severity="warning", evidence="'a' tells the target", action="remove it")
    planted = inspect.Inspection(name="t", form="f", facts=(), tables=(), findings=(found,))
    monkeypatch.setattr(inspect, "inspect", lambda data, config, task, seconds, tick: planted)
    out = out_of(["inspect", "t.csv"], capsys)
    assert "'a' tells the target" in out
    assert "remove it" in out


def test_a_models_own_flags_are_explained_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    out = out_of(["train", "--model", "mlp", "--task", "classification", "--help"], capsys)
    assert "--hidden INTEGER …" in out
    assert "(default: 256 128)" in out
    assert "--members" not in out
    assert "unknown model 'mpl'" in out_of(["train", "--model", "mpl", "--help"], capsys, code=2)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are not sent so on Windows")
def test_a_run_that_goes_on_is_listed_and_ctrl_c_saves_it(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["digits", "--model", "mlp", "--hidden", "8", "--epochs", "100000", "--threads", "1", "--out", "runs/long"]
    process = subprocess.Popen(
        [sys.executable, "-m", "sonde", "train", *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        metrics = place / "runs/long/metrics.jsonl"
        until = time.monotonic() + 60
        while not (metrics.exists() and metrics.stat().st_size) and time.monotonic() < until:
            time.sleep(0.05)
        line = next(line for line in out_of(["runs"], capsys).splitlines() if line.startswith("runs/long "))
        assert "running, step" in line
        os.kill(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    assert "sonde resume runs/long" in err
    assert err.count("\n") == 1
    assert "interrupted, step" in out_of(["runs", "runs/long"], capsys)
