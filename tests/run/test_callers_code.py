"""`fit` in a folder whose run was made by other code."""

import os
import re
import signal
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sample_tasks
import torch
from other_findings import other_findings
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import sonde
from sonde.core.errors import Interrupted, RunFolderError
from sonde.core.files import read_json, write_json
from sonde.engine.step import Stepper
from sonde.run.callers_code import changes, code_of

QUIET: dict[str, Any] = {"threads": 1, "quiet": True, "epochs": 2, "batch_size": 16}


def accuracy(output: Tensor, target: Tensor) -> Tensor:
    return (output.argmax(1) == target).float().mean()


def smoothed(share: float) -> Callable[[Tensor, Tensor], Tensor]:
    def loss(output: Tensor, target: Tensor) -> Tensor:
        return cross_entropy(output, target, label_smoothing=share)

    return loss


class Net(nn.Module):
    def __init__(self, act: type[nn.Module] = nn.Tanh, power: int = 1) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 8), act(), nn.Linear(8, 3))
        self.power, self.calls = power, 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return self.layers(x) ** self.power


def fit(out: Path, **more: Any) -> sonde.Run:
    torch.manual_seed(0)
    given = {"net": Net(), "loss": smoothed(0.1), "metrics": {"accuracy": accuracy}, **QUIET, **more}
    data = sample_tasks.blobs(64)
    return sonde.fit(given.pop("net"), data, validation=data, out=str(out), **given)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"loss": cross_entropy}, r"another loss \(loss then, cross_entropy now\)"),
        ({"loss": smoothed(0.2)}, r"another loss \(the code of loss, or a value it captures, has changed\)"),
        ({"net": Net(nn.ReLU)}, r"another network \(\(1\): Tanh\(\) then, \(1\): ReLU\(\) now\)"),
        ({"net": Net(power=2)}, r"another network \(the code of Net has changed\)"),
        ({"metrics": {"f1": accuracy}}, r"other metrics \(accuracy then, f1 now\)"),
        ({"metrics": {"accuracy": cross_entropy}}, r"another metric accuracy \(accuracy then, cross_entropy now\)"),
    ],
)
def test_a_finished_run_of_other_code_is_refused_in_one_line(tmp_path: Path, more: dict[str, Any], said: str) -> None:
    before = fit(tmp_path / "run").result
    with pytest.raises(
        RunFolderError, match=f"run holds a run of {said}; fresh=True starts over, or give another out=$"
    ):
        fit(tmp_path / "run", **more)
    assert read_json(tmp_path / "run" / "result.json") == before, "as it was"
    with pytest.raises(RunFolderError, match="holds a run of"):
        fit(tmp_path / "run", **{**more, "epochs": 4})
    fit(tmp_path / "run", **more, fresh=True)


