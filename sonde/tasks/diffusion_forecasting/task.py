"""Forecasting by diffusion: sample paths of what follows, made of noise by a network that sees what went before."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase
from sonde.core.seeds import generator
from sonde.losses.regression import squared
from sonde.metrics.crps import ensemble_crps, ensemble_quantiles
from sonde.metrics.forecasting import ForecastMeter
from sonde.nn.path_denoiser import PathDenoiser, ResidualScale
from sonde.nn.quantile_band import SMALLEST
from sonde.tasks.denoising import EvaluationNoise
from sonde.tasks.diffusion_forecasting.config import DiffusionForecastingConfig
from sonde.tasks.flow_matching.task import midpoint
from sonde.tasks.forecasting.forecaster import (
    by_variable,
    check_series,
    for_meter,
    forecast,
    in_own_units,
    metric_modes,
    past_of,
    repeated_season,
)
from sonde.tasks.supervised import mean_loss, objective, wide

QUICK = 20  # paths of a window while training goes on: the fair CRPS is without bias however few they are
OVERLAPS = 8  # windows that still score a step then: neighbours, of which each begins a step later, are nearly the same
ALL = 16  # windows of a batch, of which none is left out
WRITTEN = 256  # of a forecast that is written, of which there are few
SHOWN = 8  # paths of a window that a report draws, fewer than half of QUICK
AT_ONCE = 1 << 16  # paths of one variable that are made together
QUARTER = math.pi / 2

# B windows, M paths, L look-back, H horizon, V variables that are forecast, Q quantiles


class Centre(NamedTuple):
    """What a path is made around.

    values: (B, H, V), the network's forecast;  unit: (B, 1, V), the window's deviation
    scale:  (B, H, V), how large what is left over usually is;  code: (B, V, D), what is known of the window
    """

    values: Tensor
    unit: Tensor
    scale: Tensor
    code: Tensor


class DiffusionForecasting:
    """A path is forecast + scale · z; a network (any forecaster) gives the forecast, and diffusion z.

    At time t of 0..1 z is seen as sin(π t / 2) z + cos(π t / 2) noise, and a denoiser that sees the window learns
    cos · z - sin · noise (v-prediction in the cosine schedule), which is the velocity of that path but for π / 2 and is followed
    by the solvers of flow matching. The denoiser begins by answering 0, for which z is white noise exactly: a normal
    distribution about the forecast, as wide as its errors. Training adds what that lacks: how steps and variables go together,
    other shapes, wider where the window says so.
    Source: Rasul et al. 2021 (TimeGrad), arXiv:2101.12072; Tashiro et al. 2021 (CSDI), arXiv:2107.03502; of what a forecast
    leaves over: Han, Zheng and Zhou 2022 (CARD), arXiv:2206.07275; v: Salimans and Ho 2022, arXiv:2202.00512
    """

    def __init__(
        self,
        model: nn.Module,
        target: TargetSpec,
        config: DiffusionForecastingConfig,
        *,
        input: InputSpec,
        monitor: str | None = None,
    ) -> None:
        """Raises: ConfigError when the targets are no series, or `monitor` is not a metric"""
        check_series(target, "diffusion-forecasting")
        self.target, self.config = target, config
        horizon, variables = target.shape
        self.denoiser = PathDenoiser(
            look_back=input.shape[0],
            horizon=horizon,
            variables=variables,
            known=input.covariates,
            width=config.path_width,
            layers=config.path_layers,
        )
        self.scale = ResidualScale(horizon, variables)
        self.modules = nn.ModuleDict({"model": model, "denoiser": self.denoiser, "scale": self.scale})
        self.phases: Sequence[Phase] = (
            Phase(name="forecast", loss=self.forecast_loss, trains=[model, self.scale]),
            Phase(name="paths", loss=self.path_loss, trains=[self.denoiser], every=config.path_every),
        )
        self.objective: Objective = objective("crps", metric_modes(target.names, config.quantiles, crps=True), monitor)
        self._fixed = EvaluationNoise((horizon, variables))
        self.abilities = Abilities(
            quick_evaluate=self.quick_evaluate, trivial_baseline=self.trivial_baseline, paths=self.predict_paths
        )

    def forecast_loss(self, batch: Batch) -> Loss:
        """The forecast's squared error and the likelihood of its scale: the mean over windows, steps and variables.

        Those that are missing are left out.
        """
        values = forecast(self.modules["model"], batch, self.target, "diffusion-forecasting")
        return self._mean(batch, self._forecast_errors(batch, values, self._unit(batch)))

    def path_loss(self, batch: Batch) -> Loss:
        """The squared error of what the denoiser takes for noise, at times drawn for each of a window's noises."""
        rows, noises = len(batch), self.config.noises
        centre = self._centre(batch)
        device = centre.values.device
        noise = torch.randn(rows, noises, *self.target.shape, device=device)
        if self.config.times == "uniform":
            time = torch.rand(rows, noises, device=device)
        else:
            time = torch.randn(rows, noises, device=device).sigmoid()
        return self._mean(batch, {"noise": self._path_errors(batch, centre, noise, time)})

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """For the meter: quantiles of sample paths and their CRPS, the loss at fixed noise, and the batch's own fields."""
        return self._evaluate(batch, self.config.paths)

    def quick_evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """The same of few paths of some windows; the others' loss alone counts."""
        every = 1 if len(batch) <= ALL else max(1, self.target.shape[0] // OVERLAPS)
        chosen = (batch.index % every == 0).nonzero()[:, 0]
        if len(chosen) == len(batch):
            return self._evaluate(batch, QUICK)
        found = dict(self._evaluate(batch.rows(chosen), QUICK)) if len(chosen) else {}
        centre = self._centre(batch)
        each = self._fixed_errors(batch, centre)
        whole = dict(for_meter(batch, centre.values, each))
        there = torch.zeros(len(batch), dtype=torch.bool)
        there[chosen] = True
        there = there.to(each.device)
        mask = whole.get("mask", torch.ones_like(each)) * there[:, None, None]
        shapes = {"values": (), "crps": (), "quantiles": (len(self.config.quantiles),), "paths": (SHOWN,)}
        for name, more in shapes.items():
            whole[name] = each.new_zeros(*each.shape, *more)
            if len(chosen):
                whole[name][there] = found[name].to(each)
        return {**whole, "mask": mask}

    def meter(self) -> Meter:
        """A fresh one."""
        return ForecastMeter(self.target, quantiles=self.config.quantiles, first="crps")

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"values": (B, H, V), the median of sample paths, and "quantiles" (B, H, V, Q)}, in own units."""
        found = dict(self.predict_paths(batch, 0))
        del found["paths"]
        return found

    def predict_paths(self, batch: Batch, number: int) -> Mapping[str, Tensor]:
        """The same, and "paths" (B, H, V, number), which are independent of one another; quantiles are of these and more."""
        paths = self.draw(batch, self._centre(batch), max(2 * number, WRITTEN))
        quantiles = ensemble_quantiles(paths, self.config.quantiles)
        return in_own_units(batch, self.target, self._middle(quantiles), quantiles=quantiles, paths=paths[..., :number])

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One dict per window: variable -> its median at each step; "OT 10 %" for a quantile of OT, "OT path 1" for a path."""
        return by_variable(self.target.names, self.config.quantiles, outputs)

    def trivial_baseline(
        self, known: Mapping[str, Tensor], evaluated: Mapping[str, Tensor]
    ) -> tuple[str, dict[str, float]]:
        """`repeated_season`, its CRPS that of a normal distribution about it."""
        return repeated_season(self.target, evaluated, distribution=True)

    def draw(self, batch: Batch, centre: Centre, number: int) -> Tensor:
        """(B, H, V, number) standardised, the second half made of the first's noise with its sign turned, for surer quantiles.

        The noise of a path depends on the row's number and on the path's alone. number: even
        """
        start = torch.stack([self._start(row, number) for row in batch.index.tolist()]).to(centre.values)
        together = max(1, AT_ONCE // (number * self.target.shape[1]))
        pieces = zip(start.split(together), centre.code.split(together), strict=True)
        made = torch.cat([self._flow(noise, code) for noise, code in pieces])
        paths = centre.values[:, None] + centre.scale[:, None] * made
        return paths.permute(0, 2, 3, 1)

    def _evaluate(self, batch: Batch, number: int) -> Mapping[str, Tensor]:
        centre = self._centre(batch)
        each = self._fixed_errors(batch, centre)
        paths = self.draw(batch, centre, number)
        quantiles = ensemble_quantiles(paths, self.config.quantiles)
        return {
            **for_meter(batch, self._middle(quantiles), each),
            "quantiles": quantiles,
            "crps": ensemble_crps(paths, batch["target"], mirrored=True),
            "paths": paths[..., :SHOWN],
        }

    def _centre(self, batch: Batch) -> Centre:
        """Of which the code alone has a gradient."""
        model = self.modules["model"]
        with torch.no_grad():
            values = forecast(model, batch, self.target, "diffusion-forecasting")
            past, unit = past_of(model, batch, self.target), self._unit(batch)
            scale = unit * self.scale()
        covariates = batch["covariates"][:, past.shape[1] :] if "covariates" in batch else None
        code = wide(self.denoiser.code(past, values, unit, covariates))
        return Centre(values, unit, scale, code)

    def _unit(self, batch: Batch) -> Tensor:
        """(B, 1, V), how much each window varies."""
        past = past_of(self.modules["model"], batch, self.target).detach()
        return past.std(1, unbiased=False, keepdim=True).clamp(min=SMALLEST)

    def _mean(self, batch: Batch, parts: Mapping[str, Tensor]) -> Loss:
        """Of losses (B, H, V), their sum, with each as a part where there are several."""
        each = list(parts.values())
        mask = batch["mask"].to(each[0].dtype) if "mask" in batch else None
        told = {name: mean_loss(one, mask, len(batch)).value.detach() for name, one in parts.items()}
        return mean_loss(torch.stack(each).sum(0), mask, len(batch))._replace(parts=told if len(told) > 1 else {})

    def _forecast_errors(self, batch: Batch, values: Tensor, unit: Tensor) -> dict[str, Tensor]:
        """(B, H, V) each; the scale's does not train the network."""
        target = batch["target"]
        return {
            "forecast": squared(values, target),
            "scale": self.scale.likelihood((target - values.detach()) / unit),
        }

    def _path_errors(self, batch: Batch, centre: Centre, noise: Tensor, time: Tensor) -> Tensor:
        """(B, H, V). noise: (B, M, H, V);  time: (B, M)"""
        clean = (batch["target"] - centre.values) / centre.scale
        if "mask" in batch:  # what stands in place of a missing truth is nothing to learn from
            clean = torch.where(batch["mask"] > 0, clean, 0)
        clean = clean[:, None]
        angle = QUARTER * time[..., None, None]
        found = wide(self.denoiser(angle.sin() * clean + angle.cos() * noise, time, centre.code))
        return squared(found, angle.cos() * clean - angle.sin() * noise).mean(1)

    def _fixed_errors(self, batch: Batch, centre: Centre) -> Tensor:
        """(B, H, V), the sum of the losses at the row's fixed noise."""
        noise, time, _ = self._fixed(batch)
        parts = self._forecast_errors(batch, centre.values, centre.unit)
        return parts["forecast"] + parts["scale"] + self._path_errors(batch, centre, noise[:, None], time[:, None])

    def _flow(self, noise: Tensor, code: Tensor) -> Tensor:
        """From noise (B, M, H, V) to z."""
        steps, at = self.config.sampling_steps, noise

        def velocity(at: Tensor, time: float) -> Tensor:
            return QUARTER * wide(self.denoiser(at, at.new_full((len(at), 1), time), code))

        for number in range(steps):
            at = midpoint(velocity, at, number / steps, (number + 1) / steps)
        return at

    def _start(self, row: int, number: int) -> Tensor:
        """(number, H, V): more paths begin with the same ones."""
        noise = torch.randn(number // 2, *self.target.shape, generator=generator(0, "sample", row))
        return torch.cat([noise, -noise])

    def _middle(self, quantiles: Tensor) -> Tensor:
        return quantiles[..., self.config.quantiles.index(0.5)]
