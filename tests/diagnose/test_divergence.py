"""A loss that ends far above its start is found, and losses of runs that are well are not."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import sonde
from sonde.core.records import STAGE_BEGINS
from sonde.diagnose.divergence import diverged

STEPS = 200


def lines(losses: list[float | None]) -> list[dict[str, Any]]:
    return [{"kind": "step", "step": 10 * (at + 1), "loss": loss} for at, loss in enumerate(losses)]


def found_in(losses: list[float | None], first: float | None = None, *, several: bool = False) -> list[Any]:
    return diverged(lines(losses), first, remedy="lower --lr", several=several)


def test_a_loss_that_ends_a_thousand_times_above_its_start_is_told_with_step_and_numbers() -> None:
    (found,) = found_in([0.7, 0.9, 40.0, 3e4, 5e6, 5e7, 6e7, 7e7, 8e7], 0.6931)
    assert (found.check, found.severity, found.action, found.step) == ("diverged", "warning", "lower --lr", 40)
    assert found.evidence == (
        "the training loss was 0.6931 in the first step and 6e+07 at the end (median of what was logged at steps 50 to 90), "
        "9e+07 times as high; it passed 1000 times at step 40"
    )


def test_the_first_step_tells_what_the_first_logged_line_hides() -> None:
    flat: list[float | None] = [6e7] * 20
    assert found_in(flat) == []
    assert len(found_in(flat, 2.3)) == 1
    assert len(found_in([6e7], 2.3)) == 1  # a run of a single line


def test_a_negative_loss_that_explodes_is_found() -> None:
    assert len(found_in([-1.5, -2.0, 5e3, 6e7, 6e7, 6e7, 6e7, 6e7], -1.4)) == 1


def test_no_step_and_losses_that_are_no_number_are_no_divergence() -> None:
    assert found_in([]) == found_in([None, None]) == found_in([0.7], math.nan) == []


def restarts(at: int) -> float:
    return 0.05 + 2.2 * 0.5 ** (at % 50 / 10)


HEALTHY = {
    "falls": lambda at: 2.3 * math.exp(-at / 50),
    "noisy over three decades": lambda at: 10 ** (3 * math.sin(at * 12.9898) - at / 100),
    "warm restarts": restarts,
    "one spike": lambda at: 1e9 if at == 120 else 0.3,
    "a spike in the last line": lambda at: 1e9 if at == STEPS - 1 else 0.3,
    "negative log likelihood": lambda at: 1.4 - at / 20,
    "negative, up again": lambda at: -0.001 if at < 10 else 12.0,
    "critic that drifts": lambda at: 0.0003 - 3.0 * at,
    "generator that drifts": lambda at: -0.0003 + 8.0 * at,
    "begins at nothing": lambda at: 0.0 if at < 3 else 1e-4,
    "overfits": lambda at: 1e-7 if at > 100 else 0.7,
    "a rate too high for a while": lambda at: 500.0 if 20 < at < 60 else 0.6,
    "stuck far above": lambda at: 9.2 if at else 0.02,
}


@pytest.mark.parametrize("name", HEALTHY)
def test_losses_of_runs_that_are_well_are_left_alone(name: str) -> None:
    losses = [HEALTHY[name](at) for at in range(STEPS)]
    assert found_in(losses, losses[0]) == []  # type: ignore[arg-type, list-item]


def test_phases_against_each_other_may_begin_near_nothing() -> None:
    assert found_in([1e-7, 0.3, 5.0, 8.0, 8.0, 8.0, 8.0], 1e-7, several=True) == []  # a discriminator that was fooled
    assert len(found_in([1e-7, 0.3, 5.0, 8.0, 8.0, 8.0, 8.0], 1e-7)) == 1


def test_stages_are_not_compared_with_each_other() -> None:
    first, then = lines([1e-3, 1e-3]), lines([50.0, 40.0, 40.0])
    begins = {"kind": "event", "step": 20, "event": STAGE_BEGINS, "details": {"stage": "classify"}}
    assert diverged([*first, begins, *then], 1e-3, remedy="lower --lr") == []
    assert len(diverged([*first, *then], 1e-3, remedy="lower --lr")) == 1


X = torch.linspace(-3, 3, 256).reshape(64, 4)


def settings(out: Path, **more: Any) -> dict[str, Any]:
    return {"out": str(out), "batch_size": 16, "threads": 1, "quiet": True, "optimizer": "sgd", "clip": 0.0} | more


def findings(run: sonde.Run) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run.folder / "findings.jsonl").read_text().splitlines()]


def test_a_run_that_diverges_says_so_and_names_the_rate(tmp_path: Path) -> None:
    y, loss = X.sum(1, keepdim=True), nn.functional.mse_loss
    run = sonde.fit(
        nn.Linear(4, 1), (X, y), loss=loss, epochs=6, lr=0.2, schedule="constant", **settings(tmp_path / "run")
    )
    cause, found = [each for each in findings(run) if each["check"] in ("diverged", "learning rate too high")]
    assert (cause["severity"], found["severity"]) == ("warning", "note")  # what follows from another is no warning
    assert found["action"].startswith("fix learning rate too high first, which may be the cause; if this stays: ")
    assert found["action"].endswith(": lower --lr, which was 0.2, such as --lr 0.02, or add --clip 1")
    assert "diverged" in (run.folder / "report.html").read_text()
    blind = sonde.fit(
        nn.Linear(4, 1),
        (X, y),
        loss=loss,
        epochs=6,
        lr=0.2,
        schedule="constant",
        doctor=False,
        **settings(tmp_path / "blind"),
    )
    (found,) = [each for each in findings(blind) if each["check"] == "diverged"]
    assert (found["severity"], found["name"]) == ("warning", "diverged")
    well = sonde.fit(
        nn.Linear(4, 1), (X, y), loss=loss, epochs=6, lr=0.02, schedule="constant", **settings(tmp_path / "well")
    )
    assert not [each for each in findings(well) if each["check"] == "diverged"]


def test_a_first_loss_of_nothing_is_no_measure() -> None:
    """Of one row, which was right by itself."""
    assert found_in([1.5, 0.9, 1.7, 2.2, 1.1, 1.7, 1.8], 0.0) == []
    (found,) = found_in([1.5, 0.9, 40.0, 1e4, 1e5, 1e5, 1e5, 1e5, 1e5], 0.0)
    assert found.evidence.startswith("the training loss was 40 at step 10 and 1e+05 at the end")
    assert found_in([0.0] * 9, 0.0) == []
