from typing import Any

import numpy as np
import pytest
import torch
from sample_heads import Headed, check_heads_are_not_judged, check_heads_take_part
from sample_tasks import stepper
from sklearn import metrics as sk
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Objective
from sonde.tasks.regression.config import LossName, RegressionConfig
from sonde.tasks.regression.task import Regression

TARGET = TargetSpec(kind="value", names=("price", "area"), mean=(100.0, -5.0), std=(20.0, 0.5))


class Members(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.members = nn.ModuleList(nn.Linear(4, 2) for _ in range(3))

    def forward(self, input: Tensor) -> Tensor:
        return torch.stack([member(input) for member in self.members], 1)


def rows(count: int = 30, **more: Tensor) -> Batch:
    generator = torch.Generator().manual_seed(0)
    fields = {name: torch.randn(count, width, generator=generator) for name, width in (("input", 4), ("target", 2))}
    return Batch({**fields, **more}, torch.arange(count))


def task(*, members: bool = False, monitor: str | None = None, **settings: Any) -> Regression:
    torch.manual_seed(0)
    return Regression(Members() if members else nn.Linear(4, 2), TARGET, RegressionConfig(**settings), monitor=monitor)


def judged(made: Regression, batch: Batch) -> Any:
    meter = made.meter()
    with torch.inference_mode():
        meter.update(made.evaluate(batch), batch.index)
    return meter


@pytest.mark.parametrize(
    ("loss", "function"),
    [("mse", nn.functional.mse_loss), ("mae", nn.functional.l1_loss), ("huber", nn.functional.huber_loss)],
)
def test_the_loss_is_torchs_mean_over_rows_and_targets(loss: LossName, function: Any) -> None:
    made, batch = task(loss=loss), rows()
    found = made.loss(batch)
    torch.testing.assert_close(found.value, function(made.modules["model"](batch["input"]), batch["target"]))
    assert found.weight == 30


def test_metrics_and_predictions_are_in_the_targets_own_units() -> None:
    made, batch = task(), rows()
    mean, std = torch.tensor(TARGET.mean), torch.tensor(TARGET.std)
    values = made.predict(batch)["values"].detach()
    torch.testing.assert_close(values, made.modules["model"](batch["input"]).detach() * std + mean)
    truth = batch["target"] * std + mean
    found = judged(made, batch).compute()
    assert found["rmse"] == pytest.approx(sk.root_mean_squared_error(truth, values), rel=1e-5)
    assert found["r2/area"] == pytest.approx(sk.r2_score(truth[:, 1], values[:, 1]), rel=1e-4)
    assert made.format_predictions({"values": torch.tensor([[12.5, -3.0]])}) == [{"price": 12.5, "area": -3.0}]


def test_an_ensemble_is_trained_by_member_and_judged_by_its_mean() -> None:
    made, batch = task(members=True), rows()
    outputs = made.modules["model"](batch["input"])
    expected = torch.stack([nn.functional.mse_loss(outputs[:, k], batch["target"]) for k in range(3)]).mean()
    torch.testing.assert_close(made.loss(batch).value, expected)
    torch.testing.assert_close(
        made.predict(batch)["values"], outputs.mean(1) * torch.tensor(TARGET.std) + torch.tensor(TARGET.mean)
    )


@pytest.mark.parametrize("members", [False, True])
def test_masked_pieces_give_the_gradient_of_the_whole(members: bool) -> None:
    mask = (torch.rand(30, 2, generator=torch.Generator().manual_seed(3)) < 0.5).float()
    batch = rows(mask=mask)
    gradients = []
    for pieces in (1, 3, 7):
        made = task(members=members)
        run = stepper(made, accumulate=pieces)
        optimizer, parameters = run.updates[0].optimizer, list(made.modules.parameters())
        run.execution.gradient(made.phases[0], optimizer, parameters, batch.split(pieces))
        gradients.append(torch.cat([p.grad.flatten() for p in made.modules.parameters() if p.grad is not None]))
    assert float(made.loss(batch).weight) == mask.sum()
    for other in gradients[1:]:
        torch.testing.assert_close(other, gradients[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize("loss", ["mse", "huber", "log-cosh"])
def test_real_rows_are_fitted_as_well_as_by_least_squares(loss: LossName) -> None:
    inputs, values = (np.asarray(part) for part in load_diabetes(return_X_y=True))
    reference = sk.r2_score(values, LinearRegression().fit(inputs, values).predict(inputs))
    spec = TargetSpec(kind="value", names=("progression",), mean=(float(values.mean()),), std=(float(values.std()),))
    made = Regression(nn.Linear(10, 1), spec, RegressionConfig(loss=loss))
    target = torch.tensor((values - values.mean()) / values.std()).float()[:, None]
    batch = Batch({"input": torch.tensor(inputs).float() * 20, "target": target}, torch.arange(len(values)))
    run = stepper(made, lr=0.05)
    for step in range(400):
        run(batch, step=step + 1, epoch=0)
    found = judged(made, batch).compute()
    assert reference - 0.01 < found["r2"] <= reference + 1e-3
    assert found.keys() == {"rmse", "mae", "r2", "pearson", "spearman", "loss"}


def test_what_is_monitored() -> None:
    assert task().objective == Objective("rmse", "min")
    assert task(monitor="r2").objective == Objective("r2", "max")
    assert task(monitor="mae/area").objective == Objective("mae/area", "min")
    assert "mae/area" in judged(task(), rows()).compute()
    with pytest.raises(ConfigError, match="unknown metric to monitor 'rsme'; did you mean 'rmse'"):
        task(monitor="rsme")


def test_a_delta_that_is_not_positive_is_refused() -> None:
    with pytest.raises(ConfigError, match="--huber-delta must be above 0, got 0"):
        RegressionConfig(huber_delta=0.0)


def test_the_trivial_answer_is_the_mean_of_the_training_rows_in_own_units() -> None:
    made = Regression(
        nn.Linear(4, 1),
        TargetSpec(kind="value", names=("price",), mean=(100.0,), std=(20.0,)),
        RegressionConfig(),
    )
    known, judged = torch.tensor([[0.0], [1.0], [2.0]]), torch.tensor([[1.0], [3.0]])
    what, metrics = made.trivial_baseline({"target": known}, {"target": judged})
    assert what == "always predicting the mean, 120"
    assert metrics["rmse"] == pytest.approx(sk.root_mean_squared_error([120.0, 160.0], [120.0, 120.0]))
    assert metrics["r2"] == pytest.approx(sk.r2_score([120.0, 160.0], [120.0, 120.0]))
    assert "loss" not in metrics


def test_the_trivial_answer_leaves_masked_targets_out() -> None:
    known = {"target": torch.tensor([[0.0, 9.0], [2.0, 1.0]]), "mask": torch.tensor([[1.0, 0.0], [1.0, 1.0]])}
    what, metrics = task().trivial_baseline(known, {"target": torch.tensor([[1.0, 2.0]])})
    assert what == "always predicting the mean of each target"
    assert (metrics["mae/price"], metrics["mae/area"]) == (pytest.approx(0.0, abs=1e-5), pytest.approx(0.5))


@pytest.mark.parametrize("loss", ["mse", "mae", "huber", "log-cosh"])
@pytest.mark.parametrize("members", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_auxiliary_heads_are_trained_as_the_main_output_is(loss: LossName, members: bool, masked: bool) -> None:
    torch.manual_seed(0)
    model = Headed(*(Members() if members else nn.Linear(4, 2) for _ in range(3)))
    mask = (torch.rand(30, 2, generator=torch.Generator().manual_seed(1)) < 0.4).float()
    batch = rows(mask=mask) if masked else rows()
    check_heads_take_part(lambda part: Regression(part, TARGET, RegressionConfig(loss=loss)), model, batch)


def test_auxiliary_heads_are_not_judged() -> None:
    model = Headed(nn.Linear(4, 2), nn.Linear(4, 2))
    check_heads_are_not_judged(lambda part: Regression(part, TARGET, RegressionConfig()), model, rows())
