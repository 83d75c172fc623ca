"""A network of the caller's own, and a run that is rebuilt with its data, checked against finite differences."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import sonde
from sonde.cli.main import main
from sonde.core.errors import ConfigError, RunFolderError

NET = """import torch
from torch import nn


class Slope(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.tanh()

    @staticmethod
    def backward(ctx, grad):
        return grad


class Tanh(nn.Module):
    def forward(self, x):
        return Slope.apply(x)


class Net(nn.Module):
    def __init__(self, in_dim, out_dim):
        super().__init__()
        self.first, self.act, self.last = nn.Linear(in_dim, 16), Tanh(), nn.Linear(16, out_dim)

    def forward(self, x):
        return self.last(self.act(self.first(x.flatten(1))))
"""
QUIET: dict[str, Any] = {"threads": 1, "quiet": True, "steps": 2}


def test_a_network_and_its_loss_on_a_batch():
    torch.manual_seed(0)
    first = nn.Linear(4, 8)
    net, weight = nn.Sequential(first, nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3)), first.weight.clone()
    found = sonde.check_gradients(net, (torch.randn(20, 4), torch.randint(3, (20,))), F.cross_entropy, entries=3)
    assert found.agrees
    assert [each.name for each in found.tensors] == ["0.weight", "0.bias", "3.weight", "3.bias"]
    assert first.weight.dtype is torch.float32
    assert torch.equal(first.weight, weight)
    assert torch.get_default_dtype() is torch.float32


def test_each_phase_is_checked_with_its_own_loss():
    class Two(sonde.Task):
        def __init__(self) -> None:
            torch.manual_seed(0)
            self.modules = nn.ModuleDict({"a": nn.Linear(3, 3), "b": nn.Linear(3, 1)})
            self.phases = [
                sonde.Phase(name="a", loss=self.low, trains=[self.modules["a"]]),
                sonde.Phase(name="b", loss=self.high, trains=[self.modules["b"]]),
            ]

        def low(self, batch: Any) -> Any:
            return self.modules["b"](self.modules["a"](batch["input"]).tanh()).square().mean()

        def high(self, batch: Any) -> Any:
            return -self.modules["b"](self.modules["a"](batch["input"]).tanh()).square().mean()

    found = sonde.check_gradients(Two(), {"input": torch.randn(8, 3)})
    assert found.agrees
    assert [each.name for each in found.tensors] == ["a.weight", "a.bias", "b.weight", "b.bias"]


def test_what_float64_cannot_be_mixed_with_is_told_in_one_line():
    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 3)

        def forward(self, x: Any) -> Any:
            return self.layer(x) @ torch.ones(3, 3, dtype=torch.float32)

    with pytest.raises(ConfigError, match="cannot be computed in float64 .* make what it creates of its input's dtype"):
        sonde.check_gradients(Fixed(), (torch.randn(4, 4), torch.randint(3, (4,))), F.cross_entropy)


def test_settings_below_one_are_refused():
    with pytest.raises(ConfigError, match="entries=0: at least 1 is needed"):
        sonde.check_gradients(nn.Linear(1, 1), (torch.ones(2, 1), torch.ones(2, 1)), F.mse_loss, entries=0)


def test_a_run_of_our_own_network_agrees(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run = str(sonde.train("digits", model="mlp", hidden=(8,), out=str(tmp_path / "run"), **QUIET).folder)
    assert main(["check", run, "--gradients", "--entries", "3", "--rows", "4"]) == 0
    out = capsys.readouterr().out
    assert "back-propagation agrees with finite differences in all 4 tensors (12 of 610 weights compared" in out
    assert max(map(len, out.partition("\n\n")[0].splitlines())) <= 80


def test_a_wrong_function_in_a_file_is_named_and_a_strangers_file_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "net.py").write_text(NET)
    run = str(sonde.train("digits", model=f"{tmp_path / 'net.py'}:Net", out=str(tmp_path / "run"), **QUIET).folder)
    words = ["check", run, "--gradients", "--entries", "3", "--rows", "4"]
    assert main(words) == 1
    assert "the backward pass of act (Tanh) is wrong" in capsys.readouterr().out
    shutil.rmtree(tmp_path / "state")
    (tmp_path / "net.py").unlink()
    assert main(words) == 2
    assert "was not named on this machine" in capsys.readouterr().err
    assert main([*words, "--trust-code"]) == 1


def test_what_to_check_must_be_said_and_a_programs_run_is_checked_there(tmp_path: Path):
    rows = (torch.randn(20, 4), torch.randint(3, (20,)))
    run = sonde.fit(nn.Linear(4, 3), rows, loss=F.cross_entropy, out=str(tmp_path / "own"), **QUIET).folder
    from sonde.core.run_folder import open_run
    from sonde.run.gradient_check import check_run

    with pytest.raises(ConfigError, match=r"check it there: sonde.check_gradients\(network, batch, loss\)"):
        check_run(open_run(run), trust_code=False)
    assert main(["check", str(run)]) == 2


def test_a_cross_validation_has_no_network_of_its_own(tmp_path: Path):
    from sonde.core.run_folder import open_run
    from sonde.run.gradient_check import check_run

    run = sonde.train("digits", model="mlp", hidden=(8,), folds=2, out=str(tmp_path / "run"), **QUIET).folder
    with pytest.raises(RunFolderError, match="check one of its folds"):
        check_run(open_run(run), trust_code=False)
