"""One run from plan to result, with each of the settings that change how it is carried out, through the command line."""

import json
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from other_findings import other_findings

import sonde
from sonde.api import run_job
from sonde.cli.main import main
from sonde.core.batch import Batch
from sonde.core.files import read_json
from sonde.core.overrides import from_keywords
from sonde.core.records import EvaluationRecord, StepRecord
from sonde.engine import checkpoint, clock
from sonde.engine.json_lines import read_lines
from sonde.engine.loop import fit
from sonde.engine.step import Stepper
from sonde.run import time_plan as planning
from sonde.run.data_job import Caller, data_job
from sonde.run.job import Job, begun
from sonde.run.train import best_weights, prepared, under_way, written_down
from sonde.screen.screen import Screen

WORDS = ["train", "digits", "--model", "mlp", "--hidden", "32", "--threads", "1"]


def train(out: Path, *words: Any) -> dict[str, Any]:
    assert main([*WORDS, "--out", str(out), *(str(word) for word in words)]) == 0
    return read_json(out / "result.json")


def lines(out: Path, kind: str) -> list[dict[str, Any]]:
    return [line for line in read_lines(out / "metrics.jsonl") if line["kind"] == kind]


def weights(out: Path, which: str = "last") -> dict[str, torch.Tensor]:
    return checkpoint.read(out / "checkpoints" / which)[0]


def test_every_file_that_the_docs_name_is_there(tmp_path: Path) -> None:
    train(tmp_path / "run", "--epochs", 1)
    there = {str(path.relative_to(tmp_path / "run")) for path in (tmp_path / "run").rglob("*")}
    expected = "config.yaml plan.json schema.json data.json env.json metrics.jsonl result.json findings.jsonl report.html events"
    assert set(expected.split()) <= there
    tables = ("metrics.json", "confusion.json", "calibration.json", "per_class.json", "worst.json", "worst/0.png")
    assert {f"evaluation/{split}/{name}" for split in ("validation", "test") for name in tables} <= there
    assert {f"checkpoints/{name}/state.json" for name in ("last", "best")} <= there


def test_what_the_network_looks_for_is_left_for_the_report(tmp_path: Path) -> None:
    train(tmp_path / "run", "--epochs", 1)
    found = read_json(tmp_path / "run" / "evaluation" / "features.json")
    assert (found["split"], found["rows"], found["filters"]["size"]) == ("test", 300, [8, 8])
    assert [layer["channels"] for layer in found["layers"]] == [32]
    pictures = [entry["picture"] for layer in found["layers"] for entry in layer["shown"]]
    assert pictures
    assert all((tmp_path / "run" / "evaluation" / picture).exists() for picture in pictures)
    assert "Learned features" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


def test_a_run_with_no_time_left_does_not_look(tmp_path: Path) -> None:
    train(tmp_path / "run", "--time-limit", "0.02s")
    found = read_json(tmp_path / "run" / "evaluation" / "features.json")
    assert found["layers"] == []
    assert "s per image, too slow to process" in found["reason"]


def test_the_seconds_add_up(tmp_path: Path) -> None:
    seconds = train(tmp_path / "run", "--epochs", 2)["seconds"]
    parts = sum(value for name, value in seconds.items() if name != "total")
    assert parts == pytest.approx(seconds["total"], abs=0.01)
    assert seconds["evaluation"] > 0
    assert seconds["step"] > 0


