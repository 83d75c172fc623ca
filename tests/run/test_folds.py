"""Cross-validation from the outside: what is judged, what is summed up, how it goes on."""

import json
import random
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import sonde
from sonde.cli.main import main
from sonde.cli.runs import read_line
from sonde.core.errors import ConfigError, DataError, Interrupted, OutOfMemory, RunFolderError
from sonde.engine import loop
from sonde.report.folder import read_folder
from sonde.report.verdict import verdict
from sonde.run.folds import summary
from sonde.run.run import Run

QUICK: dict[str, Any] = {"model": "mlp", "hidden": (4,), "epochs": 1, "threads": 1, "quiet": True}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    draw = random.Random(0)
    rows = [(draw.random(), draw.random()) for _ in range(45)]
    body = "".join(f"{a:.4f},{b:.4f},{'yes' if a > b else 'no'}\n" for a, b in rows)
    (tmp_path / "t.csv").write_text("a,b,larger\n" + body)
    return tmp_path / "t.csv"


def folds_of(table: Path, **more: Any) -> Run:
    return sonde.train(table, target="larger", **dict(QUICK, **{"out": table.parent / "run", "folds": 3, **more}))


def test_every_row_is_judged_once_by_a_run_that_did_not_see_it(table: Path) -> None:
    run = folds_of(table)
    folders = [run.folder / f"fold-{number}" for number in (1, 2, 3)]
    sizes = [json.loads((folder / "data.json").read_text())["splits"]["test"] for folder in folders]
    assert sum(sizes) == 45
    each = [sonde.load(folder) for folder in folders]
    assert [one.evaluated_on for one in each] == ["test"] * 3
    assert run.metrics["accuracy"] == pytest.approx(statistics.fmean(one.metrics["accuracy"] for one in each))
    found = json.loads((run.folder / "result.json").read_text())
    assert found["folds"] == 3
    assert found["spread"]["test"]["log_loss"]["deviation"] == pytest.approx(
        np.std([one.metrics["log_loss"] for one in each], ddof=1)
    )
    assert found["steps"] == sum(one.result["steps"] for one in each)
    assert "3-fold cross-validation, each fold evaluated once" in (run.folder / "report.html").read_text()


def test_each_fold_is_a_run_of_its_own(table: Path) -> None:
    run = folds_of(table)
    one = sonde.load(run.folder / "fold-2")
    assert one.predict({"a": [0.9], "b": [0.1]})[0]["prediction"] in ("yes", "no")
    alone = sonde.train(table, target="larger", out=table.parent / "alone", **dict(QUICK, folds=3, fold=2))
    assert alone.metrics == one.metrics


def test_what_is_fitted_is_fitted_without_the_part_that_is_judged(table: Path) -> None:
    run = folds_of(table)
    means = [sonde.load(run.folder / f"fold-{n}").schema.input.columns[0].mean for n in (1, 2, 3)]
    assert len(set(means)) == 3


def test_the_whole_has_no_network_to_predict_with(table: Path) -> None:
    with pytest.raises(
        RunFolderError, match="is a cross-validation, without a network of its own; use one of its folds"
    ):
        folds_of(table).predict({"a": [0.9], "b": [0.1]})


