"""What a run had: written down as it is; compiling where that is possible, and said where it is not."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import sonde
from sonde.core.files import read_json
from sonde.engine.json_lines import read_lines
from sonde.run import environment
from sonde.run.environment import compiled, describe

CPU = torch.device("cpu")
QUIET: dict[str, Any] = {"threads": 1, "quiet": True, "epochs": 1, "model": "mlp", "hidden": (8,)}


class Counting(nn.Module):
    """Counts how often its Python is run: compiled code runs without."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 2)
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return self.linear(x)


def test_the_machine_and_the_software_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["sonde", "train", "digits"])
    found = describe(CPU)
    assert found["torch"] == torch.__version__
    assert found["sonde"] == sonde.__version__
    assert found["device"] == "cpu"
    assert found["command"] == ["sonde", "train", "digits"]
    assert found["cores"] >= 1
    assert found["memory_bytes"] > 2**28
    assert isinstance(found["processor"], str)


def test_the_revision_of_the_users_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert describe(CPU)["git"] is None
    for words in ("init -q", "-c user.name=a -c user.email=a@b commit -q --allow-empty -m first"):
        subprocess.run(["git", *words.split()], check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    assert describe(CPU)["git"] == {"revision": head, "dirty": False}
    (tmp_path / "a.py").write_text("1\n")
    assert describe(CPU)["git"] == {"revision": head, "dirty": False}  # what git does not know does not count
    subprocess.run(["git", "add", "a.py"], check=True)
    assert describe(CPU)["git"] == {"revision": head, "dirty": True}


def test_without_git_there_is_no_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert describe(CPU)["git"] is None


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What torch.compile captures from now on; a backend that makes no code, since that takes seconds."""
    found: list[Any] = []
    real = torch.compile

    def backend(graph: Any, _: Any) -> Any:
        found.append(graph)
        return graph.forward

    monkeypatch.setattr(torch, "compile", lambda call: real(call, backend=backend))
    monkeypatch.setenv("CXX", "true")  # some program that exists
    return found


@pytest.mark.filterwarnings("default")  # torch's compiler warns of its own use of deprecated parts
def test_every_module_is_compiled_and_then_eager_again(graphs: list[Any]) -> None:
    """Also one whose forward is torch's own, which torch.compile passes over."""
    own, plain = Counting(), nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    x = torch.randn(4, 3)
    expected = own(x), plain(x)
    with compiled(nn.ModuleDict({"own": own, "plain": plain}), CPU) as found:
        assert found == []
        for module, value in zip((own, plain), expected, strict=True):
            before = len(graphs)
            torch.testing.assert_close(module(x), value)
            assert len(graphs) > before
    assert "forward" not in vars(own)
    before = len(graphs)
    plain(torch.randn(9, 3))
    assert len(graphs) == before


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("model", ["mlp", "compact-cnn"])
def test_a_run_is_trained_and_judged_compiled(model: str, graphs: list[Any], tmp_path: Path) -> None:
    settings = {"model": model, "threads": 1, "quiet": True, "steps": 3, "batch_size": 64}
    run = sonde.train("digits", out=tmp_path / "run", compile=True, **settings)
    assert len(graphs) >= 2  # training and evaluation
    plan = read_json(run.folder / "plan.json")
    assert plan["compile"] is True
    assert plan["lines"][0].endswith(", compiled")
    before = len(graphs)
    assert run.predict(torch.zeros(8, 8, dtype=torch.uint8))  # the run that comes back is eager
    assert len(graphs) == before


@pytest.mark.filterwarnings("default")
def test_a_forward_of_the_instances_own_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "compile", lambda call: lambda x: call(x) + 1)
    monkeypatch.setenv("CXX", "true")  # some program that exists
    module = nn.Linear(3, 2)
    module.forward = own = lambda x: x  # type: ignore[method-assign]

    def fail() -> None:
        with compiled(nn.ModuleDict({"model": module}), CPU):
            assert module(torch.zeros(1)) == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert module.forward is own


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.skipif(environment.cxx_compiler() is None, reason="needs a C++ compiler")
def test_a_compiled_run_computes_what_an_eager_one_does(tmp_path: Path) -> None:
    eager = sonde.train("digits", out=tmp_path / "eager", **QUIET)
    fast = sonde.train("digits", out=tmp_path / "compiled", compile=True, **QUIET)
    assert fast.metrics["loss"] == pytest.approx(eager.metrics["loss"], rel=1e-5)


def test_without_a_compiler_the_run_goes_on_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    run = sonde.train("digits", out=tmp_path / "run", compile=True, **{**QUIET, "quiet": False})
    assert run.result["status"] == "finished"
    assert read_json(run.folder / "plan.json")["compile"] is False
    text = capsys.readouterr().out
    assert "in memory already, eager" in text
    assert (
        "warning   not compiled: --compile needs a C++ compiler on a CPU, and neither g++ nor clang++ is installed; "
        in text
    )
    assert [found["check"] for found in read_lines(run.folder / "findings.jsonl")] == ["not compiled"]
