"""A finished run says that it loses to its baseline."""

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import sonde
from sonde.core.run_folder import RunFolder
from sonde.engine.evaluate import EvaluationBudget
from sonde.engine.json_lines import read_lines
from sonde.run import finish


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


@pytest.mark.parametrize(("won", "told"), [(0, True), (8, False), (20, False)])
def test_a_player_loses_to_its_baseline_where_that_is_no_chance(tmp_path: Path, won: int, told: bool) -> None:
    place = tmp_path / "evaluation" / "test"
    place.mkdir(parents=True)
    match = {"games": 20, "wins": won, "draws": 0, "losses": 20 - won}
    (place / "matches.json").write_text(json.dumps({"random": match}))
    policies = [{"what": "a random player", "score": [1.0, 0.0] * 10, "length": [9] * 20}]
    (place / "baseline.json").write_text(json.dumps({"policies": policies, "why": ""}))
    result = {"headline": "score", "metrics": {"test": {"score": won / 20}}, "baseline": {"score": 0.5}}
    assert finish._worse_at_games(RunFolder(tmp_path), result, "test") is told
    assert not finish._worse_at_games(RunFolder(tmp_path), {**result, "baseline": {}}, "test")


def test_a_run_that_learned_says_nothing(tmp_path: Path) -> None:
    sonde.train(
        table(tmp_path), target="y", model="mlp", epochs=30, lr=0.01, out=tmp_path / "run", threads=1, quiet=True
    )
    assert "worse-than-baseline" not in findings(tmp_path / "run")


def test_games_that_were_never_judged_are_not_counted() -> None:
    """Those to train on have no end."""
    rows = {"train": "endless", "test": "games"}
    assembly: Any = SimpleNamespace(dataset=SimpleNamespace(splits=rows), evaluation_sources={"test": None})
    assert finish._judged_on(assembly, "test") == "games"
    assert finish._judged_on(assembly, "train") is None
    assert finish._judged_on(SimpleNamespace(dataset=None, evaluation_sources={"test": None}), "test") is None  # type: ignore[arg-type]


def test_what_is_shown_after_the_evaluations_keeps_to_the_limit_or_an_overrun_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in the seconds that the result tells."""

    def slow(attempt: Any, split: str, *, seconds: float) -> None:
        time.sleep(3.0)

    monkeypatch.setattr(finish, "make_films", slow)
    common = {"target": "y", "model": "mlp", "threads": 1, "quiet": True, "doctor": False, "time_limit": "2s"}
    run = sonde.train(table(tmp_path), out=tmp_path / "run", **common)
    assert "the run took" in str(findings(tmp_path / "run")["time-limit"]["evidence"])
    assert run.result["seconds"]["total"] > run.result["seconds"]["evaluation"] > 3.0
    assert "the run took" in (tmp_path / "run" / "report.html").read_text()


def test_a_run_whose_games_were_all_cut_off_still_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no score but the loss of training, whose games have no end."""
    monkeypatch.setattr(EvaluationBudget, "nothing", property(lambda self: True))
    small = {
        "model": "policy-value-mlp",
        "hidden": (8,),
        "steps": 1,
        "simulations": 2,
        "batch_size": 8,
        "environments": 4,
    }
    run = sonde.train("game:connect_four", out=tmp_path / "run", time_limit="30s", threads=1, quiet=True, **small)
    assert list(run.result["metrics"]) == ["train"]
    assert (tmp_path / "run" / "evaluation" / "train" / "played.json").exists()
