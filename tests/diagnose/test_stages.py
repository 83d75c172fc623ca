"""Phases that never run, and best weights from before a stage."""

from pathlib import Path
from typing import Any

import pytest
import sample_tasks
import torch
from torch import Tensor, nn

import sonde
from sonde.diagnose.stages import best_before, never_due
from sonde.engine.json_lines import read_lines
from sonde.engine.stages import plan_stages


class Probed(sonde.Task):
    """A network for some steps, then a probe on it; `scores` are what its validations report."""

    objective = sonde.Objective("score", "max")

    def __init__(self, *scores: float, every: int = 1) -> None:
        torch.manual_seed(0)
        self.net, self.probe, self._scores = nn.Linear(2, 4), nn.Linear(4, 3), list(scores)
        first, then = sonde.Stage("pretrain", steps=4), sonde.Stage("probe", steps=4)
        self.phases = [
            sonde.Phase(name="net", loss=self.norm, trains=[self.net], stage=first),
            sonde.Phase(name="probe", loss=self.answer, trains=[self.probe], stage=then, every=every),
        ]

    def norm(self, batch: sonde.Batch) -> Tensor:
        return self.net(batch["input"]).square().mean()

    def answer(self, batch: sonde.Batch) -> Tensor:
        return nn.functional.cross_entropy(self.probe(self.net(batch["input"]).detach()), batch["target"])

    def evaluate(self, batch: sonde.Batch) -> dict[str, Tensor]:
        return {"score": torch.tensor(self._scores.pop(0) if len(self._scores) > 1 else self._scores[0])}

    def predict(self, batch: sonde.Batch) -> dict[str, Tensor]:
        return {"output": self.probe(self.net(batch["input"]))}


def found_in(task: sonde.Task, out: Path) -> dict[str, str]:
    data = sample_tasks.blobs(64)
    given: dict[str, Any] = {"batch_size": 16, "evaluate_every": "4 steps", "threads": 1, "quiet": True}
    sonde.fit(task, data, validation=data, out=str(out), **given)
    return {each["check"]: each["evidence"] for each in read_lines(out / "findings.jsonl")}


def test_best_weights_from_before_a_stage_are_told_of(tmp_path: Path) -> None:
    found = found_in(Probed(0.5, 0.9, 0.1), tmp_path / "run")  # the first is of the trial before the first step
    assert found["best before a stage"] == (
        "the best score was reached at step 4, in stage 'pretrain': in the weights that are kept probe, which only "
        "'probe' trains, is still as initialised"
    )
    assert "best before a stage" not in found_in(Probed(0.5, 0.1, 0.9), tmp_path / "other")


def test_a_stage_that_trains_on_what_was_trained_is_none() -> None:
    net = nn.Linear(2, 2)
    first, then = sonde.Stage("a"), sonde.Stage("b")
    phases = [sonde.Phase(name=s.name, loss=lambda batch: 0, trains=[net], stage=s) for s in (first, then)]  # type: ignore[misc, return-value, arg-type]
    stages = plan_stages(phases, total=8)
    assert best_before(phases, stages, net, {"step": 2, "metric": "loss", "value": 1.0}) == []


def test_a_phase_that_never_falls_due_is_told_of(tmp_path: Path) -> None:
    evidence = found_in(Probed(0.5, every=50), tmp_path / "run")["phase that never runs"]
    assert evidence == (
        "phase 'probe' runs on every 50th step, and stage 'probe' has the steps 5 to 8: it is never trained"
    )


@pytest.mark.parametrize(("every", "total", "runs"), [(50, 8, False), (8, 8, True), (9, 8, False), (1, 1, True)])
def test_when_a_phase_runs(every: int, total: int, runs: bool) -> None:
    phase = sonde.Phase(name="p", loss=lambda batch: 0, trains=[nn.Linear(1, 1)], every=every)  # type: ignore[arg-type, return-value]
    assert (never_due([phase], plan_stages([phase], total=total), total=total) == []) is runs
