"""Compiled steps compute what eager ones do, leave modules as they are, and go on eagerly where torch.compile cannot."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from sample_tasks import CPU, Adversarial, MaskedTokens, Supervised, batch, blobs, mlp, stepper
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.seams import Loss, Task
from sonde.engine.execution.compiled import Compiled, cxx_compiler, why_not
from sonde.engine.step import Eager, Stepper
from sonde.engine.timing import time_threads, untouched

pytestmark = pytest.mark.filterwarnings("default")  # torch's compiler warns of its own use of deprecated parts


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What torch.compile captures from now on; a backend that makes no code, since that takes seconds."""
    found: list[Any] = []
    real = torch.compile

    def backend(graph: Any, _: Any) -> Any:
        found.append(graph)
        return graph.forward

    monkeypatch.setattr(torch, "compile", lambda call: real(call, backend=backend))
    return found


def compiled(task: Task, **more: Any) -> Stepper:
    steps = stepper(task, **more)
    steps.execution = Compiled(task.phases, Eager(steps.settings))
    return steps


def normed() -> Supervised:
    torch.manual_seed(0)
    return Supervised(nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3)))


def gan() -> Adversarial:
    torch.manual_seed(0)
    task = Adversarial(mlp(4, 8, 2), mlp(2, 8, 1), 4, generator_every=2)
    task.fake = lambda rows: task.generator(torch.ones(rows, 4))  # type: ignore[method-assign]
    return task


def tokens() -> MaskedTokens:
    torch.manual_seed(0)
    return MaskedTokens(nn.Sequential(nn.Embedding(11, 8), nn.Linear(8, 11)))


def padded(rows: int, length: int) -> Batch:
    token = torch.randint(0, 11, (rows, length))
    return batch(token=token, target=token.roll(-1, 1), mask=(torch.rand(rows, length) > 0.3).float())


@pytest.mark.parametrize("accumulate", [1, 3])
@pytest.mark.parametrize("make", [normed, gan])
def test_a_compiled_step_computes_what_an_eager_one_does(
    make: Callable[[], Task], accumulate: int, graphs: list[Any]
) -> None:
    ends = []
    for wrap in (stepper, compiled):
        task = make()
        steps = wrap(task, accumulate=accumulate, clip=0.5)
        records = [steps(batch(**blobs(20, seed=number)), step=number, epoch=0) for number in (1, 2, 3, 4)]
        ends.append((task.modules.state_dict(), records))
    assert graphs
    (eager, told), (fast, told_fast) = ends
    assert list(fast) == list(eager)
    for name, value in eager.items():
        torch.testing.assert_close(fast[name], value)
    for record, other in zip(told, told_fast, strict=True):
        assert list(other.losses) == list(record.losses)
        for name, value in record.losses.items():
            torch.testing.assert_close(other.losses[name], value)


def test_modules_are_left_as_they_are(graphs: list[Any]) -> None:
    task = normed()
    model = task.modules["model"]
    before, known = list(task.modules.state_dict()), set(vars(model))
    calls: list[int] = []
    model.register_forward_hook(lambda *_: calls.append(1))
    steps = compiled(task)
    steps(batch(**blobs(16)), step=1, epoch=0)
    assert len(graphs) == 1
    assert list(task.modules.state_dict()) == before
    assert set(vars(model)) == known
    called = len(calls)
    with torch.no_grad():
        model.eval()(torch.zeros(2, 2))
    assert len(calls) == called + 1
    assert len(graphs) == 1


def test_other_numbers_of_rows_need_no_other_code(graphs: list[Any]) -> None:
    steps = compiled(normed())
    for number, rows in enumerate((64, 64, 17, 33, 5), start=1):
        record = steps(batch(**blobs(rows)), step=number, epoch=0)
        assert record.rows == rows
    assert len(graphs) == 1


def test_padded_sequences_of_any_length_are_compiled_twice_at_most(graphs: list[Any]) -> None:
    steps = compiled(tokens())
    for number, (rows, length) in enumerate(((6, 5), (6, 9), (4, 7), (5, 12), (6, 30)), start=1):
        steps(padded(rows, length), step=number, epoch=0)
    assert len(graphs) == 2


