"""NaN in an evaluation of somebody's own network is an error, and the run folder keeps what was good."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import sonde
from sonde.core.errors import NonFinite
from sonde.core.run_folder import RunFolder
from sonde.tasks.custom.finite import FiniteEvaluation, nan_rows

X = torch.linspace(-1, 1, 80).reshape(20, 4)
Y = (X.sum(1) > 0).long()


class Breaks(nn.Module):
    """Answers NaN for row 3 in evaluation mode, from the evaluation number `good` + 1 on."""

    def __init__(self, good: int, value: float = float("nan")) -> None:
        super().__init__()
        self.layer, self.left, self.value = nn.Linear(4, 2), good, value

    def forward(self, x: Tensor) -> Tensor:
        found = self.layer(x)
        if not self.training and len(x) == 20:
            self.left -= 1
            if self.left < 0:
                found = found.clone()
                found[3:] = self.value
        return found


def fitted(network: nn.Module, out: Path, loss: Any = nn.functional.cross_entropy, **more: Any) -> sonde.Run:
    options: dict[str, Any] = {"epochs": 4, "batch_size": 10, "threads": 1, "quiet": True} | more
    return sonde.fit(network, (X, Y), validation=(X, Y), loss=loss, out=str(out), **options)


def test_rows_of_an_output_with_nan_are_told_and_infinities_are_left() -> None:
    output = torch.tensor([[0.0, 1.0], [float("nan"), 1.0], [float("-inf"), 0.0]])
    bad = nan_rows(output, 3)
    assert bad is not None
    assert bad.tolist() == [False, True, False]
    assert nan_rows(output, 2) is None
    assert nan_rows((output,), 3) is None
    assert nan_rows(torch.ones(3).long(), 3) is None
    one, other = FiniteEvaluation(), FiniteEvaluation()
    one.output(bad, torch.tensor([4, 9, 2]))
    other.loss("loss", 0.5, torch.tensor([0]))
    other.merge(one)
    with pytest.raises(NonFinite, match="the model's output is NaN \\(first at row 9 of the split\\)"):
        other.refuse()


@pytest.mark.parametrize("metrics", [None, {"accuracy": lambda logits, y: (logits.argmax(1) == y).float().mean()}])
def test_nan_from_the_third_evaluation_on_fails_and_keeps_the_second_s_checkpoint(tmp_path: Path, metrics: Any) -> None:
    # the trial before training is one call, so that two evaluations are good
    with pytest.raises(NonFinite) as refusal:
        fitted(Breaks(good=3), tmp_path / "run", metrics=metrics)
    said = str(refusal.value)
    assert said.startswith("step 6, evaluation on validation: the model's output is NaN (first at row 3); lower lr=")
    assert "\n" not in said
    assert said.endswith(f"last good checkpoint: {tmp_path / 'run' / 'checkpoints' / 'last'}")
    folder = RunFolder(tmp_path / "run")
    lines = [json.loads(line) for line in folder.findings.read_text().splitlines()]
    (found,) = [line for line in lines if line["severity"] == "error"]
    assert (found["severity"], found["step"]) == ("error", 6)
    assert "row 3" in found["evidence"]
    assert not folder.result.exists()
    done = [json.loads(line) for line in folder.metrics.read_text().splitlines()]
    assert [line["step"] for line in done if line["kind"] == "evaluation"] == [2, 4]
    state = json.loads((folder.checkpoints / "last" / "state.json").read_text().split("\n", 1)[1])
    assert state["state"]["progress"]["step"] <= 4


def test_a_loss_that_is_infinite_in_evaluation_is_named_with_its_batch(tmp_path: Path) -> None:
    def loss(output: Tensor, target: Tensor) -> Tensor:
        value = nn.functional.cross_entropy(output, target)
        return value if torch.is_grad_enabled() else value / 0

    with pytest.raises(
        NonFinite,
        match=r"step 2, evaluation on validation: the loss is inf \(first in the batch that begins with row 0\)",
    ):
        fitted(nn.Linear(4, 2), tmp_path / "run", loss)


def test_logits_of_minus_infinity_are_no_fault(tmp_path: Path) -> None:
    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x).masked_fill(torch.tensor([False, False, True]), float("-inf"))

    assert fitted(Masked(), tmp_path / "run").metrics["loss"] > 0


def test_a_metric_that_fails_on_nan_is_told_as_nan(tmp_path: Path) -> None:
    def strict(output: Tensor, target: Tensor) -> Tensor:
        if output.isnan().any():
            raise ValueError("Input contains NaN")
        return output.mean()

    with pytest.raises(NonFinite, match="the model's output is NaN"):
        fitted(Breaks(good=1), tmp_path / "run", metrics={"score": strict})


def test_a_metric_that_is_not_defined_stays_a_finding(tmp_path: Path) -> None:
    run = fitted(
        nn.Linear(4, 2), tmp_path / "run", metrics={"share": lambda output, target: torch.tensor(float("nan"))}
    )
    (found,) = [
        line
        for line in map(json.loads, (run.folder / "findings.jsonl").read_text().splitlines())
        if "finite" in line["check"]
    ]
    assert found["severity"] == "warning"
    assert "metric 'share'" in found["evidence"]


def test_a_task_of_one_s_own_whose_loss_is_nan_in_evaluation_fails(tmp_path: Path) -> None:
    class Own(sonde.Task):
        def __init__(self) -> None:
            self.net = nn.Linear(4, 2)

        def loss(self, batch: sonde.Batch) -> Tensor:
            value = nn.functional.cross_entropy(self.net(batch["input"]), batch["target"])
            return value if self.training else value * float("nan")

    with pytest.raises(NonFinite, match="step 2, evaluation on validation: the loss is nan"):
        sonde.fit(
            Own(), (X, Y), validation=(X, Y), out=str(tmp_path / "run"), epochs=2, batch_size=10, threads=1, quiet=True
        )
