"""A finished run says that it loses to its baseline."""

from pathlib import Path

import numpy as np

import sonde
from sonde.engine.json_lines import read_lines


def table(folder: Path) -> Path:
    drawn = np.random.default_rng(0)
    x = drawn.normal(size=(120, 3))
    path = folder / "rows.csv"
    lines = [f"{a:.4f},{b:.4f},{c:.4f},{2 * a + drawn.normal():.4f}" for a, b, c in x]
    path.write_text("\n".join(["a,b,c,y", *lines]) + "\n")
    return path


def findings(run: Path) -> dict[str, dict[str, object]]:
    return {line["name"]: line for line in read_lines(run / "findings.jsonl") if line["name"]}


def test_a_run_far_off_loses_to_the_mean_and_says_so_unless_it_is_silenced(tmp_path: Path) -> None:
    common = {"target": "y", "model": "mlp", "steps": 2, "lr": 100.0, "threads": 1, "quiet": True}
    sonde.train(table(tmp_path), out=tmp_path / "far", **common)
    found = findings(tmp_path / "far")["worse-than-baseline"]
    assert "always predicting the mean" in str(found["evidence"])
    sonde.train(table(tmp_path), out=tmp_path / "off", doctor=False, **common)
    assert "worse-than-baseline" not in findings(tmp_path / "off")


def test_a_run_that_learned_says_nothing(tmp_path: Path) -> None:
    sonde.train(
        table(tmp_path), target="y", model="mlp", epochs=30, lr=0.01, out=tmp_path / "run", threads=1, quiet=True
    )
    assert "worse-than-baseline" not in findings(tmp_path / "run")
