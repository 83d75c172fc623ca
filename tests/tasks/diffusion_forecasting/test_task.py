"""Forecasts by diffusion beside closed forms: what is normal is known, and so is where each noise ends."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from sample_tasks import stepper
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Meter, Objective, Task, abilities_of
from sonde.metrics.crps import ensemble_crps, ensemble_quantiles
from sonde.tasks.diffusion_forecasting.config import DiffusionForecastingConfig
from sonde.tasks.diffusion_forecasting.task import QUARTER, DiffusionForecasting

LOOK_BACK, HORIZON = 12, 4
TARGET = TargetSpec(
    kind="series", names=("a", "b"), mean=(10.0, 0.0), std=(2.0, 1.0), shape=(HORIZON, 2), season=4, scales=(1.0, 1.0)
)
SPEC = InputSpec(kind="series", shape=(LOOK_BACK, 2))


class Last(nn.Module):
    """Repeats the last value times a number that is learned."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.ones(()))

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        return self.factor * input[:, -1:].expand(-1, HORIZON, -1)


def task(**settings: Any) -> DiffusionForecasting:
    torch.manual_seed(0)
    config = DiffusionForecastingConfig(**{"path_width": 16, "path_layers": 1, **settings})
    return DiffusionForecasting(Last(), TARGET, config, input=SPEC)


def batch(rows: int = 6, *, seed: int = 0, **more: Tensor) -> Batch:
    drawn = torch.Generator().manual_seed(seed)
    fields = {
        "input": torch.randn(rows, LOOK_BACK, 2, generator=drawn),
        "target": torch.randn(rows, HORIZON, 2, generator=drawn),
        "seasonal": torch.randn(rows, HORIZON, 2, generator=drawn),
    }
    return Batch({**fields, **more}, torch.arange(rows))


def judged(made: DiffusionForecasting, *parts: Batch) -> dict[str, float]:
    meter = made.meter()
    with torch.inference_mode():
        for part in parts:
            meter.update(made.evaluate(part), part.index)
    return meter.compute()


def test_it_fits_the_seams() -> None:
    made = task()
    assert isinstance(made, Task)
    assert isinstance(made.meter(), Meter)
    assert made.objective == Objective("crps", "min")
    assert next(iter(judged(made, batch()))) == "crps"
    what, scores = made.trivial_baseline({}, {**batch().fields, "last": batch()["input"][:, -1:]})
    assert what == "repeating the last 4 steps"
    assert {"crps", "mae"} <= set(scores)


