"""Run folders that are written by hand: of a classifier and a regressor, finished, failed, running and cross-validated."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROWS = 200


def answers_of(target: np.ndarray, prediction: np.ndarray) -> dict[str, Any]:
    """An answers.json."""
    return {"rows": len(target), "index": None, "target": target.tolist(), "prediction": prediction.tolist()}


def classified(wrong: int, *, seed: int = 0, at: int = 0, rows: int = ROWS) -> dict[str, Any]:
    """Answers of which `wrong`, from row `at` on, are wrong; the truth depends on `seed` alone."""
    target = np.random.default_rng(seed).integers(0, 3, rows)
    prediction = target.copy()
    prediction[at : at + wrong] = (target[at : at + wrong] + 1) % 3
    return answers_of(target, prediction)


def put(path: Path, content: object) -> None:
    """JSON, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def lines(*, steps: int = 40, metric: str = "accuracy", every: float = 0.5) -> list[dict[str, Any]]:
    """A metrics.jsonl: ten steps a line, an evaluation after each twenty; five seconds before the first step."""
    found: list[dict[str, Any]] = []
    for step in range(10, steps + 1, 10):
        entry = {"kind": "step", "step": step, "epoch": (step - 1) // 20, "loss": 2.0 - step / 100, "lr": 0.001}
        found.append(entry | {"seconds": 5 + step * every, "rows": step * 8})
        if step % 20 == 0:
            evaluated = {"kind": "evaluation", "step": step, "epoch": step // 20 - 1, "split": "validation"}
            found.append(evaluated | {"seconds": 0.1, "metrics": {metric: 0.5 + step / 200}})
    return found


def write_run(
    folder: Path,
    *,
    model: str = "mlp",
    task: str = "classification",
    metric: str = "accuracy",
    score: float | None = 0.9,
    answers: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
    **more: Any,
) -> Path:
    """A run folder. score None: one that is not over;  more: mode of the metric, data's hash and source, code, findings"""
    folder.mkdir(parents=True)
    source, mode = more.get("source", "digits"), more.get("mode", "max")
    typed = {"model": model, "task": task, "seed": 0, "lr": 0.001, "out": str(folder), **(settings or {})}
    config = {"data": source, "settings": typed, "origin": {"lr": "typed"}, "reasons": {}}
    (folder / "config.yaml").write_text(json.dumps(config), encoding="utf-8")
    put(
        folder / "data.json",
        {"source": source, "form": "x", "facts": [], "fingerprint": {"images": more.get("data", "abc")}}
        | ({"code": more["code"]} if "code" in more else {}),
    )
    put(folder / "plan.json", {"steps": 400, "batches_per_epoch": 20})
    put(folder / "env.json", {"started": "2026-01-01T00:00:00", "device": "cpu"})
    text = "".join(json.dumps(line) + "\n" for line in lines(metric=metric))
    (folder / "metrics.jsonl").write_text(text, encoding="utf-8")
    text = "".join(json.dumps(finding) + "\n" for finding in more.get("findings", []))
    (folder / "findings.jsonl").write_text(text, encoding="utf-8")
    if score is not None:
        result = {
            "status": "finished", "task": task, "model": model, "parameters": 1000, "epochs": 2, "steps": 40,
            "objective": {"metric": metric, "mode": mode}, "headline": metric, "seconds": {"total": 30.0},
            "metrics": {"train": {"loss": 0.1}, "test": {metric: score, "other": 1.5}}, "samples_per_s": 100.0,
        }  # fmt: skip
        put(folder / "result.json", result)
        (folder / "report.html").write_text("<p>")
    if answers is not None:
        put(folder / "evaluation" / "test" / "answers.json", answers)
    return folder


def classifier(folder: Path, wrong: int, *, at: int = 0, rows_seed: int = 0, **more: Any) -> Path:
    """A run of which so many of 200 test rows are wrong."""
    answers = classified(wrong, seed=rows_seed, at=at)
    return write_run(folder, score=1 - wrong / ROWS, answers=answers, **more)


@pytest.fixture
def make_run() -> Callable[..., Path]:
    """`write_run`."""
    return write_run


@pytest.fixture
def make_classifier() -> Callable[..., Path]:
    """`classifier`."""
    return classifier
