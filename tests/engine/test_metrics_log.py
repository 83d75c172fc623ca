"""Lines of metrics.jsonl about steps of several phases."""

from pathlib import Path
from typing import Any

import pytest
import sample_tasks
import torch
from torch import Tensor, nn

import sonde
from sonde.core.files import read_json
from sonde.engine.json_lines import read_lines
from sonde.engine.used_memory import KEYS


class Two(sonde.Task):
    objective = sonde.Objective("energy", "min")

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.critic, self.generator = nn.Linear(2, 1), nn.Linear(2, 2)
        self.phases = [
            sonde.Phase(name="critic", loss=self.first, trains=[self.critic], optimizer=torch.optim.SGD),
            sonde.Phase(
                name="generator",
                loss=self.second,
                trains=[self.generator],
                every=3,
                optimizer={"optimizer": "adam", "lr": 0.02},
                schedule=lambda step: 1 / (1 + step),
            ),
        ]

    def first(self, batch: sonde.Batch) -> Tensor:
        return self.critic(batch["input"]).square().mean()

    def second(self, batch: sonde.Batch) -> Tensor:
        return self.generator(batch["input"]).square().mean()

    def evaluate(self, batch: sonde.Batch) -> dict[str, Tensor]:
        return {"energy": self.second(batch)}


def test_each_phases_loss_and_rate_are_in_every_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = sample_tasks.blobs(64)
    seen: dict[int, float] = {}

    def observer(record: Any) -> None:
        if isinstance(record, sonde.StepRecord) and "generator/loss" in record.losses:
            seen[record.step] = float(record.losses["generator/loss"])

    given: dict[str, Any] = {"batch_size": 16, "steps": 20, "log_every": 10, "threads": 1, "observers": [observer]}
    sonde.fit(Two(), data, validation=data, out=str(tmp_path / "run"), **given)
    lines = [line for line in read_lines(tmp_path / "run" / "metrics.jsonl") if line["kind"] == "step"]
    assert [line["step"] for line in lines] == [10, 20]
    assert [line["generator/loss"] for line in lines] == [seen[9], seen[18]]
    assert [line["generator/lr"] for line in lines] == pytest.approx([0.02 / 9, 0.02 / 18])  # of steps 9 and 18, from 0
    assert all(line["critic/lr"] == line["lr"] for line in lines)

    told = capsys.readouterr()
    said = told.out + told.err
    assert "critic loss" in said
    assert "critic lr" in said
    assert "best checkpoint: lowest validation energy" in said
    plan = read_json(tmp_path / "run" / "plan.json")["lines"]
    generator = next(line for line in plan if line.startswith("generator: "))
    assert "adam, rate 0.02" in generator
    assert "on every 3rd step" in generator
    report = (tmp_path / "run" / "report.html").read_text()
    assert "Of the phase critic, the first of those at work" in report


def test_a_line_of_a_single_phase_is_as_ever(tmp_path: Path) -> None:
    data = sample_tasks.blobs(64)
    sonde.fit(
        nn.Linear(2, 3),
        data,
        loss=nn.functional.cross_entropy,
        epochs=5,
        threads=1,
        quiet=True,
        out=str(tmp_path / "run"),
    )
    lines = [line for line in read_lines(tmp_path / "run" / "metrics.jsonl") if line["kind"] == "step"]
    assert set(lines[0]) - set(KEYS) == {"kind", "step", "epoch", "loss", "lr", "norm", "seconds", "rows"}
