"""Ordinary mistakes in a task of one's own are one line, said before the first step."""

import warnings
from pathlib import Path
from typing import Any

import pytest
import sample_tasks
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import sonde
from sonde.core.errors import ConfigError


class Base(sonde.Task):
    def __init__(self) -> None:
        self.net = nn.Linear(2, 3)

    def loss(self, batch: sonde.Batch) -> Tensor:
        return cross_entropy(self.net(batch["input"]), batch["target"])


def with_members(**members: Any) -> sonde.Task:
    return type("Mine", (Base,), members)()


def with_phase(**settings: Any) -> sonde.Task:
    task = Base()
    given = {name: value(task) if name == "trains" and callable(value) else value for name, value in settings.items()}
    task.phases = [sonde.Phase(**{"name": "p", "loss": task.loss, "trains": [task.net], **given})]
    return task


class Meter:
    def update(self, outputs: Any, index: Tensor) -> None: ...
    def compute(self) -> dict[str, float]:
        return {"loss": 1.0}


def single_phase() -> sonde.Task:
    task = Base()
    task.phases = sonde.Phase(name="p", loss=task.loss, trains=[task.net])  # type: ignore[assignment]
    return task


def fit(task: Any, out: Path, **more: Any) -> sonde.Run:
    data = sample_tasks.blobs(64)
    return sonde.fit(task, data, validation=data, epochs=1, threads=1, quiet=True, out=str(out), **more)


MISTAKES: dict[str, tuple[Any, str]] = {
    "no key loss": (
        lambda: with_members(loss=lambda self, batch: {"ce": Base.loss(self, batch)}),
        r"phase 'model': the loss is a dict of 'ce'; it must be a scalar tensor, .* or a dict with \"loss\"",
    ),
    "no loss": (lambda: with_members(loss=lambda self, batch: None), "phase 'model': the loss is None; it must be"),
    "rows": (
        lambda: with_members(loss=lambda self, batch: self.net(batch["input"])),
        r"the loss is a tensor of shape \(64, 3\); it must be a scalar",
    ),
    "every": (lambda: with_phase(every=0), "phase 'p': every is a number of steps from 1, got 0"),
    "names": (lambda: with_phase(trains=["net"]), r"phase 'p' trains 'net'; give a list .* trains=\[self\.net\]"),
    "name": (lambda: with_phase(trains="net"), r"phase 'p' trains 'net'; give a list of networks"),
    "named": (lambda: with_phase(trains=lambda task: task.net.named_parameters()), "phase 'p' trains a tuple; give"),
    "phase": (single_phase, r"Base\.phases is a single Phase; make it a list: \[sonde\.Phase\(…\)\]"),
    "dict": (lambda: with_members(phases=[{"loss": 1}]), r"Mine\.phases holds a dict; make it sonde\.Phase"),
    "nothing": (lambda: with_members(phases=[]), r"Mine\.phases is empty; give at least one sonde\.Phase"),
    "evaluate": (lambda: with_members(evaluate=lambda self, batch: None), r"evaluate\(batch\) returned None; it must"),
    "number": (lambda: with_members(evaluate=lambda self, batch: 1.0), r"evaluate\(batch\) returned a float; it must"),
    "after": (lambda: with_members(after_step=lambda self: None), r"write it as after_step\(self, record\)"),
    "meter": (
        lambda: with_members(meter=lambda self: object()),
        r"meter\(\) gives an? object without update and compute",
    ),
    "half": (lambda: with_members(meter=lambda self: Meter()), r"meter\(\) gives a Meter without details; see"),
    "field": (
        lambda: with_members(loss=lambda self, batch: self.net(batch["inputs"]).mean()),
        r"batch has no field 'inputs'; it has \['input', 'target'\]; did you mean 'input'\?",
    ),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_is_one_line_and_leaves_no_folder(tmp_path: Path, what: str) -> None:
    make, said = MISTAKES[what]
    with pytest.raises(ConfigError, match=said) as told:
        fit(make(), tmp_path / "run")
    assert "\n" not in str(told.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("module", [nn.ModuleList([nn.Linear(2, 3)]), type("Net", (nn.Module,), {})()])
def test_a_network_without_forward_is_one_line(tmp_path: Path, module: nn.Module) -> None:
    with pytest.raises(ConfigError, match=r"has no forward\(…\) and cannot be called"):
        fit(module, tmp_path / "run", loss=cross_entropy)


def test_what_parameters_gives_is_trained_as_the_network(tmp_path: Path) -> None:
    trained = []
    for number, trains in enumerate(
        (lambda task: [task.net], lambda task: task.net.parameters(), lambda task: task.net, lambda task: (task.net,))
    ):
        torch.manual_seed(0)
        task: Any = with_phase(trains=trains)
        fit(task, tmp_path / str(number))
        trained.append(task.net.weight.detach())
    assert all(torch.equal(each, trained[0]) for each in trained)


def test_a_missing_field_is_still_a_key_error() -> None:
    batch = sonde.Batch({"a": torch.ones(2)}, torch.arange(2))
    with pytest.raises(KeyError, match="^batch has no field 'b'"):
        batch["b"]


def test_a_refused_broadcast_comes_without_torchs_own_warning(tmp_path: Path) -> None:
    x = torch.randn(64, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ConfigError, match=r"compares outputs \(64, 1\) with targets \(64,\)"):
            sonde.fit(nn.Linear(2, 1), (x, x[:, 0]), loss=nn.MSELoss(), epochs=1, threads=1, out=str(tmp_path / "run"))


def test_a_metric_of_all_rows_keeps_all_its_digits(tmp_path: Path) -> None:
    """A plain number of Python's has 53 bits, of which float32 keeps 24."""
    value = 0.80578926282
    metrics = {"auc": sonde.Metric(lambda output, target: value, whole=True, higher_is_better=True)}
    run = fit(nn.Linear(2, 3), tmp_path / "run", loss=cross_entropy, metrics=metrics)
    assert run.metrics["auc"] == value
    assert run.result["best"]["value"] == value


def test_a_run_loaded_without_its_loss_says_so(tmp_path: Path) -> None:
    x = torch.randn(64, 2)
    data = {"features": x, "price": x[:, :1]}

    def loss(output: Tensor, price: Tensor) -> Tensor:
        return (output - price).square().mean()

    net = nn.Linear(2, 1)
    run = sonde.fit(net, data, loss=loss, epochs=1, threads=1, quiet=True, out=str(tmp_path / "run"))
    opened = sonde.load(run.folder, model=nn.Linear(2, 1))
    with pytest.raises(ConfigError, match=r"^this run was loaded without its loss; give sonde\.load\(folder, model=…"):
        opened.evaluate(data)
    mended = sonde.load(run.folder, model=nn.Linear(2, 1), loss=loss)
    expected = loss(net(x), data["price"]).item()
    assert mended.evaluate(data)["loss"] == pytest.approx(expected, rel=1e-6)