def test_what_cannot_be_captured_runs_eagerly_in_between(graphs: list[Any]) -> None:
    class Printing(Supervised):
        def loss(self, batch: Batch) -> Loss:
            logits = self.modules["model"](batch["input"])
            torch._dynamo.graph_break()
            return Loss(nn.functional.cross_entropy(logits.exp().log(), batch["target"]), len(batch))

    torch.manual_seed(0)
    task = Printing(mlp(2, 8, 3))
    steps = compiled(task)
    records = [steps(batch(**blobs(16)), step=number, epoch=0) for number in (1, 2)]
    assert float(records[1].losses["model/loss"]) < float(records[0].losses["model/loss"])
    assert len(graphs) >= 2
    assert isinstance(steps.execution, Compiled)
    assert steps.execution.trouble == ""


def test_where_compiling_fails_the_step_is_an_eager_one(monkeypatch: pytest.MonkeyPatch) -> None:
    real = torch.compile

    def backend(graph: Any, _: Any) -> Any:
        raise ZeroDivisionError("no code for this")

    monkeypatch.setattr(torch, "compile", lambda call: real(call, backend=backend))
    expected = stepper(normed())(batch(**blobs(16)), step=1, epoch=0)
    steps = compiled(normed())
    record = steps(batch(**blobs(16)), step=1, epoch=0)
    assert torch.equal(record.losses["model/loss"], expected.losses["model/loss"])
    assert isinstance(steps.execution, Compiled)
    assert "no code for this" in steps.execution.trouble
    assert "\n" not in steps.execution.trouble


def test_a_mistake_in_the_loss_comes_as_itself(graphs: list[Any]) -> None:
    class Wrong(Supervised):
        def loss(self, batch: Batch) -> Loss:
            return Loss(self.modules["model"](batch["absent"]).sum(), len(batch))

    with pytest.raises(KeyError, match="batch has no field 'absent'"):
        compiled(Wrong(mlp(2, 3)))(batch(**blobs(4)), step=1, epoch=0)


def test_more_runs_than_torch_keeps_code_for_are_all_compiled(graphs: list[Any]) -> None:
    """torch keeps eight pieces of code for a function; each run's phase has a function of its own."""
    for _ in range(10):
        compiled(normed())(batch(**blobs(8)), step=1, epoch=0)
    assert len(graphs) == 10


def test_numbers_of_threads_are_compared_by_eager_steps(graphs: list[Any]) -> None:
    steps = compiled(normed())
    execution = steps.execution
    assert set(time_threads(steps, batch(**blobs(16)), [1], budget_s=0.01)) == {1}
    assert graphs == []
    assert steps.execution is execution


def test_steps_that_are_undone_leave_the_compiled_code(graphs: list[Any]) -> None:
    task = normed()
    steps = compiled(task)
    before = {name: value.clone() for name, value in task.modules.state_dict().items()}
    with untouched(steps):
        steps(batch(**blobs(16)), step=1, epoch=0)
    assert all(torch.equal(value, before[name]) for name, value in task.modules.state_dict().items())
    steps(batch(**blobs(16)), step=1, epoch=0)
    assert len(graphs) == 1


def test_the_compiler_is_the_one_named_else_one_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    assert cxx_compiler() is None
    for name in ("clang++", "g++", "mine++"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
        if name != "mine++":
            assert cxx_compiler() == str(tmp_path / name)
    monkeypatch.setenv("CXX", "mine++")
    assert cxx_compiler() == str(tmp_path / "mine++")
    monkeypatch.setenv("CXX", "absent++")
    assert cxx_compiler() == str(tmp_path / "g++")


def test_without_a_compiler_a_cpu_cannot_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    assert "neither g++ nor clang++ is installed" in why_not(CPU)
    assert why_not(torch.device("cuda")) == ""


def value_of(x: Tensor) -> float:
    return float(x.detach())


@pytest.mark.slow
@pytest.mark.skipif(cxx_compiler() is None, reason="needs a C++ compiler")
def test_real_code_computes_what_eager_steps_do() -> None:
    ends = []
    for wrap in (stepper, compiled):
        task = normed()
        steps = wrap(task, optimizer=torch.optim.SGD)
        losses = [
            value_of(steps(batch(**blobs(rows, seed=rows)), step=number, epoch=0).losses["model/loss"])
            for number, rows in enumerate((32, 17, 32, 2), start=1)
        ]
        ends.append((losses, task.modules.state_dict()))
    assert isinstance(steps.execution, Compiled)
    assert steps.execution.trouble == ""
    assert ends[0][0] == pytest.approx(ends[1][0], rel=1e-5)
    for name, value in ends[0][1].items():
        torch.testing.assert_close(ends[1][1][name], value, rtol=1e-4, atol=1e-5)
