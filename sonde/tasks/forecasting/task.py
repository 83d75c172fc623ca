"""Forecasting: the steps of a series that follow a window of it."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase
from sonde.losses.forecasting import pinball
from sonde.losses.regression import absolute, huber, squared
from sonde.metrics.forecasting import OWN_SCALES, ForecastMeter, own_units
from sonde.nn.known_ahead import KnownAhead
from sonde.nn.quantile_band import QuantileBand
from sonde.tasks.forecasting.config import ForecastingConfig
from sonde.tasks.supervised import check_shape, mean_loss, objective, wide

AT_ONCE = 1024  # windows, of a baseline that is evaluated

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
        if target.kind != "series":
            raise ConfigError(
                "task forecasting needs a time series, a table with a time column; leave --task forecasting out"
            )
        self.modules = nn.ModuleDict({"model": model})
        self.target, self.config = target, config
        self.quantiles = config.quantiles if config.loss == "quantile" else ()
        trained: list[nn.Module] = [model]
        if self.quantiles:
            horizon, variables = target.shape
            band = QuantileBand(horizon, variables, self.quantiles)
            self.modules["band"] = band
            trained.append(band)
        self.phases: Sequence[Phase] = (Phase(name="model", loss=self.loss, trains=trained),)
        own = "mae" if config.loss in ("mae", "quantile") else "mse"
        self.objective: Objective = objective(own, _metrics(target.names, band=bool(self.quantiles)), monitor)
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
        target = batch["target"]
        each = self._errors(values, quantiles, target)
        mask = batch["mask"].to(each.dtype) if "mask" in batch else torch.ones_like(each)
        weight = mask.flatten(1).sum(1)
        last = batch["input"][:, -1:, : self.target.shape[1]]
        found = {
            "values": values,
            "target": target,
            "input": batch["input"],
            "loss": (each * mask).flatten(1).sum(1) / weight.clamp(min=1),
            "weight": weight,
            # training windows (overfit_batches) bring no season; the baseline is the last value then
            "seasonal": batch["seasonal"] if "seasonal" in batch else last.expand_as(target),
        }
        found |= {"mask": mask} if "mask" in batch else {}
        found |= {name: batch[name] for name in OWN_SCALES if name in batch}
        return found if quantiles is None else {**found, "quantiles": quantiles}

    def meter(self) -> Meter:
        """A fresh one."""
        return ForecastMeter(self.target, quantiles=self.quantiles)

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"values": (B, H, V)} in own units, and "quantiles" (B, H, V, Q) where they are learned."""
        values, quantiles = self._forecast(batch)
        mean, std = own_units(batch, self.target, values)
        found = {"values": values * std + mean}
        if quantiles is not None:
            found["quantiles"] = quantiles * std[..., None] + mean[..., None]
        return found

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One dict per window: variable -> its value at each step of the horizon; "OT 10 %" for a quantile of OT."""
        names = self.target.names
        rows = [dict(zip(names, window.T.tolist(), strict=True)) for window in outputs["values"]]
        if "quantiles" in outputs:
            for row, window in zip(rows, outputs["quantiles"], strict=True):  # (H, V, Q)
                for name, variable in zip(names, window.transpose(0, 1), strict=True):
                    columns = zip(self.quantiles, variable.T.tolist(), strict=True)
                    row |= {f"{name} {100 * q:g} %": values for q, values in columns if q != 0.5}
        return rows

    def trivial_baseline(
        self, known: Mapping[str, Tensor], evaluated: Mapping[str, Tensor]
    ) -> tuple[str, dict[str, float]]:
        """Repeating the last season; where there is none, the last value. evaluated: with `seasonal` and `last` too."""
        meter = ForecastMeter(self.target)
        rows = len(evaluated["target"])
        for piece in torch.arange(rows).split(AT_ONCE):
            fields = {name: value[piece] for name, value in evaluated.items()}
            nothing = torch.zeros(len(piece))
            seen = {
                **fields,
                "values": fields["seasonal"],
                "input": fields["last"],
                "loss": nothing,
                "weight": nothing + 1,
            }
            meter.update(seen, piece)
        season = self.target.season
        what = f"repeating the last {season} steps" if season > 1 else "repeating the last value"
        return what, {name: value for name, value in meter.compute().items() if name != "loss"}

    def _forecast(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """(B, H, V), and (B, H, V, Q) where quantiles are learned. Raises: ConfigError for a network with other outputs"""
        values = wide(self.modules["model"](*batch.fed()))
        expected = (len(batch), *self.target.shape)
        check_shape(values, expected, "task forecasting needs {}, (windows, steps, variables)", model="dlinear")
        if not self.quantiles:
            return values, None
        return values, self.modules["band"](values, self._window(batch))

    def _window(self, batch: Batch) -> Tensor:
        """The past of what is forecast (B, L, V), without what values known in advance explain: there is no doubt about that."""
        model = self.modules["model"]
        if isinstance(model, KnownAhead):
            return model.unexplained(batch["input"], batch["covariates"])
        return batch["input"][:, :, : self.target.shape[1]]

    def _errors(self, values: Tensor, quantiles: Tensor | None, target: Tensor) -> Tensor:
        """(B, H, V)."""
        if self._each is not None:
            return self._each(values, target)
        assert quantiles is not None
        return pinball(quantiles, target, torch.tensor(self.quantiles, dtype=values.dtype, device=values.device))


def _metrics(names: Sequence[str], *, band: bool) -> dict[str, Literal["max", "min"]]:
    plain = ("mse", "mae", "mase", "smape", "loss")
    own = [metric if len(names) == 1 else f"{metric}/{name}" for metric in ("raw_mae", "raw_rmse") for name in names]
    modes: dict[str, Literal["max", "min"]] = dict.fromkeys((*plain, *own), "min")
    return {**modes, "coverage": "max"} if band else modes
