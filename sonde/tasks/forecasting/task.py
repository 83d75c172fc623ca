"""Forecasting: the steps of a series that follow a window of it."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import TargetSpec
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase
from sonde.losses.forecasting import pinball
from sonde.losses.regression import absolute, huber, squared
from sonde.metrics.crps import ENOUGH, quantile_crps
from sonde.metrics.forecasting import ForecastMeter
from sonde.nn.quantile_band import QuantileBand
from sonde.tasks.forecasting.config import ForecastingConfig
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
from sonde.tasks.supervised import mean_loss, objective

# B windows, L look-back, H horizon, V variables that are forecast, Q quantiles


class Forecasting:
    """Trains one network on standardised series; its predictions are in the series' own units.

    Networks map a window (B, L, V) to the steps that follow, (B, H, V). With `loss="quantile"` that is the median, and the
    task learns how far the other quantiles lie from it (`QuantileBand`).
    """

    def __init__(
        self,
        model: nn.Module,
        target: TargetSpec,
        config: ForecastingConfig,
        *,
        monitor: str | None = None,
    ) -> None:
        """Raises: ConfigError when the targets are no series, or `monitor` is not a metric"""
        check_series(target, "forecasting")
        self.modules = nn.ModuleDict({"model": model})
        self.target, self.config = target, config
        self.quantiles = config.quantiles if config.loss == "quantile" else ()
        self._scored = len(self.quantiles) >= ENOUGH
        trained: list[nn.Module] = [model]
        if self.quantiles:
            horizon, variables = target.shape
            band = QuantileBand(horizon, variables, self.quantiles)
            self.modules["band"] = band
            trained.append(band)
        self.phases: Sequence[Phase] = (Phase(name="model", loss=self.loss, trains=trained),)
        own = "mae" if config.loss in ("mae", "quantile") else "mse"
        self.objective: Objective = objective(
            own, metric_modes(target.names, self.quantiles, crps=self._scored), monitor
        )
        self.abilities = Abilities(trivial_baseline=self.trivial_baseline)
        self._each = {"mse": squared, "mae": absolute, "huber": partial(huber, delta=config.huber_delta)}.get(
            config.loss
        )

    def loss(self, batch: Batch) -> Loss:
        """The mean over windows, steps and variables, those that are missing left out."""
        values, quantiles = self._forecast(batch)
        each = self._errors(values, quantiles, batch["target"])
        return mean_loss(each, batch["mask"].to(each.dtype) if "mask" in batch else None, len(batch))

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """For the meter: values, quantiles, what the last season was, and the batch's own fields, all standardised."""
        values, quantiles = self._forecast(batch)
        each = self._errors(values, quantiles, batch["target"])
        found = for_meter(batch, values, each)
        if quantiles is None:
            return found
        if self._scored:
            found["crps"] = quantile_crps(quantiles, batch["target"], self.quantiles)
        return {**found, "quantiles": quantiles}

    def meter(self) -> Meter:
        """A fresh one."""
        return ForecastMeter(self.target, quantiles=self.quantiles)

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"values": (B, H, V)} in own units, and "quantiles" (B, H, V, Q) where they are learned."""
        values, quantiles = self._forecast(batch)
        return in_own_units(batch, self.target, values, **({} if quantiles is None else {"quantiles": quantiles}))

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One dict per window: variable -> its value at each step of the horizon; "OT 10 %" for a quantile of OT."""
        return by_variable(self.target.names, self.quantiles, outputs)

    def trivial_baseline(
        self, known: Mapping[str, Tensor], evaluated: Mapping[str, Tensor]
    ) -> tuple[str, dict[str, float]]:
        """`repeated_season`."""
        return repeated_season(self.target, evaluated, distribution=self._scored)

    def _forecast(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """(B, H, V), and (B, H, V, Q) where quantiles are learned. Raises: ConfigError for a network with other outputs"""
        model = self.modules["model"]
        values = forecast(model, batch, self.target, "forecasting")
        if not self.quantiles:
            return values, None
        return values, self.modules["band"](values, past_of(model, batch, self.target))

    def _errors(self, values: Tensor, quantiles: Tensor | None, target: Tensor) -> Tensor:
        """(B, H, V)."""
        if self._each is not None:
            return self._each(values, target)
        assert quantiles is not None
        return pinball(quantiles, target, torch.tensor(self.quantiles, dtype=values.dtype, device=values.device))
