import re
from typing import Any

import numpy as np
import pytest
import torch
from sample_tasks import stepper
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Task, abilities_of
from sonde.data.splits import truth_of
from sonde.modalities.series.time_index import TimeStep
from sonde.modalities.series.windows import SeriesWindows
from sonde.tasks.forecasting.config import ForecastingConfig
from sonde.tasks.forecasting.task import Forecasting

LOOK_BACK, HORIZON, SEASON = 30, 8, 12
TARGET = TargetSpec(
    kind="series",
    names=("a", "b"),
    mean=(10.0, 0.0),
    std=(2.0, 1.0),
    shape=(HORIZON, 2),
    season=SEASON,
    scales=(1.0, 1.0),
)


class Linear(nn.Module):
    """One matrix over time, as the smallest forecaster."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(LOOK_BACK, HORIZON)

    def forward(self, input: Tensor, lengths: Tensor) -> Tensor:
        assert (lengths == LOOK_BACK).all()
        return self.inner(input.transpose(1, 2)).transpose(1, 2)


def rows(*, season: int = SEASON, known: np.ndarray | None = None) -> SeriesWindows:
    time = np.arange(200)
    noise = np.random.default_rng(0).standard_normal((200, 2)) * 0.1
    values = np.stack([np.sin(2 * np.pi * time / SEASON), np.cos(2 * np.pi * time / SEASON)], 1) + noise
    return SeriesWindows(
        values=values.astype(np.float32),
        stamps=time.astype("datetime64[h]").astype("datetime64[s]"),
        step=TimeStep(3600, "seconds"),
        moments=np.arange(LOOK_BACK, 200 - HORIZON),
        look_back=LOOK_BACK,
        horizon=HORIZON,
        forecast=2,
        place="x",
        season=season,
        known=known,
    )


def batch(count: int = 20, **more: Any) -> Batch:
    read = rows(**more).read(np.arange(count))
    return Batch({name: torch.from_numpy(value) for name, value in read.items()}, torch.arange(count))


def task(**settings: Any) -> Forecasting:
    torch.manual_seed(0)
    return Forecasting(Linear(), TARGET, ForecastingConfig(**settings))


def judged(made: Forecasting, given: Batch) -> dict[str, float]:
    meter = made.meter()
    with torch.inference_mode():
        meter.update(made.evaluate(given), given.index)
    return meter.compute()


@pytest.mark.parametrize("loss", ["mse", "mae", "huber", "quantile"])
def test_every_loss_learns(loss: str) -> None:
    made, given = task(loss=loss), batch(80)
    assert isinstance(made, Task)
    assert abilities_of(made).trivial_baseline is not None
    run = stepper(made, lr=0.02)
    values = [run(given, step=step, epoch=0).number("model/loss") for step in range(1, 100)]
    assert values[-1] < 0.4 * values[0]
    assert judged(made, given)["mse"] < 0.05
    assert made.objective[:2] == ("mae" if loss in ("mae", "quantile") else "mse", "min")


@pytest.mark.parametrize(
    ("loss", "reference"),
    [("mse", nn.MSELoss()), ("mae", nn.L1Loss()), ("huber", nn.HuberLoss(delta=0.5))],
)
def test_losses_are_torch_s(loss: str, reference: nn.Module) -> None:
    made, given = task(loss=loss, huber_delta=0.5), batch()
    expected = reference(made.modules["model"](given["input"], given["lengths"]), given["target"])
    torch.testing.assert_close(made.loss(given).value, expected)
    assert judged(made, given)["loss"] == pytest.approx(expected.item(), rel=1e-5)


def test_missing_truths_count_nowhere_and_pieces_give_the_whole_gradient() -> None:
    known = np.ones((200, 2), bool)
    known[35:40, 0] = False
    made, given = task(), batch(known=known)
    mask, error = given["mask"], made.modules["model"](given["input"], given["lengths"]) - given["target"]
    loss = made.loss(given)
    torch.testing.assert_close(loss.value, (error.square() * mask).sum() / mask.sum())
    assert float(loss.weight) == float(mask.sum())
    assert judged(made, given)["loss"] == pytest.approx(loss.value.item(), rel=1e-5)
    whole = torch.autograd.grad(loss.value, list(made.modules.parameters()))
    pieces = [made.loss(piece) for piece in given.split(3)]
    total = sum(float(piece.weight) for piece in pieces)
    value = torch.stack([piece.value * float(piece.weight) / total for piece in pieces]).sum()
    for one, two in zip(whole, torch.autograd.grad(value, list(made.modules.parameters())), strict=True):
        torch.testing.assert_close(one, two)


def test_the_baseline_repeats_the_last_season_or_the_last_value() -> None:
    windows = rows()
    truth = {name: torch.from_numpy(value) for name, value in truth_of(windows, masked=False).items()}
    what, found = task().trivial_baseline({}, truth)
    values = windows.values.astype(np.float64)
    ahead = windows.moments[:, None] + np.arange(HORIZON)
    season = values[ahead - SEASON] - values[ahead]  # the horizon is shorter than a season
    assert found["mse"] == pytest.approx((season**2).mean(), rel=1e-5)
    assert found["mae"] == pytest.approx(np.abs(season).mean(), rel=1e-5)
    assert what == "repeating the last 12 steps"  # no figure: which metric stands beside it, --monitor decides


def test_predictions_are_in_own_units_by_variable() -> None:
    made, given = task(), batch(3)
    outputs = made.predict(given)
    plain = made.modules["model"](given["input"], given["lengths"])
    torch.testing.assert_close(outputs["values"], plain * torch.tensor([2.0, 1.0]) + torch.tensor([10.0, 0.0]))
    told = made.format_predictions(outputs)
    assert [list(row) for row in told] == [["a", "b"]] * 3
    assert told[1]["a"] == pytest.approx(outputs["values"][1, :, 0].tolist())


def test_a_band_covers_as_often_as_it_says() -> None:
    made, given = task(loss="quantile", quantiles=(0.05, 0.5, 0.9)), batch(150)
    run = stepper(made, lr=0.02)
    for step in range(1, 200):
        run(given, step=step, epoch=0)
    found = judged(made, given)
    assert found["coverage_85"] == pytest.approx(0.85, abs=0.06)
    told = made.format_predictions(made.predict(given))[0]
    assert list(told) == ["a", "b", "a 5 %", "a 90 %", "b 5 %", "b 90 %"]
    assert all(low < middle < high for low, middle, high in zip(told["a 5 %"], told["a"], told["a 90 %"], strict=True))
    assert made.phases[0].parameters()[-1].shape == (HORIZON, 2, 1), "the band is trained too"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"quantiles": (0.1, 0.9)}, "--quantiles must increase, lie between 0 and 1, and contain 0.5, got 0.1 0.9"),
        ({"quantiles": (0.5, 0.4)}, "--quantiles must increase"),
        ({"quantiles": (0.5, 1.0)}, "--quantiles must increase"),
        ({"huber_delta": 0.0}, "--huber-delta must be above 0, got 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        ForecastingConfig(**settings)


def test_other_targets_and_other_answers_are_refused() -> None:
    with pytest.raises(ConfigError, match="task forecasting needs a time series, a table with a time column"):
        Forecasting(Linear(), TargetSpec(kind="value", names=("a",)), ForecastingConfig())
    with pytest.raises(ConfigError, match="unknown metric to monitor 'mes'"):
        Forecasting(Linear(), TARGET, ForecastingConfig(), monitor="mes")

    class Flat(nn.Module):
        def forward(self, input: Tensor, lengths: Tensor) -> Tensor:
            return input.flatten(1)

    said = re.escape("task forecasting needs (20, 8, 2), (windows, steps, variables), and the model outputs (20, 60)")
    with pytest.raises(ConfigError, match=said):
        Forecasting(Flat(), TARGET, ForecastingConfig()).loss(batch())