def test_at_first_paths_are_normal_about_the_forecast_as_wide_as_the_scale() -> None:
    made, given = task(), batch()
    with torch.inference_mode():
        made.scale.logarithm.fill_(math.log(0.5) / 10)
        paths = made.draw(given, made._centre(given), 30)
    noise = torch.stack([made._start(row, 30) for row in range(6)]).permute(0, 2, 3, 1)
    deviation = given["input"].std(1, unbiased=False)[:, None, :, None]
    expected = given["input"][:, -1:, :, None] + 0.5 * deviation * noise
    torch.testing.assert_close(paths, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("spread", [0.3, 2.0])
def test_where_the_left_over_is_normal_each_noise_ends_at_its_multiple(spread: float) -> None:
    """x = sin z + cos n has E[cos z - sin n | x] = sin cos (s² - 1) / (sin² s² + cos²) x for z ~ N(0, s²)."""
    made, noise = task(sampling_steps=40), torch.randn(2, 5, HORIZON, 2, dtype=torch.float64)

    def known(at: Tensor, time: Tensor, code: Tensor) -> Tensor:
        sine, cosine = (QUARTER * time).sin()[..., None, None], (QUARTER * time).cos()[..., None, None]
        return sine * cosine * (spread**2 - 1) / (sine.square() * spread**2 + cosine.square()) * at

    made.denoiser.forward = known  # type: ignore[method-assign]
    torch.testing.assert_close(made._flow(noise, torch.zeros(2, 2, 16)), spread * noise, rtol=2e-3, atol=2e-3)


def test_each_part_is_trained_by_its_own_loss_alone() -> None:
    made, given = task(), batch()
    nn.init.normal_(made.denoiser.head.weight)
    values, unit = made.modules["model"](given["input"]), made._unit(given)
    parts = made._forecast_errors(given, values, unit)
    expected = float((given["input"][:, -1:] - given["target"]).square().mean())
    assert parts["forecast"].mean().item() == pytest.approx(expected, rel=1e-5)
    assert made.forecast_loss(given).value.item() == pytest.approx(expected + parts["scale"].mean().item(), rel=1e-5)
    owners = {
        "model": parts["forecast"].mean(),
        "scale": parts["scale"].mean(),
        "denoiser": made.path_loss(given).value,
    }
    for owner, loss in owners.items():
        made.modules.zero_grad()
        loss.backward()
        learning = {
            part for part, module in made.modules.items() if any(p.grad is not None for p in module.parameters())
        }
        assert learning == {owner}


def test_missing_truths_count_nowhere() -> None:
    mask = torch.ones(6, HORIZON, 2)
    mask[:3, 1] = 0
    given = batch(mask=mask)
    wild = Batch({**given.fields, "target": torch.where(mask > 0, given["target"], 1e3)}, given.index)
    for made in (task(), task(noises=1)):
        nn.init.normal_(made.denoiser.head.weight)
        for loss in (made.forecast_loss, made.path_loss):
            torch.manual_seed(1)
            found = loss(given)
            assert float(found.weight) == float(mask.sum())
            torch.manual_seed(1)
            torch.testing.assert_close(loss(wild).value, found.value)
        assert judged(made, given)["crps"] == pytest.approx(judged(made, wild)["crps"], rel=1e-5)


def test_an_evaluation_is_the_same_whatever_its_batches_and_touches_no_random_stream() -> None:
    made, given = task(), batch(9)
    nn.init.normal_(made.denoiser.head.weight, std=0.1)
    before = torch.get_rng_state()
    whole = judged(made, given)
    assert torch.equal(before, torch.get_rng_state())
    assert judged(made, given.rows(slice(0, 2)), given.rows(slice(2, 9))) == pytest.approx(whole, rel=1e-4)


def test_while_training_goes_on_few_windows_are_scored_by_few_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    made, given = task(), batch(40)
    monkeypatch.setattr("sonde.tasks.diffusion_forecasting.task.OVERLAPS", 1)  # every fourth of them
    meters = made.meter(), made.meter()
    with torch.inference_mode():
        found = made.quick_evaluate(given)
        some = given.rows(torch.arange(0, 40, 4))
        alone = made._evaluate(some, 20)
        meters[0].update(found, given.index)
        meters[1].update(alone, some.index)
    quick, expected = (meter.compute() for meter in meters)
    assert {**quick, "loss": 0.0} == pytest.approx({**expected, "loss": 0.0}, rel=1e-5)
    assert quick["loss"] == pytest.approx(judged(made, given)["loss"], rel=1e-5)  # of all
    half = batch(16)
    with torch.inference_mode():
        torch.testing.assert_close(made.quick_evaluate(half)["crps"], made._evaluate(half, 20)["crps"])


def test_scores_are_those_of_the_paths() -> None:
    made, given = task(paths=40), batch()
    with torch.inference_mode():
        paths = made.draw(given, made._centre(given), 40)
        found = made.evaluate(given)
    torch.testing.assert_close(found["crps"], ensemble_crps(paths, given["target"], mirrored=True))
    torch.testing.assert_close(found["values"], ensemble_quantiles(paths, (0.5,))[..., 0])
    assert judged(made, given)["crps"] == pytest.approx(float(found["crps"].mean()), rel=1e-5)
    # more paths begin with the same
    with torch.inference_mode():
        more = made.draw(given, made._centre(given), 80)
    torch.testing.assert_close(more[..., :20], paths[..., :20], rtol=1e-4, atol=1e-5)


def test_predictions_are_in_own_units_with_paths_on_request() -> None:
    made, given = task(), batch(2)
    plain, more = made.predict(given), made.predict_paths(given, 3)
    assert "paths" not in plain
    assert more["paths"].shape == (2, HORIZON, 2, 3)
    torch.testing.assert_close(plain["values"], more["values"])
    row = made.format_predictions(more)[0]
    assert list(row)[:2] == ["a", "b"]
    assert {"a 5 %", "b 95 %", "a path 1", "b path 3"} <= set(row)
    low, middle, high = (np.array(row[name]) for name in ("a 5 %", "a", "a 95 %"))
    assert ((low < middle) & (middle < high)).all()
    centre = 10 + 2 * given["input"][0, -1, 0].item()
    assert abs(middle - centre).max() < 0.5  # a median of 256 paths, half of which mirror the others
    assert abilities_of(made).paths is not None


def test_it_learns_what_no_normal_distribution_has() -> None:
    """All steps go up by 1 or down by 1 together: half-half, and never stay."""
    generator = torch.Generator().manual_seed(0)
    rows = 64
    given = batch(rows)
    sign = torch.randint(0, 2, (rows, 1, 1), generator=generator) * 2.0 - 1
    moved = given["input"][:, -1:] + sign + 0.1 * torch.randn(rows, HORIZON, 2, generator=generator)
    given = Batch({**given.fields, "target": moved}, given.index)
    made = task(path_width=32, path_layers=2, path_every=1)
    run = stepper(made, lr=1e-2)
    torch.manual_seed(0)
    for step in range(1, 151):
        run(given, step=step, epoch=0)
    made.modules.eval()
    with torch.inference_mode():
        few = given.rows(slice(0, 16))
        left = made.draw(few, made._centre(few), 40) - few["input"][:, -1:, :, None]
    assert (left.abs() > 0.4).double().mean() > 0.85  # of a normal distribution as wide 69 %
    together = (left.sign() == left[:, :1, :1].sign()).double().mean()
    assert together > 0.9  # of independent steps and variables 56 %


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"paths": 18}, "--paths must be at least 20, got 18"),
        ({"paths": 33}, "--paths must be even, as half of them mirror the others' noise, got 33"),
        ({"path_width": 30}, "--path-width must be a multiple of 4, got 30"),
        ({"sampling_steps": 0}, "--sampling-steps must be at least 1, got 0"),
        ({"quantiles": (0.1, 0.9)}, "--quantiles must increase, lie between 0 and 1, and contain 0.5, got 0.1 0.9"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        DiffusionForecastingConfig(**settings)


def test_other_targets_are_refused() -> None:
    with pytest.raises(ConfigError, match="task diffusion-forecasting needs a time series, a table with a time column"):
        DiffusionForecasting(Last(), TargetSpec(kind="value", names=("y",)), DiffusionForecastingConfig(), input=SPEC)
