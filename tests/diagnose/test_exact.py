"""Training is the same to the last bit, whether the doctor looks on or not."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import sample_nets
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import sonde
from sonde.core.errors import Interrupted
from sonde.engine import checkpoint
from sonde.engine.execution.compiled import cxx_compiler
from sonde.engine.json_lines import read_lines
from sonde.engine.used_memory import KEYS

APART = ("clock", "journals", "observers", "observed_by", "elapsed")  # seconds, lengths of files, and who looks on


def parts(value: Any, name: str = "") -> dict[str, Any]:
    """Every number, text and tensor of nested dicts and lists, by where it stands."""
    if isinstance(value, Mapping):
        return {key: leaf for k, each in value.items() for key, leaf in parts(each, f"{name}/{k}").items()}
    if isinstance(value, list | tuple):
        return {key: leaf for k, each in enumerate(value) for key, leaf in parts(each, f"{name}/{k}").items()}
    return {name: value}


def state_of(run: Path) -> dict[str, Any]:
    """Weights, optimisers, random streams and progress at the end of a run."""
    weights, state = checkpoint.read(run / "checkpoints" / "last")
    kept = {name: each for name, each in state.items() if name not in APART}
    kept["progress"] = {name: each for name, each in kept["progress"].items() if not name.endswith("_s")}
    return parts({"weights": dict(weights), **kept})


def metrics_of(run: Path) -> list[dict[str, Any]]:
    lines = read_lines(run / "metrics.jsonl")
    return [
        {name: each for name, each in line.items() if name not in ("seconds", "elapsed", *KEYS)}
        for line in lines
        if line["kind"] != "event"
    ]


def same(one: Path, other: Path) -> None:
    first, second = state_of(one), state_of(other)
    assert first.keys() == second.keys()
    for name, value in first.items():
        if isinstance(value, Tensor):
            assert torch.equal(value, second[name]), name
        else:
            assert value == second[name] or (value != value and second[name] != second[name]), name
    assert metrics_of(one) == metrics_of(other)


def both_ways(fit: Callable[..., Any], tmp_path: Path) -> None:
    """Train with and without the doctor, from the same beginning, and compare."""
    for doctor in (True, False):
        torch.manual_seed(7)
        fit(out=tmp_path / str(doctor), doctor=doctor)
    assert len(read_lines(tmp_path / "True" / "signals.jsonl")) >= 5  # so many steps were looked at
    assert not read_lines(tmp_path / "False" / "signals.jsonl")
    same(tmp_path / "True", tmp_path / "False")


SETTINGS: dict[str, dict[str, Any]] = {
    "adam": {},
    "accumulated": {"accumulate": 4, "optimizer": "sgd"},
    "bf16": {"precision": "bf16"},
    "clipped, averaged": {"clip": 0.1, "ema": 0.9, "optimizer": "adamw"},
}


@pytest.mark.parametrize("kind", sample_nets.ALL)
@pytest.mark.parametrize("settings", SETTINGS)
def test_the_same_to_the_last_bit(kind: str, settings: str, tmp_path: Path) -> None:
    def fit(**where: Any) -> None:
        net, rows, loss = sample_nets.ALL[kind]()
        sonde.fit(net, rows, loss=loss, **{**sample_nets.USUAL, **SETTINGS[settings], **where})

    both_ways(fit, tmp_path)


def test_the_same_by_an_optimiser_that_asks_again(tmp_path: Path) -> None:
    def fit(**where: Any) -> None:
        net, rows, loss = sample_nets.mlp()
        settings: dict[str, Any] = {**sample_nets.USUAL, "optimizer": torch.optim.LBFGS, "lr": 0.1, **where}
        sonde.fit(net, rows, loss=loss, **settings)

    both_ways(fit, tmp_path)


class Adversaries(sonde.Task):
    """A generator and a discriminator, by turns."""

    def __init__(self) -> None:
        self.modules = nn.ModuleDict(
            {
                "g": nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2)),
                "d": nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1)),
            }
        )
        self.phases = [
            sonde.Phase(name="d", loss=self.d_loss, trains=[self.modules["d"]]),
            sonde.Phase(name="g", loss=self.g_loss, trains=[self.modules["g"]], every=2),
        ]

    def score(self, rows: Tensor, truth: float) -> Tensor:
        found = self.modules["d"](rows)
        return F.binary_cross_entropy_with_logits(found, torch.full_like(found, truth))

    def made(self, batch: sonde.Batch) -> Tensor:
        return self.modules["g"](torch.randn(len(batch), 4))

    def d_loss(self, batch: sonde.Batch) -> Tensor:
        return self.score(batch["input"], 1.0) + self.score(self.made(batch).detach(), 0.0)

    def g_loss(self, batch: sonde.Batch) -> Tensor:
        return self.score(self.made(batch), 1.0)

    def predict(self, batch: sonde.Batch) -> dict[str, Tensor]:
        return {"score": self.modules["d"](batch["input"])}


def test_the_same_for_adversaries(tmp_path: Path) -> None:
    def fit(**where: Any) -> None:
        sonde.fit(Adversaries(), sample_nets.drawn(64, 2), **{**sample_nets.USUAL, **where})

    both_ways(fit, tmp_path)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.skipif(cxx_compiler() is None, reason="needs a C++ compiler")
def test_the_same_compiled(tmp_path: Path) -> None:
    def fit(**where: Any) -> None:
        net, rows, loss = sample_nets.mlp()
        sonde.fit(net, rows, loss=loss, compile=True, **{**sample_nets.USUAL, **where})

    both_ways(fit, tmp_path)


@pytest.mark.parametrize("kind", sample_nets.ALL)
@pytest.mark.parametrize("last", [4, 7])
def test_a_run_that_goes_on_is_the_one_that_never_stopped(kind: str, last: int, tmp_path: Path) -> None:
    """Signals are cut back to the checkpoint and go on from there."""
    net, rows, loss = sample_nets.ALL[kind]()
    before = {name: value.clone() for name, value in net.state_dict().items()}

    def fit(out: Path, *, stopped: int | None = None) -> None:
        def stop(record: Any) -> str:
            if isinstance(record, sonde.StepRecord) and record.step == stopped:
                raise KeyboardInterrupt  # between two checkpoints, as a kill would
            return "continue"

        net.load_state_dict(before)
        settings = {**sample_nets.USUAL, "checkpoint_every": "3 steps"}
        sonde.fit(net, rows, loss=loss, out=out, observers=[] if stopped is None else [stop], **settings)

    fit(tmp_path / "whole")
    with pytest.raises((KeyboardInterrupt, Interrupted)):
        fit(tmp_path / "parts", stopped=last)
    fit(tmp_path / "parts")
    same(tmp_path / "whole", tmp_path / "parts")
    steps = [line["step"] for line in read_lines(tmp_path / "parts" / "signals.jsonl")]
    assert steps == sorted(set(steps))
    assert steps[-1] > last
    whole = {line["step"]: line for line in read_lines(tmp_path / "whole" / "signals.jsonl")}
    for line in read_lines(tmp_path / "parts" / "signals.jsonl"):
        assert line == whole.get(line["step"], line)  # what was looked at in both is the same


def test_what_is_measured_is_what_a_step_did(tmp_path: Path) -> None:
    """By hand: w - lr · g of a linear network, whose loss is the mean square."""
    torch.manual_seed(0)
    net = nn.Linear(4, 1, bias=False)
    x, y = sample_nets.drawn(16, 4), sample_nets.drawn(16, 1)
    w = net.weight.detach().clone()
    gradient = 2 / 16 * (x @ w.T - y).T @ x
    settings = {**sample_nets.USUAL, "epochs": 0, "steps": 6, "optimizer": "sgd", "lr": 0.05}
    sonde.fit(
        net, (x, y), loss=F.mse_loss, out=tmp_path / "run", **{k: v for k, v in settings.items() if k != "epochs"}
    )
    line = read_lines(tmp_path / "run" / "signals.jsonl")[0]
    size, norm, update, entries, fan, _ = line["weights"]["weight"]
    assert (entries, fan) == (4, 4)
    assert size == pytest.approx(float(w.square().mean().sqrt()), rel=1e-3)
    assert norm == pytest.approx(float(gradient.square().mean().sqrt()), rel=1e-3)
    assert update == pytest.approx(0.05 * float(gradient.square().mean().sqrt()), rel=1e-3)
    error = 2 / 16 * (x @ w.T - y)
    assert line["outputs"][0][-1] == pytest.approx(float(error.square().mean().sqrt()), rel=1e-3)
    assert line["loss"] == pytest.approx(float((x @ w.T - y).square().mean()), rel=1e-3)
    assert not math.isnan(line["norm"])