def test_a_cross_validation_that_was_stopped_goes_on_where_it_was(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    straight = folds_of(table, out=table.parent / "straight")
    real, done = loop.fit, []

    def stopping(*given: Any) -> Any:
        done.append(given)
        if len(done) == 2:
            raise Interrupted("stopped", signal_number=2)
        return real(*given)

    monkeypatch.setattr(loop, "fit", stopping)
    with pytest.raises(Interrupted, match=r"stopped in fold 2 of 3; resume with: sonde resume .*run$"):
        folds_of(table)
    first = (table.parent / "run" / "fold-1" / "result.json").stat().st_mtime_ns
    run = sonde.resume(table.parent / "run", quiet=True)
    assert (run.folder / "fold-1" / "result.json").stat().st_mtime_ns == first  # what was done stays
    assert run.metrics == straight.metrics
    assert len(done) == 4  # fold 1, fold 2 twice, fold 3
    assert folds_of(table).metrics == straight.metrics  # the same call finds all of it done
    assert len(done) == 4


@pytest.mark.parametrize("steps", [0, 1])
def test_a_fold_that_fails_is_named_with_its_cause_and_what_is_kept(
    table: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    straight = folds_of(table, out=table.parent / "straight")
    real, done = loop.fit, []

    def failing(training: Any, settings: Any, parts: Any) -> Any:
        done.append(training)
        if len(done) == 2:
            training.progress.step = steps
            raise RuntimeError("boom in this fold")
        return real(training, settings, parts)

    monkeypatch.setattr(loop, "fit", failing)
    with pytest.raises(RuntimeError, match="^boom in this fold") as failed:
        folds_of(table)
    run = table.parent / "run"
    assert failed.value.__notes__ == [
        f"fold 2 of 3 failed: RuntimeError: boom in this fold; fold 1 is kept; resume with: sonde resume {run}"
    ]
    assert read_line(run).status == f"failed, fold 2, step {steps}: RuntimeError: boom in this fold"
    told = verdict(read_folder(run))
    assert told.because.endswith("RuntimeError: boom in this fold")
    assert "fold 2 of 3" in told.because
    assert dict(told.lines)["Last good checkpoint"].startswith("1 of 3 folds is done and kept; ")
    assert told.steps[0].command == f"sonde resume {run}"
    assert "RuntimeError: boom in this fold" in (run / "report.html").read_text()
    assert sonde.resume(run, quiet=True).metrics == straight.metrics
    assert read_line(run).status == "finished"
    assert not (run / "metrics.jsonl").exists()


def test_a_first_fold_that_fails_at_once_leaves_no_folder(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "fit", lambda *_: (_ for _ in ()).throw(RuntimeError("boom")))
    with pytest.raises(RuntimeError, match="^boom$"):
        folds_of(table)
    assert not (table.parent / "run").exists()


def test_an_error_in_one_line_names_its_fold(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, done = loop.fit, []

    def failing(*given: Any) -> Any:
        done.append(given)
        if len(done) == 3:
            raise OutOfMemory("out of memory; lower --batch-size")
        return real(*given)

    monkeypatch.setattr(loop, "fit", failing)
    said = "^fold 3 of 3: out of memory; lower batch_size=; folds 1 to 2 are kept$"
    with pytest.raises(OutOfMemory, match=said):
        folds_of(table)


def test_another_number_of_folds_wants_another_folder(table: Path) -> None:
    folds_of(table)
    with pytest.raises(RunFolderError, match="holds a run with folds=3, and now it is 5"):
        folds_of(table, folds=5)


def test_a_module_of_ones_own_starts_anew_in_each_fold(table: Path) -> None:
    module = torch.nn.Linear(2, 1)
    before = module.weight.detach().clone()
    sonde.train(
        table, target="larger", out=table.parent / "own", model=module, epochs=1, folds=3, quiet=True, threads=1
    )
    assert torch.equal(module.weight, before)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"folds": 1}, "folds= must be 2 or more, or 0 for none, got 1"),
        ({"folds": 3, "fold": 4}, "fold= must lie from 1 to folds=3, or be 0 for all, got 4"),
        ({"test": 0.3}, "test=0.3 has no effect: each fold is the test part in turn"),
    ],
)
def test_settings_that_do_not_fit_folds(table: Path, settings: dict[str, int], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        folds_of(table, **settings)


def test_what_is_refused_leaves_no_folder(table: Path) -> None:
    with pytest.raises(DataError, match="folds=50 needs as many rows, and there are 45"):
        folds_of(table, folds=50)
    with pytest.raises(ConfigError, match="batch_size="):
        folds_of(table, batch_size=1000)
    assert not (table.parent / "run").exists()


def test_a_refused_resume_leaves_a_cross_validation_as_it_was(table: Path) -> None:
    run = folds_of(table)
    steps = run.result["steps"]
    before = {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file() and path.name != ".lock"}
    with pytest.raises(ConfigError, match="has trained .* steps already, and 0.5 epochs of .* are set"):
        sonde.resume(run.folder, epochs=0.5, quiet=True)
    assert {path: path.read_bytes() for path in before} == before
    assert sonde.resume(run.folder, epochs=2, quiet=True).result["steps"] == steps * 2


def test_the_command_line_says_each_fold_and_the_mean(
    table: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(table.parent)
    words = f"train {table} --target larger --folds 3 --model mlp --hidden 4 --epochs 1 --threads 1"
    assert main(words.split()) == 0
    said = capsys.readouterr().out
    assert "fold 1 of 3: " in said
    assert "fold 3 of 3: " in said
    assert "(mean of 3 folds, " in said
    assert "runs/t-mlp-1" in said
    assert main(["runs"]) == 0
    assert "t-mlp-1" in capsys.readouterr().out


def test_metrics_that_a_fold_lacks_are_left_out_of_the_mean() -> None:
    def result(**metrics: float | None) -> dict[str, object]:
        return {
            "metrics": {"train": {}, "test": metrics},
            "seconds": {"total": 2.0},
            "steps": 5,
            "headline": "accuracy",
        }

    found = summary([result(accuracy=0.5, auroc=None), result(accuracy=1.0, auroc=0.5)])  # type: ignore[list-item]
    assert found["metrics"]["test"] == {"accuracy": 0.75}
    assert found["seconds"] == {"total": 4.0}
    assert found["spread"]["test"]["accuracy"] == {
        "deviation": pytest.approx(0.125**0.5),
        "lowest": 0.5,
        "highest": 1.0,
    }