def test_nothing_held_back_trains_on_every_row_and_keeps_the_last(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = train(tmp_path / "run", "--epochs", 2, "--validation", 0, "--test", 0)
    assert read_json(tmp_path / "run" / "data.json")["splits"] == {"train": 1797}
    assert result["metrics"].keys() == {"train"}
    assert result["best"] == {"epoch": None, "step": result["steps"], "metric": None, "value": None}
    assert lines(tmp_path / "run", "evaluation") == []
    assert "not evaluated: the data have neither test nor validation rows" in capsys.readouterr().out
    for name, value in weights(tmp_path / "run").items():
        assert torch.equal(weights(tmp_path / "run", "best")[name], value)


@pytest.mark.parametrize(("flag", "splits"), [("validation", ["test"]), ("test", ["validation"])])
def test_one_part_alone(flag: str, splits: list[str], tmp_path: Path) -> None:
    result = train(tmp_path / "run", "--epochs", 1, f"--{flag}", 0)
    assert [name for name in result["metrics"] if name != "train"] == splits
    assert result["baseline"]["accuracy"] < 0.2


def test_patience_ends_a_run_and_the_best_is_kept(tmp_path: Path) -> None:
    result = train(tmp_path / "run", "--epochs", 50, "--patience", 2, "--lr", 0.02)
    seen = [line["metrics"]["accuracy"] for line in lines(tmp_path / "run", "evaluation")]
    assert result["status"] == "stopped early"
    assert result["epochs"] == len(seen) < 50
    assert max(seen) == seen[-3] == result["best"]["value"] == result["metrics"]["validation"]["accuracy"]


def test_accumulated_pieces_give_the_weights_of_the_whole_batch(tmp_path: Path) -> None:
    common = ("--epochs", 1, "--dropout", 0, "--optimizer", "sgd", "--lr", 0.1)
    train(tmp_path / "whole", *common)
    train(tmp_path / "pieces", *common, "--accumulate", 5)
    for name, value in weights(tmp_path / "whole").items():
        torch.testing.assert_close(weights(tmp_path / "pieces")[name], value, rtol=1e-4, atol=1e-5)
    train(tmp_path / "dropout", "--epochs", 1, "--dropout", 0.5, "--accumulate", 5)
    assert [found["check"] for found in other_findings(tmp_path / "dropout")] == [
        "gradient accumulation differs from the whole batch"
    ]


def test_an_average_is_what_is_judged_and_kept(tmp_path: Path) -> None:
    train(tmp_path / "run", "--epochs", 2, "--ema", 0.9, "--lr", 0.01)
    averaged, last = weights(tmp_path / "run", "best"), weights(tmp_path / "run")
    assert any(not torch.equal(averaged[name], value) for name, value in last.items())
    run = sonde.load(tmp_path / "run")
    assert run.metrics == read_json(tmp_path / "run" / "evaluation" / "test" / "metrics.json")
    for name, value in averaged.items():
        assert torch.equal(run.task.modules.state_dict()[name], value)


def test_rare_classes_are_drawn_or_weighed_up(tmp_path: Path) -> None:
    """Nine of ten rows are of one class that cannot be told from the other: only then is the rare one ever called."""
    rng = np.random.default_rng(0)
    table = tmp_path / "rows.csv"
    table.write_text("a,b,t\n" + "".join(
        f"{rng.normal() + (n % 10 == 0):.3f},{rng.normal():.3f},{'rare' if n % 10 == 0 else 'often'}\n" for n in range(400)
    ))  # fmt: skip
    recall = {}
    for name, words in {"plain": [], "drawn": ["--balanced"], "weighed": ["--class-weights", "balanced"]}.items():
        common = [
            "train",
            str(table),
            "--target",
            "t",
            "--threads",
            "1",
            "--quiet",
            "--epochs",
            "8",
            "--monitor",
            "loss",
        ]
        assert main([*common, "--out", str(tmp_path / name), *words]) == 0
        table_of = read_json(tmp_path / name / "evaluation" / "test" / "per_class.json")
        recall[name] = table_of["recall"][table_of["names"].index("rare")]
    assert recall["plain"] <= 0.25
    assert recall["drawn"] >= 0.5
    assert recall["weighed"] >= 0.5


def test_deterministic_is_asked_of_torch_and_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(torch, "use_deterministic_algorithms", lambda on, **_: asked.append(on))
    train(tmp_path / "run", "--epochs", 1, "--deterministic")
    assert asked == [True, False]


def test_bf16_learns_too(tmp_path: Path) -> None:
    assert (
        train(tmp_path / "run", "--epochs", 3, "--precision", "bf16", "--lr", 0.01)["metrics"]["test"]["accuracy"] > 0.8
    )


@pytest.mark.parametrize("model", ["mlp", "compact-cnn"])
def test_one_batch_is_learnt_by_heart(model: str, tmp_path: Path) -> None:
    words = ["train", "digits", "--model", model, "--threads", "1", "--quiet", "--overfit-batches", "1"]
    assert main([*words, "--out", str(tmp_path / "run")]) == 0
    result = read_json(tmp_path / "run" / "result.json")
    assert result["metrics"]["validation"]["accuracy"] == 1.0
    assert result["metrics"].keys() == {"train", "validation"}
    worst = read_json(tmp_path / "run" / "evaluation" / "validation" / "worst.json")
    assert (tmp_path / "run" / "evaluation" / "validation" / worst[0]["picture"]).exists()


def test_evaluations_as_often_as_asked(tmp_path: Path) -> None:
    train(tmp_path / "run", "--epochs", 2, "--evaluate-every", 0.5, "--log-every", 7)
    assert [line["step"] for line in lines(tmp_path / "run", "evaluation")] == [10, 21, 32, 42]
    assert [line["step"] for line in lines(tmp_path / "run", "step")] == [7, 14, 21, 28, 35, 42]


class Watcher:
    """An observer that ends a run, and counts what it was told across a resume."""

    def __init__(self, stop_at: int) -> None:
        self.stop_at, self.steps, self.evaluations = stop_at, 0, 0

    def __call__(self, record: Any) -> Any:
        self.steps += isinstance(record, StepRecord)
        self.evaluations += isinstance(record, EvaluationRecord)
        return "stop" if self.steps == self.stop_at else "continue"

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps}

    def load_state_dict(self, state: Any) -> None:
        self.steps = state["steps"]


