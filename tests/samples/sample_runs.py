"""Run folders as a training that goes on leaves them, which a test lets grow, finish and die."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from sonde.core.config_file import write_config

PLAN = {"steps": 400, "batches_per_epoch": 50, "device": "cpu", "lines": ["1 thread"]}
CLAIMS = """
import sys, time
from pathlib import Path
from sonde.core.run_folder import RunFolder
with RunFolder(Path(sys.argv[1])).claimed():
    print("claimed", flush=True)
    sys.stdin.read()
"""


def begun(folder: Path, *, model: str = "mlp", data: str = "digits", **more: Any) -> Path:
    """A run that has not made a step. more: settings"""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {"model": model, "task": "classification", "lr": 0.1, **more}
    write_config(folder / "config.yaml", data=data, settings=settings, origin={"lr": "typed"}, reasons={})
    put(folder / "env.json", {"started": "2026-01-01T00:00:00", "cores": 2, "memory_bytes": 8e9, "device": "cpu"})
    put(folder / "data.json", {"source": data, "splits": {"train": 640}})
    put(folder / "plan.json", PLAN)
    return folder


def put(path: Path, content: Any) -> None:
    """JSON, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def step(number: int, **more: Any) -> dict[str, Any]:
    """A line of metrics.jsonl: 64 rows and half a second for each step."""
    line = {"kind": "step", "step": number, "epoch": (number - 1) // 50, "loss": 2.0 / number, "lr": 0.1, "norm": 1.0}
    return {**line, "seconds": 0.5 * number, "rows": 64 * number, **more}


def evaluation(number: int, accuracy: float) -> dict[str, Any]:
    """A line of metrics.jsonl."""
    metrics = {"accuracy": accuracy, "log_loss": 1.0 - accuracy}
    return {"kind": "evaluation", "step": number, "epoch": 0, "split": "validation", "seconds": 0.1, "metrics": metrics}


def append(folder: Path, *lines: dict[str, Any], log: str = "metrics.jsonl") -> None:
    """Add lines to a log."""
    with (folder / log).open("a", encoding="utf-8") as file:
        file.write("".join(json.dumps(line) + "\n" for line in lines))


def failed(evidence: str, *, at: int | None = None) -> dict[str, Any]:
    """The line of findings.jsonl that a run writes when it dies."""
    return {"check": "not finite", "severity": "error", "evidence": evidence, "action": "lower --lr", "step": at}


def checkpoint(folder: Path, number: int) -> None:
    """What tells the step of a checkpoint."""
    place = folder / "checkpoints" / "last"
    place.mkdir(parents=True, exist_ok=True)
    body = json.dumps({"format": 1, "state": {"progress": {"step": number}}})
    (place / "state.json").write_text(f"seal\n{body}\n", encoding="utf-8")


def finished(folder: Path, *, steps: int = 400) -> None:
    """The result, with an evaluation on test rows."""
    result = {
        "status": "finished", "ended_by": "epochs", "task": "classification", "model": "mlp", "steps": steps, "epochs": 8,
        "headline": "accuracy", "metrics": {"test": {"accuracy": 0.875, "log_loss": 0.4}}, "samples_per_s": 128.0,
        "seconds": {"total": 200.0, "step": 190.0, "evaluation": 10.0},
    }  # fmt: skip
    put(folder / "evaluation" / "test" / "metrics.json", result["metrics"]["test"])
    put(folder / "result.json", result)


def training(folder: Path) -> subprocess.Popen[bytes]:
    """A process that holds the folder as a run does, until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", CLAIMS, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"claimed\n"
    return process


def killed(process: subprocess.Popen[bytes]) -> None:
    """As for want of memory, or by the power."""
    process.kill()
    process.communicate()


def served(*words: str) -> tuple[subprocess.Popen[str], str, int]:
    """`sonde watch` with these words: the process, what it said first, and its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sonde", "watch", *words], stdout=subprocess.PIPE, text=True, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    said = ""
    while "http" not in said:
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        said += line
    found = re.search(r"http://127\.0\.0\.1:(\d+)", said)
    assert found is not None
    return process, said, int(found[1])
