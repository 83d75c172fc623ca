"""The look at a precision costs little of a time limit; what is decided is what the run is computed in."""

import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

import sonde
from sonde.core.files import read_json
from sonde.engine.execution.compiled import Compiled
from sonde.engine.precision import Decided
from sonde.engine.step import Stepper
from sonde.run import computing, train

QUIET: dict[str, Any] = {"threads": 1, "quiet": True, "device": "cpu", "loss": mse_loss, "batch_size": 64}
DATA = (torch.linspace(-1, 1, 64).unsqueeze(1), torch.linspace(-1, 1, 64).unsqueeze(1))


class Slow(nn.Linear):
    """A millisecond a row, whatever the precision."""

    def forward(self, input: Tensor) -> Tensor:
        time.sleep(1e-3 * len(input))
        return super().forward(input)


@pytest.mark.parametrize(("limit", "compared"), [("4s", False), ("60s", True)])
def test_precisions_are_compared_where_a_time_limit_has_room_for_it(
    limit: str, compared: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Comparing costs some 0.2 s, far more than 2 % of 4 s, and far less than 2 % of a minute."""
    looks: list[int] = []
    for name in ("first_trial", "second_trial"):
        look = getattr(computing, name)
        monkeypatch.setattr(
            computing, name, lambda *given, look=look, **more: looks.append(len(given[2])) or look(*given, **more)
        )
    run = sonde.fit(Slow(1, 1), DATA, out=tmp_path / "run", time_limit=limit, steps=2, precision="bf16", **QUIET)
    plan = read_json(run.folder / "plan.json")
    assert len(looks) == 1 + compared
    assert looks[0] <= 5  # rows, a sixteenth of a batch
    assert (plan["precision"], plan["precision_ratio"] is not None) == ("bf16", compared)
    assert run.result["steps"] == 2


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_steps_are_compiled_for_what_was_decided(
    precision: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the plan gives up what was asked for; the run that goes on is compiled for the same."""
    monkeypatch.setattr("sonde.run.compiling.why_not", lambda device: "")
    monkeypatch.setattr(torch, "compile", lambda function: function)
    monkeypatch.setattr(computing, "first_trial", lambda *_, **__: Decided(precision=precision, why="tried"))
    made: list[Stepper] = []
    plan = train.make_plan

    def planned(*given: Any, **more: Any) -> Any:
        found = plan(*given, **more)
        made.append(found[1])
        return found

    monkeypatch.setattr(train, "make_plan", planned)
    given = {**QUIET, "precision": "bf16", "compile": True, "out": tmp_path / "run", "schedule": "constant"}
    for steps in (2, 4):
        run = sonde.fit(nn.Linear(1, 1), DATA, steps=steps, **given)
        execution = made[-1].execution
        assert isinstance(execution, Compiled)
        assert made[-1].settings.precision == execution.eager.settings.precision == precision
        saved = read_json(run.folder / "plan.json")
        assert (saved["precision"], saved["precision_why"]) == (precision, "tried")
    assert len(made) == 2