def job(out: Path, **settings: Any) -> Job:
    overrides = from_keywords({"hidden": (8,), "threads": 1, "epochs": 3, "out": out, **settings}, model="mlp")
    return data_job("digits", overrides, Caller(screen=Screen(quiet=True)))


def test_an_observer_may_end_a_run(tmp_path: Path) -> None:
    watcher = Watcher(stop_at=30)
    result = run_job(replace(job(tmp_path / "run"), observers=[watcher])).result
    assert (result["status"], result["steps"]) == ("Watcher asked to stop", 30)
    assert (watcher.steps, watcher.evaluations) == (30, 2)  # the first epoch's, and one at the end
    state = checkpoint.read(tmp_path / "run" / "checkpoints" / "last")[1]
    assert state["observers"][state["observed_by"].index("Watcher")] == {"steps": 30}


def test_best_weights_are_copies_of_the_average(tmp_path: Path) -> None:
    with begun(job(tmp_path / "run", ema=0.9, epochs=1)) as attempt:
        with under_way(attempt) as request:
            run = prepared(attempt, request)
            with written_down(run):
                fit(run.training, run.settings, run.parts)
        live = attempt.assembly.task.modules
        before = {name: value.clone() for name, value in live.state_dict().items()}
        held = best_weights(attempt.assembly)
        assert any(not torch.equal(held[name], value) for name, value in before.items())
        for name, value in live.state_dict().items():
            assert torch.equal(before[name], value)  # put back
            held[name].add_(1)
            assert torch.equal(before[name], value)


def test_the_perceptron_is_the_published_rule_in_the_order_of_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """w <- w + t x and b <- b + t for each row with t (w·x + b) <= 0, from zero: equal to the last bit after every step."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(150, 5)).astype(np.float32)
    y = (x @ np.array([1, -2, 0.5, 0, 3], np.float32) + rng.normal(0, 2, 150) > 0).astype(np.int64)
    weight, bias, order, moved = np.zeros(5, np.float32), np.float32(0), [], 0
    real = Stepper.__call__

    def stepped(self: Stepper, batch: Batch, *, step: int, epoch: int) -> Any:
        nonlocal weight, bias, moved
        record = real(self, batch, step=step, epoch=epoch)
        row, sign = batch["input"][0].numpy(), np.float32(2 * int(batch["target"][0]) - 1)
        if sign * (weight @ row + bias) <= 0:
            weight, bias, moved = weight + sign * row, bias + sign, moved + 1
        order.append(int(batch.index[0]))
        linear: Any = self.task.modules["model"].linear
        assert (linear.weight[0].detach().numpy() == weight).all()
        assert linear.bias.item() == bias
        return record

    monkeypatch.setattr(Stepper, "__call__", stepped)
    run = sonde.train((x, y), model="perceptron", epochs=3, threads=1, quiet=True, out=tmp_path / "run")
    rows = read_json(run.folder / "data.json")["splits"]["train"]
    assert len(order) == run.result["steps"] == 3 * rows
    assert all(sorted(order[n * rows : (n + 1) * rows]) == list(range(rows)) for n in range(3))
    assert order[:rows] != order[rows : 2 * rows]  # each epoch in an order of its own
    assert 10 < moved < len(order) / 2
    assert read_json(run.folder / "plan.json")["threads"] == 1


def test_a_wrong_plan_under_a_time_limit_is_mended_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the machine had been fifty times slower while the run was planned; no neighbour takes seconds of the processor."""
    monkeypatch.setattr(clock, "time", SimpleNamespace(perf_counter=time.process_time, process_time=time.process_time))
    found = planning._step_seconds
    monkeypatch.setattr(planning, "_step_seconds", lambda *given: 50 * found(*given))
    x = np.random.default_rng(0).normal(size=(400, 4)).astype(np.float32)
    out = tmp_path / "run"
    run = sonde.train(
        (x, (x.sum(1) > 0).astype(np.int64)),
        model="mlp",
        time_limit="2s",
        schedule="linear",
        evaluate_every=1e6,
        log_every=1,
        threads=1,
        device="cpu",
        quiet=True,
        out=out,
    )
    planned = read_json(out / "plan.json")["steps"]
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    moves = [line for line in lines if line.get("event") == "end moved"]
    assert moves
    assert run.result["steps"] > planned
    assert run.result["seconds"]["total"] < 1.2 * 2
    steps = [line for line in lines if line["kind"] == "step"]
    assert steps[-1]["lr"] < 0.25 * max(line["lr"] for line in steps)  # the schedule came near its end
    state = checkpoint.read(out / "checkpoints" / "last")[1]["progress"]
    assert (state["ends_at"], state["ends_asked"]) == (moves[-1]["details"]["to"], 6)
