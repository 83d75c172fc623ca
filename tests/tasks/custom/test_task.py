"""A module and a loss function of one's own, as a task."""

from typing import Any

import pytest
import torch
from sample_tasks import CPU, batch, stepper
from torch import Tensor, nn

from sonde.core.config import FeedConfig
from sonde.core.seams import Objective
from sonde.data.feed.tensors import tensor_source
from sonde.engine.evaluate import evaluate
from sonde.engine.execution.settings import StepSettings
from sonde.tasks.custom.task import MeanMeter, ModuleTask

MSE = nn.functional.mse_loss


def mae(output: Tensor, target: Tensor) -> Tensor:
    return (output - target).abs().mean()


def data(rows: int = 100) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(rows, 3, generator=generator)
    return {"input": x, "target": x @ torch.tensor([[1.0], [-2.0], [0.5]]) + 3}


def source(**fields: Tensor) -> Any:
    return tensor_source(fields, FeedConfig(batch_size=32), training=False, seed=0, device=CPU)


def judged(task: ModuleTask, fields: dict[str, Tensor]) -> dict[str, float]:
    return evaluate(task, source(**fields), StepSettings(device=CPU)).compute()


def test_scores_are_means_over_all_rows_though_the_last_batch_is_smaller() -> None:
    fields = data(70)  # 32 + 32 + 6
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    with torch.no_grad():
        output = model(fields["input"])
        expected = {"mae": float(mae(output, fields["target"])), "loss": float(MSE(output, fields["target"]))}
    assert judged(ModuleTask(model, MSE, {"mae": mae}), fields) == pytest.approx(expected, rel=1e-6)


def test_the_first_metric_decides_else_the_loss() -> None:
    model = nn.Linear(3, 1)
    assert ModuleTask(model, MSE).objective == Objective("loss", "min")
    assert ModuleTask(model, MSE, {"r2": mae, "mae": mae}).objective == Objective("r2", "max")


def test_a_metric_may_return_a_plain_number() -> None:
    assert judged(ModuleTask(nn.Linear(3, 1), MSE, {"one": lambda output, target: 1.0}), data())["one"] == 1.0  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize("pieces", [1, 3, 7])
def test_it_learns_what_least_squares_finds(pieces: int) -> None:
    torch.manual_seed(0)
    task, fields = ModuleTask(nn.Linear(3, 1), MSE), data()
    steps = stepper(task, accumulate=pieces, optimizer=torch.optim.SGD, lr=0.2)
    for number in range(1, 61):
        steps(batch(**fields), step=number, epoch=0)
    whole = torch.cat([fields["input"], torch.ones(100, 1)], 1)
    exact = torch.linalg.lstsq(whole, fields["target"]).solution.flatten()
    found = torch.cat([p.detach().flatten() for p in task.modules.parameters()])
    torch.testing.assert_close(found, exact, atol=1e-4, rtol=0)


def test_predictions_are_the_modules_own() -> None:
    model = nn.Linear(3, 2)
    task = ModuleTask(model, MSE)
    x = torch.randn(4, 3)
    outputs = task.predict(batch(input=x))
    assert torch.equal(outputs["output"], model(x))
    assert task.format_predictions(outputs) == [{"output": row} for row in model(x).tolist()]


def test_meters_of_two_processes_merge_into_one() -> None:
    values, index = torch.rand(10), torch.arange(10)
    whole, left, right = MeanMeter(), MeanMeter(), MeanMeter()
    for place, rows in ((0, 4), (4, 3), (7, 3)):
        piece = {"loss": values[place : place + rows].mean()}
        whole.update(piece, index[place : place + rows])
        (left if place < 5 else right).update(piece, index[place : place + rows])
    left.merge(right)
    assert left.compute() == pytest.approx(whole.compute())
    assert whole.compute()["loss"] == pytest.approx(float(values.mean()))
    empty = MeanMeter()
    empty.merge(whole)
    assert empty.compute() == whole.compute()


def test_means_of_very_many_rows_keep_their_digits() -> None:
    """float32 would stop counting at 16,777,216 rows."""
    meter = MeanMeter()
    for _ in range(200):
        meter.update({"loss": torch.tensor(0.1)}, torch.empty(1_000_000, dtype=torch.int8))
    assert meter.compute()["loss"] == pytest.approx(0.1, rel=1e-7)
