"""The doctor over a run's parts: stages, whose losses are others, and sittings, of which a later one knows what was said."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import sample_tasks
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import sonde
from sonde.core.errors import Interrupted
from sonde.diagnose.doctor import Doctor
from sonde.engine.json_lines import read_lines

STEPS = 60  # of each stage


class Staged(sonde.Task):
    """Restores its input, with a loss of about 1, and then answers, with one `scale` times as large."""

    objective = sonde.Objective("loss", "min")

    def __init__(self, scale: float) -> None:
        torch.manual_seed(0)
        self.scale, self.encoder, self.head = scale, nn.Linear(2, 2), nn.Linear(2, 3)
        first, then = sonde.Stage("restore", steps=STEPS), sonde.Stage("answer", steps=STEPS)
        self.phases = [
            sonde.Phase(name="restore", loss=self.restoring, trains=[self.encoder], stage=first),
            sonde.Phase(name="answer", loss=self.answering, trains=[self.head], stage=then),
        ]

    def restoring(self, batch: sonde.Batch) -> Tensor:
        return (self.encoder(batch["input"]) - batch["input"]).square().mean()

    def answering(self, batch: sonde.Batch) -> Tensor:
        return self.scale * cross_entropy(self.head(self.encoder(batch["input"])), batch["target"])

    def evaluate(self, batch: sonde.Batch) -> dict[str, Tensor]:
        return {"loss": self.answering(batch).detach()}

    def predict(self, batch: sonde.Batch) -> dict[str, Tensor]:
        return {"output": self.head(self.encoder(batch["input"]))}


def staged(out: Path, monkeypatch: pytest.MonkeyPatch, scale: float = 1.0, **settings: Any) -> tuple[Doctor, sonde.Run]:
    """The doctor of a run of two stages, as it was at the end."""
    seen: list[Doctor] = []
    finish = Doctor.finish

    def kept(doctor: Doctor, *arguments: Any, **words: Any) -> Any:
        seen.append(doctor)
        return finish(doctor, *arguments, **words)

    monkeypatch.setattr(Doctor, "finish", kept)
    data = sample_tasks.blobs(64)
    given: dict[str, Any] = {
        "batch_size": 16,
        "evaluate_every": "20 steps",
        "log_every": 1,
        "threads": 1,
        "quiet": True,
    }
    run = sonde.fit(Staged(scale), data, validation=data, out=str(out), **given, **settings)
    return seen[-1], run


def test_a_stage_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Losses, samples and evaluations of the stage before are no part of what the rules see."""
    doctor, run = staged(tmp_path / "run", monkeypatch)
    lines = list(read_lines(run.folder / "metrics.jsonl"))
    logged = {line["step"]: line["loss"] for line in lines if line["kind"] == "step"}
    trace = doctor.seen.trace
    assert (trace.first, len(trace.losses)) == (STEPS + 1, STEPS)
    assert list(trace.losses) == pytest.approx([logged[step] for step in range(STEPS + 1, 2 * STEPS + 1)], rel=1e-6)
    assert all(sample.step > STEPS and sample.phase == "answer" for sample in trace.samples)
    assert [each.step for each in doctor.seen.evaluations] == [80, 100, 120]


def test_a_stage_with_a_larger_loss_has_not_diverged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, run = staged(tmp_path / "run", monkeypatch, scale=1e4, lr=1e-3)
    said = {line["name"] for line in read_lines(run.folder / "findings.jsonl") if line["severity"] == "warning"}
    assert not said & {"diverged", "exploding-gradient", "learning-rate-too-high", "overfitting"}


def test_a_run_that_begins_in_a_stage_forgets_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first stage begins with the first step: its losses are all there."""
    counts = []
    begin = Doctor._begin_stage

    def counted(doctor: Doctor, step: int) -> None:
        begin(doctor, step)
        counts.append((step, doctor.seen.trace.first, len(doctor.seen.trace.losses)))

    monkeypatch.setattr(Doctor, "_begin_stage", counted)
    staged(tmp_path / "run", monkeypatch)
    assert counts == [(1, 1, 1), (STEPS + 1, STEPS + 1, 1)]


def test_the_last_stage_alone_is_examined_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a run that no doctor looked on: what its folder holds is read by stages too, or the second would have exploded."""
    _, run = staged(tmp_path / "run", monkeypatch, scale=1e4, lr=1e-3)
    (run.folder / "signals.jsonl").unlink()
    result = json.loads((run.folder / "result.json").read_text())
    del result["diagnosis"]
    (run.folder / "result.json").write_text(json.dumps(result))
    found = sonde.doctor(run.folder, quiet=True)
    assert not {each.name for each in found.findings} & {"diverged", "exploding-gradient", "overfitting"}
    assert found.seen is not None
    assert (found.seen.trace.first, len(found.seen.trace.losses)) == (STEPS + 1, STEPS)
    assert [each.step for each in found.seen.evaluations] == [80, 100, 120]


class Partly(nn.Module):
    """With weights that nothing uses, and probabilities where logits are meant: two facts of the first steps."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body, self.unused = nn.Linear(2, 3), nn.Linear(2, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x).softmax(1)


FACTS = ["probabilities-instead-of-logits", "parameters-without-a-gradient"]


def fitted(out: Path, *, stop_at: int = 0) -> sonde.Run:
    def stop(record: Any) -> None:
        if isinstance(record, sonde.StepRecord) and record.step == stop_at:
            os.kill(os.getpid(), signal.SIGINT)

    data = sample_tasks.blobs(64)
    given: dict[str, Any] = {"batch_size": 16, "epochs": 10, "threads": 1, "quiet": True, "out": str(out)}
    return sonde.fit(Partly(), data, loss=cross_entropy, observers=[stop] if stop_at else [], **given)


def test_a_resumed_run_has_the_diagnosis_of_one_that_was_not_stopped(tmp_path: Path) -> None:
    straight = fitted(tmp_path / "straight")
    with pytest.raises(Interrupted):
        fitted(tmp_path / "run", stop_at=20)
    resumed = fitted(tmp_path / "run")
    assert straight.result["diagnosis"][:2] == FACTS
    assert resumed.result["diagnosis"] == straight.result["diagnosis"]
    for run in (straight, resumed):  # and says each fact once
        names = [line["name"] for line in read_lines(run.folder / "findings.jsonl")]
        assert [names.count(name) for name in FACTS] == [1, 1]


def test_a_resumed_run_shows_what_was_found_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Interrupted):
        fitted(tmp_path / "run", stop_at=20)
    capsys.readouterr()
    data = sample_tasks.blobs(64)
    sonde.fit(Partly(), data, loss=cross_entropy, batch_size=16, epochs=10, threads=1, out=str(tmp_path / "run"))
    out = capsys.readouterr().out
    assert out.count("unused parameters") == 1
    assert "told above: probabilities instead of logits, parameters without a gradient" in out
