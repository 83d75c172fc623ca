"""What --compile says: that it cannot be had, or what it cost and brought; it is obeyed either way."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from other_findings import other_findings

import sonde
from sonde.core.files import read_json
from sonde.engine.execution.compiled import cxx_compiler
from sonde.engine.json_lines import read_lines
from sonde.engine.plan import ExecutionPlan
from sonde.run.compiling import Compiling

QUIET: dict[str, Any] = {"threads": 1, "quiet": True, "epochs": 1, "model": "mlp", "hidden": (8,)}


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What torch.compile captures from now on; a backend that makes no code, since that takes seconds."""
    found: list[Any] = []
    real = torch.compile

    def backend(graph: Any, _: Any) -> Any:
        found.append(graph)
        return graph.forward

    monkeypatch.setattr(torch, "compile", lambda call: real(call, backend=backend))
    monkeypatch.setenv("CXX", "true")  # some program that exists
    return found


@pytest.mark.parametrize(
    ("compiled_ms", "steps", "ending", "action"),
    [
        (2.0, 1_000, "pays for itself after 1,000 of 1,000 steps", None),
        (2.0, 999, "pays for itself after 1,000 steps; this run has 999", "leave --compile out of a run this short"),
        (4.0, 10**9, "a step takes 4.00 ms compiled, 4.00 ms eager: not faster", "leave --compile out"),
    ],
)
def test_whether_it_pays_within_the_run(compiled_ms: float, steps: int, ending: str, action: str | None) -> None:
    told = Compiling(compile_s=2.0, compiled_s=compiled_ms / 1e3, eager_s=0.004)
    assert told.line(steps).endswith(ending)
    assert told.line(steps).startswith("compiling took 2.0 s; ")
    assert [(found.severity, found.action) for found in told.finding(steps)] == ([("note", action)] if action else [])


@pytest.mark.filterwarnings("default")  # torch's compiler warns of its own use of deprecated parts
@pytest.mark.parametrize("model", ["mlp", "compact-cnn"])
def test_a_run_trains_compiled_and_its_plan_tells_the_price(model: str, graphs: list[Any], tmp_path: Path) -> None:
    settings = {"model": model, "threads": 1, "quiet": True, "steps": 3, "batch_size": 64}
    run = sonde.train("digits", out=tmp_path / "run", compile=True, **settings)
    captured = len(graphs)
    assert captured >= 1
    plan = read_json(run.folder / "plan.json")
    assert plan["compile"] is True
    assert plan["lines"][0].endswith(", compiled")
    assert plan["lines"][-1].startswith("compiling took ")
    assert plan["compile_s"] > 0
    assert plan["compiled_ms"] > 0
    assert plan["eager_ms"] > 0
    assert run.predict(torch.zeros(8, 8, dtype=torch.uint8))  # only steps are compiled
    assert len(graphs) == captured
    assert [name for name in run.task.modules.state_dict() if "_orig_mod" in name] == []
    notes = [
        line for line in read_lines(run.folder / "findings.jsonl") if line["check"] == "compiling does not pay off"
    ]
    assert [(note["severity"], note["evidence"]) for note in notes] == [("note", plan["lines"][-1])]  # not in 3 steps


@pytest.mark.filterwarnings("default")
def test_what_torch_cannot_compile_runs_eagerly_and_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = torch.compile

    def backend(graph: Any, _: Any) -> Any:
        raise ZeroDivisionError("no code for this")

    monkeypatch.setattr(torch, "compile", lambda call: real(call, backend=backend))
    monkeypatch.setenv("CXX", "true")
    eager = sonde.train("digits", out=tmp_path / "eager", **QUIET)
    run = sonde.train("digits", out=tmp_path / "run", compile=True, **QUIET)
    assert run.metrics == eager.metrics
    assert read_json(run.folder / "plan.json")["compile"] is False
    (finding,) = other_findings(run.folder)
    assert (finding["check"], finding["severity"]) == ("not compiled", "warning")
    assert "no code for this" in finding["evidence"]


@pytest.mark.filterwarnings("default")
def test_a_compiled_run_goes_on_compiled(graphs: list[Any], tmp_path: Path) -> None:
    settings: dict[str, Any] = {**QUIET, "compile": True, "out": tmp_path / "run"}
    sonde.train("digits", **settings)
    run = sonde.train("digits", **dict(settings, epochs=2))
    assert run.result["steps"] == 42
    assert read_json(run.folder / "plan.json")["compile"] is True
    straight = sonde.train("digits", **dict(settings, epochs=2, out=tmp_path / "straight"))
    assert run.metrics == straight.metrics


def test_a_plan_from_before_still_reads() -> None:
    plan = ExecutionPlan(device="cpu", precision="fp32", threads=1, steps=3, steps_why="typed")
    saved = json.loads(json.dumps(plan.as_dict()))
    for name in ("compile_s", "compiled_ms", "eager_ms"):
        del saved[name]
    assert ExecutionPlan.from_dict(saved) == plan


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.skipif(cxx_compiler() is None, reason="needs a C++ compiler")
def test_a_compiled_run_computes_what_an_eager_one_does(tmp_path: Path) -> None:
    eager = sonde.train("digits", out=tmp_path / "eager", **QUIET)
    fast = sonde.train("digits", out=tmp_path / "compiled", compile=True, **QUIET)
    assert fast.metrics["loss"] == pytest.approx(eager.metrics["loss"], rel=1e-5)
    assert read_json(fast.folder / "plan.json")["compile"] is True


def test_without_a_compiler_the_run_goes_on_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    run = sonde.train("digits", out=tmp_path / "run", compile=True, **dict(QUIET, quiet=False))
    assert run.result["status"] == "finished"
    assert read_json(run.folder / "plan.json")["compile"] is False
    text = capsys.readouterr().out
    assert "already in memory, eager" in text
    assert (
        "warning   not compiled: compile=True needs a C++ compiler on a CPU, and neither g++ nor clang++ is installed; "
        in text
    )
    assert [found["check"] for found in other_findings(run.folder)] == ["not compiled"]
