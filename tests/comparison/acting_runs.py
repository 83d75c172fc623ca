"""Run folders of policies, written by hand."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sonde.core.files import write_text


def acted(
    make_run: Callable[..., Path],
    folder: Path,
    *,
    task: str,
    seed: int = 0,
    score: float = 100.0,
    environment: str = "gym:Pole-v1",
    **more: Any,
) -> Path:
    """A run of 40 updates. more: settings; per_step, steps of the environment for an update; log, whether it learned from a log
    and is scored in the environment alone; seldom, whether it was evaluated at its end alone, of "silent" with no train_return;
    rewards, what its lines have of them.
    """
    per_step, log = more.get("per_step", 8), more.get("log", False)
    source = f"{folder.name}.npz" if log else environment
    settings = {"seed": seed, "task": task, "steps": 40, **more.get("settings", {})}
    make_run(
        folder,
        model="policy-mlp",
        task=task,
        metric="return",
        score=score,
        settings=settings,
        source=source,
        data=source,
    )
    write_text(
        folder / "schema.json",
        json.dumps({"input": {"kind": "environment", "extra": environment if log else ""}}),
    )
    data = json.loads((folder / "data.json").read_text())
    write_text(folder / "data.json", json.dumps({**data, "goals": {"return": 90.0}}))
    if log:
        return folder
    lines = []
    for step in range(10, 41, 10):
        lines.append({"kind": "step", "step": step, "loss": 1.0, "seconds": 5 + step / 10, "rows": step})
        lines[-1]["environment_steps"] = step * per_step
        lines[-1] |= more.get("rewards", {})
        if (seldom := more.get("seldom")) and seldom != "silent":
            lines[-1]["train_return"] = score * step / 80
        if seldom and step < 40:
            continue
        found = {"kind": "evaluation", "step": step, "split": "validation", "seconds": 0.1}
        lines.append(found | {"metrics": {"return": score * step / 40}})
    write_text(folder / "metrics.jsonl", "\n".join(map(json.dumps, lines)))
    result = json.loads((folder / "result.json").read_text())
    write_text(folder / "result.json", json.dumps({**result, "experience": {"environment_steps": 40 * per_step}}))
    return folder
