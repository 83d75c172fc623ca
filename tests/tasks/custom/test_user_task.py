"""A task of one's own from the small base: its defaults, its state, and what it refuses."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import sonde
from sonde.core.errors import ConfigError, Interrupted

X = torch.linspace(-1, 1, 64)[:, None]
QUIET: dict[str, Any] = {"quiet": True, "threads": 1}


class Line(sonde.Task):
    def __init__(self) -> None:
        torch.manual_seed(0)
        self.net = nn.Linear(1, 1)

    def loss(self, batch: sonde.Batch) -> Any:
        return (self.net(batch["input"]) - batch["target"]).square().mean()


class Derivative(Line):
    """Trained on the slope of its output: u' = 3."""

    def loss(self, batch: sonde.Batch) -> Any:
        x = batch["input"].requires_grad_()
        (slope,) = torch.autograd.grad(self.net(x).sum(), x, create_graph=True)
        return {"loss": (slope - 3).square().mean(), "slope": slope.mean()}


class Counting(Line):
    """Holds state of every kind that a checkpoint can keep."""

    def __init__(self, stop: int = 0) -> None:
        super().__init__()
        self.bank, self.seen, self.history = torch.zeros(3), 0, [1.0]
        self._stop = stop

    def loss(self, batch: sonde.Batch) -> Any:
        if self.training:
            self.seen += len(batch)
            self.bank = torch.cat([batch["input"].mean(0), self.bank])[:3]
            self.history = [*self.history[-2:], float(batch["input"][0])]
        return super().loss(batch)

    def after_step(self, record: sonde.core.records.StepRecord) -> None:
        if self._stop == record.step:
            raise Interrupted("stop", signal_number=2)


def test_a_loss_is_enough(tmp_path: Path) -> None:
    run = sonde.fit(Line(), (X, 2 * X + 1), validation=(X, 2 * X + 1), epochs=60, lr=0.1, out=tmp_path / "r", **QUIET)
    assert run.result["objective"] == {"metric": "loss", "mode": "min"}
    net = run.task.modules["net"]
    assert net.weight.item() == pytest.approx(2, abs=0.02)  # type: ignore[arg-type]
    assert run.predict(X[:2])[0]["output"] == pytest.approx([-1.0], abs=0.05)
    assert not run.task.modules.training


def test_it_trains_as_a_plain_loop_does(tmp_path: Path) -> None:
    run = sonde.fit(Line(), (X, 2 * X), epochs=5, batch_size=64, optimizer="sgd", lr=0.1, out=tmp_path / "r", **QUIET)
    torch.manual_seed(0)
    net = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(5):
        optimizer.zero_grad()
        (net(X) - 2 * X).square().mean().backward()
        optimizer.step()
    assert run.task.modules["net"].weight.item() == pytest.approx(net.weight.item(), rel=1e-5)  # type: ignore[arg-type]


def test_derivatives_by_the_input_are_taken_in_evaluation_too(tmp_path: Path) -> None:
    run = sonde.fit(Derivative(), X, validation=X, epochs=80, lr=0.1, out=tmp_path / "r", **QUIET)
    assert run.metrics["slope"] == pytest.approx(3, abs=0.02)
    assert run.metrics["loss"] == pytest.approx((run.metrics["slope"] - 3) ** 2, abs=1e-5)


def test_the_state_resumes_exactly(tmp_path: Path) -> None:
    data = (X, 2 * X)
    whole = Counting()
    sonde.fit(whole, data, epochs=4, batch_size=16, out=tmp_path / "whole", **QUIET)
    with pytest.raises(Interrupted):
        sonde.fit(Counting(6), data, epochs=4, batch_size=16, checkpoint_every="1 step", out=tmp_path / "r", **QUIET)
    again = Counting()
    sonde.fit(again, data, epochs=4, batch_size=16, checkpoint_every="1 step", out=tmp_path / "r", **QUIET)
    assert again.seen == whole.seen == 4 * 64
    assert again.history == whole.history
    assert torch.equal(again.bank, whole.bank)
    assert torch.equal(again.net.weight, whole.net.weight)


def test_single_parameters_are_trained(tmp_path: Path) -> None:
    class Scale(sonde.Task):
        def __init__(self) -> None:
            self.factor = nn.Parameter(torch.zeros(1))

        def loss(self, batch: sonde.Batch) -> Any:
            return (self.factor * batch["input"] - batch["target"]).square().mean()

    task = Scale()
    sonde.fit(task, (X, 4 * X), epochs=100, lr=0.1, out=tmp_path / "r", **QUIET)
    assert task.factor.item() == pytest.approx(4, abs=0.05)


def test_several_phases_have_no_objective_of_their_own(tmp_path: Path) -> None:
    class Two(sonde.Task):
        def __init__(self) -> None:
            self.a, self.b = nn.Linear(1, 1), nn.Linear(1, 1)
            self.phases = [
                sonde.Phase(name="a", loss=lambda batch: self.a(batch["input"]).square().mean(), trains=[self.a]),
                sonde.Phase(name="b", loss=lambda batch: (self.b(batch["input"]) - 1).square().mean(), trains=[self.b]),
            ]

    run = sonde.fit(Two(), X, validation=X, epochs=2, out=tmp_path / "r", **QUIET)
    assert run.result["objective"] is None
    assert run.result["best"]["step"] == run.result["steps"]
    assert set(run.metrics) == {"a loss", "b loss"}
    with pytest.raises(ConfigError, match=r"patience=3 has no effect: the task has no objective"):
        sonde.fit(Two(), X, validation=X, epochs=9, patience=3, out=tmp_path / "p", **QUIET)
    with pytest.raises(ConfigError, match=r"write predict\(batch\)"):
        run.predict(X)


class Leaky(Counting):
    def loss(self, batch: sonde.Batch) -> Any:
        self.bank[0] += 1
        return Line.loss(self, batch)


class Nothing(sonde.Task):
    def __init__(self) -> None:
        self.net = nn.Linear(1, 1)


class Hidden(Line):
    def __init__(self) -> None:
        self.layers = [nn.Linear(1, 1)]


class Wrong(Line):
    objective = "loss"  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("task", "says"),
    [
        (
            Leaky,
            r"the loss of phase 'model' changes self\.bank, also where it is evaluated; change it only `if self\.training:`",
        ),
        (Nothing, r"Nothing needs a method loss\(batch\) that returns a scalar"),
        (Hidden, r"self\.layers is a list that holds networks.*nn\.ModuleList"),
        (Wrong, r"Wrong\.objective is 'loss'; make it sonde\.Objective\(metric, 'max' or 'min'\)"),
    ],
)
def test_what_cannot_be_meant_is_one_line(task: type[sonde.Task], says: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=says) as refusal:
        sonde.fit(task(), (X, X), validation=(X, X), epochs=1, out=tmp_path / "r", **QUIET)
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "r").exists()
