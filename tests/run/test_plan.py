"""What is decided before the first step: how many steps, at which rate, with how many threads; typed values stand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import sonde
from sonde.cli.main import main
from sonde.core.errors import ConfigError, NonFinite
from sonde.core.files import read_json
from sonde.engine import precision
from sonde.engine.json_lines import read_lines
from sonde.engine.tree import same
from sonde.run import computing

X = np.random.default_rng(0).normal(size=(100, 4)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int64)
QUIET: dict[str, Any] = {"threads": 1, "quiet": True, "model": "mlp", "hidden": (8,), "batch_size": 16}


def train(out: Path, **settings: Any) -> sonde.Run:
    return sonde.train((X, Y), out=out, **{**QUIET, **settings})


def plan(out: Path, **settings: Any) -> dict[str, Any]:
    return read_json(train(out, **settings).folder / "plan.json")


@pytest.mark.parametrize(
    ("given", "steps", "why"),
    [
        ({"epochs": 2}, 10, "2 epochs of 5 steps"),
        ({"epochs": 1}, 5, "1 epoch of 5 steps"),
        ({"epochs": 0.5}, 2, "0.5 epochs of 5 steps"),
        ({"epochs": 0.01}, 1, "0.01 epochs of 5 steps"),
        ({"steps": 7}, 7, "7 steps"),
        ({"steps": 1}, 1, "1 step"),
    ],
)
def test_how_long_is_said_and_kept(given: dict[str, Any], steps: int, why: str, tmp_path: Path) -> None:
    found = plan(tmp_path / "run", **given)
    assert (found["steps"], found["steps_why"]) == (steps, why)
    assert read_json(tmp_path / "run" / "result.json")["steps"] == steps


@pytest.mark.slow  # its verdict is the wall clock's, which a busy machine falsifies
@pytest.mark.parametrize("words", [("--schedule", "cosine"), ("--schedule", "linear", "--ema", "0.9")])
def test_a_time_limit_is_kept_and_the_schedule_ends_with_it(words: tuple[str, ...], tmp_path: Path) -> None:
    """On rows so few that judging them costs as much as training: both are in the plan."""
    shares = []
    for attempt in range(3):  # a neighbour who comes or leaves after the plan was made is not the plan's fault
        out = tmp_path / f"run{attempt}"
        common = ["train", "digits", "--model", "mlp", "--threads", "1", "--quiet", "--out", str(out)]
        assert main([*common, "--time-limit", "2s", *words]) == 0
        result, lines = read_json(out / "result.json"), read_lines(out / "metrics.jsonl")
        assert result["seconds"]["total"] < 2.5
        assert "fit into 2s" in read_json(out / "plan.json")["steps_why"]
        rates = [line["lr"] for line in lines if line["kind"] == "step"]
        shares.append((result["seconds"]["total"] / 2, rates[-1] / max(rates)))
        if shares[-1][0] > 0.6 and shares[-1][1] < 0.35:  # of a schedule that goes to 0 with the last planned step
            return
    raise AssertionError(f"(share of the time used, share of the rate left): {shares}")


def test_a_rate_is_found_and_its_curve_is_kept(tmp_path: Path) -> None:
    run = train(tmp_path / "run", lr="auto", epochs=3)
    curve = read_json(run.folder / "lr_range.json")
    assert len(curve["lr"]) == len(curve["loss"]) >= 20
    assert min(curve["lr"]) <= curve["chosen"] <= max(curve["lr"])
    rates = [line["lr"] for line in read_lines(run.folder / "metrics.jsonl") if line["kind"] == "step"]
    assert max(rates) <= curve["chosen"]
    chosen = curve["chosen"]
    sonde.resume(run.folder, data=(X, Y), epochs=5, quiet=True)
    assert read_json(run.folder / "lr_range.json")["chosen"] == chosen


def test_a_rate_that_is_a_guess_is_said_and_none_refused(tmp_path: Path) -> None:
    draw = torch.Generator().manual_seed(0)
    x, y = torch.randn(400, 4, generator=draw), torch.randn(400, 1, generator=draw)
    net = nn.Linear(4, 1)
    nn.init.zeros_(net.weight)
    nn.init.zeros_(net.bias)
    mse = nn.functional.mse_loss
    run = sonde.fit(net, (x, y), loss=mse, lr="auto", epochs=1, batch_size=64, out=tmp_path / "run", quiet=True)
    said = [line["evidence"] for line in read_lines(run.folder / "findings.jsonl") if line["check"] == "range test"]
    assert len(said) == 1
    assert "which may be only noise from batch to batch" in said[0]

    def flat(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return (output * 0).mean()

    with pytest.raises(
        ConfigError, match='lr="auto" found no rate at which the training loss falls .*give lr=, such as'
    ):
        sonde.fit(nn.Linear(4, 1), (x, y), loss=flat, lr="auto", epochs=1, out=tmp_path / "flat", quiet=True)


def test_what_is_tried_leaves_no_trace(tmp_path: Path) -> None:
    """The range test, the timing of threads and of judging run real steps; the run that follows is as if they had not."""
    tried = train(tmp_path / "auto", lr="auto", epochs=2)
    typed = train(tmp_path / "typed", lr=read_json(tried.folder / "lr_range.json")["chosen"], epochs=2)
    assert same(dict(tried.model.state_dict()), dict(typed.model.state_dict()))
    fixed = {"schedule": "constant", "warmup": 0}
    limited = train(tmp_path / "limited", time_limit="1s", **fixed)
    straight = train(tmp_path / "straight", steps=limited.result["steps"], **fixed)
    assert same(dict(limited.model.state_dict()), dict(straight.model.state_dict()))


def test_bf16_prints_what_it_brings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = plan(tmp_path / "run", precision="bf16", epochs=1, quiet=False)
    assert found["precision_ratio"] > 0
    assert f"bf16 ({found['precision_ratio']:.2f} times as fast as fp32 here" in capsys.readouterr().out
    assert plan(tmp_path / "full", epochs=1)["precision_ratio"] is None


def test_threads_are_timed_unless_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sonde.run.computing.fixed_ends", lambda *given: {})  # else so short a run is not timed for
    timed = plan(tmp_path / "timed", threads=None, epochs=1)
    assert timed["threads_timed"].keys() >= {"1"}
    assert str(timed["threads"]) in timed["threads_timed"]
    typed = plan(tmp_path / "typed", threads=1, epochs=1)
    assert (typed["threads"], typed["threads_timed"]) == (1, {})
    assert typed["lines"][0].startswith("1 thread (typed), fp32, ")
    assert torch.get_num_threads() == 1


def test_a_batch_that_cannot_be_timed_is_left_to_the_first_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A trial may meet a NaN that the run does not: it repeats one batch."""

    def fail(*_: Any, **__: Any) -> Any:
        raise NonFinite("the loss is nan")

    monkeypatch.setattr(computing, "choose_threads", fail)
    monkeypatch.setattr(precision, "step_seconds", fail)
    run = train(tmp_path / "run", threads=None, precision="bf16", epochs=1, quiet=False)
    assert run.result["status"] == "finished"
    text = capsys.readouterr().out
    assert "1 threads (not timed: the loss is nan), bf16, " in text.replace("1 thread (", "1 threads (")


def test_learning_by_heart_is_said(tmp_path: Path) -> None:
    lines = plan(tmp_path / "one", overfit_batches=1, epochs=2)["lines"]
    assert lines[-1] == "the same batch in every epoch, and evaluated on the same rows (--overfit-batches)"
    assert plan(tmp_path / "two", overfit_batches=2, epochs=2)["lines"][-1].startswith(
        "the same 2 batches in every epoch"
    )