def test_the_same_code_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where the network counts its calls, and a finished run is trained further."""
    fit(tmp_path / "run")
    net = Net()
    net(torch.zeros(1, 2))
    assert fit(tmp_path / "run", net=net).result["steps"] == 8
    assert fit(tmp_path / "run", epochs=3).result["steps"] == 12


def test_a_folder_of_an_earlier_version_is_as_before(tmp_path: Path) -> None:
    run = fit(tmp_path / "run")
    about = read_json(run.folder / "data.json")
    del about["code"]
    write_json(run.folder / "data.json", about)
    assert fit(tmp_path / "run", loss=cross_entropy).result["steps"] == 8


def test_bytecode_of_another_python_is_not_compared_but_names_are(tmp_path: Path) -> None:
    run = fit(tmp_path / "run")
    about = read_json(run.folder / "data.json")
    about["code"]["python"] = "3.0"
    write_json(run.folder / "data.json", about)
    fit(tmp_path / "run", loss=smoothed(0.2))
    with pytest.raises(RunFolderError, match="another loss"):
        fit(tmp_path / "run", loss=cross_entropy)


def test_an_unfinished_run_goes_on_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = Stepper.__call__

    def stopped(self: Stepper, batch: Any, *, step: int, epoch: int) -> Any:
        if step == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return real(self, batch, step=step, epoch=epoch)

    monkeypatch.setattr(Stepper, "__call__", stopped)
    with pytest.raises(Interrupted) as told:
        fit(tmp_path / "run")
    shown = [frame.name for frame in traceback.extract_tb(told.tb)]
    assert shown[-1] == "fit", "nothing of what lies between a program and a stop that was asked for"
    assert told.value.__suppress_context__
    monkeypatch.undo()
    run = fit(tmp_path / "run", loss=smoothed(0.2), quiet=False)
    (finding,) = other_findings(run.folder)
    assert [finding["check"], finding["severity"], finding["step"]] == ["code changed", "warning", 3]
    changed = "another loss (the code of loss, or a value it captures, has changed)"
    assert finding["evidence"].startswith(f"from here on {changed}; the steps before")
    assert changed in capsys.readouterr().out
    fit(tmp_path / "run", loss=smoothed(0.2))  # finished by this code
    with pytest.raises(RunFolderError, match="another loss"):
        fit(tmp_path / "run")


def test_a_task_is_known_by_its_class_and_settings(tmp_path: Path) -> None:
    class Scaled(sample_tasks.Supervised):
        def __init__(self, scale: float) -> None:
            super().__init__(nn.Linear(2, 3))
            self.scale = scale

    data = sample_tasks.blobs(64)
    sonde.fit(Scaled(1.0), data, out=str(tmp_path / "run"), **QUIET)
    sonde.fit(Scaled(1.0), data, out=str(tmp_path / "run"), **QUIET)
    with pytest.raises(RunFolderError, match=r"holds a run of another task \(the code of Scaled has changed\)"):
        sonde.fit(Scaled(2.0), data, out=str(tmp_path / "run"), **QUIET)


def test_weights_of_classes_in_a_loss_count(tmp_path: Path) -> None:
    fit(tmp_path / "run", loss=nn.CrossEntropyLoss(weight=torch.ones(3)))
    fit(tmp_path / "run", loss=nn.CrossEntropyLoss(weight=torch.ones(3)))
    with pytest.raises(RunFolderError, match="another loss"):
        fit(tmp_path / "run", loss=nn.CrossEntropyLoss(weight=torch.ones(3) * 2))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"loss": smoothed(0.2)}, r"another loss \(the code of loss, or a value it captures, has changed\)"),
        ({"loss": cross_entropy}, r"another loss \(loss then, cross_entropy now\)"),
        ({"metrics": {"f1": accuracy}}, r"other metrics \(hits then, f1 now\)"),
    ],
)
def test_a_shipped_task_with_code_of_the_callers_knows_it_again(
    tmp_path: Path, more: dict[str, Any], said: str
) -> None:
    def train(**more: Any) -> sonde.Run:
        own = {"loss": smoothed(0.1), "metrics": {"hits": accuracy}, **more}
        return sonde.train(
            "digits", model="perceptron", steps=2, threads=1, quiet=True, out=str(tmp_path / "run"), **own
        )

    train()
    train()  # holds this very run
    with pytest.raises(RunFolderError, match=said):
        train(**more)


class Alternating(sonde.Task):
    def __init__(self, **generator: Any) -> None:
        torch.manual_seed(0)
        self.critic, self.generator = nn.Linear(2, 1), nn.Linear(2, 2)
        self.phases = [
            sonde.Phase(name="critic", loss=self.critic_loss, trains=[self.critic]),
            sonde.Phase(**{"name": "generator", "loss": self.other, "trains": [self.generator], **generator}),
        ]

    def critic_loss(self, batch: sonde.Batch) -> Tensor:
        return self.critic(batch["input"]).square().mean()

    def other(self, batch: sonde.Batch) -> Tensor:
        return self.generator(batch["input"]).square().mean()


def constant(step: int) -> float:
    return 1.0


@pytest.mark.parametrize(
    ("then", "now", "said"),
    [
        ({"every": 2}, {"every": 1}, "every=2 then, every=1 now"),
        ({"optimizer": {"lr": 1e-3}}, {"optimizer": {"lr": 5e-2}}, r"optimizer={'lr': 0.001} then, .*0.05} now"),
        ({"clip": 10.0}, {"clip": 0.01}, "clip=10.0 then, clip=0.01 now"),
        ({"clip_value": 1.0}, {"clip_value": 0.5}, "clip_value=1.0 then, clip_value=0.5 now"),
        ({"schedule": "linear"}, {"schedule": "constant"}, "schedule='linear' then, schedule='constant' now"),
        ({"schedule": constant}, {"schedule": lambda step: 0.5}, "schedule=constant then, schedule=a lambda now"),
        ({"schedule": lambda step: 1.0}, {"schedule": lambda step: 0.5}, "the code of generator has changed"),
        ({"loss": lambda batch: batch["input"].sum() * 0}, {}, "the code of generator has changed"),
    ],
)
def test_another_setting_of_a_phase_is_named(
    tmp_path: Path, then: dict[str, Any], now: dict[str, Any], said: str
) -> None:
    code = [code_of(Alternating(**each)) for each in (then, now, then)]  # type: ignore[arg-type]
    (found,) = changes(code[0], code[1])
    assert re.fullmatch(rf"another phase generator \({said}\)", found)
    assert changes(code[0], code[2]) == []


def test_a_run_whose_phases_changed_is_refused_or_warned_of(tmp_path: Path) -> None:
    data = sample_tasks.blobs(64)
    given: dict[str, Any] = {**QUIET, "out": str(tmp_path / "run")}
    sonde.fit(Alternating(every=2), data, **given)
    given["epochs"] = 3
    sonde.fit(Alternating(every=2), data, **given)
    given["epochs"] = 4
    with pytest.raises(RunFolderError, match=r"a run of another phase generator \(every=2 then, every=1 now\)"):
        sonde.fit(Alternating(), data, **given)
