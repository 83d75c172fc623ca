"""Regression: one or several real numbers per row, evaluated and predicted in their own units."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase
from sonde.losses.regression import absolute, huber, log_cosh, squared
from sonde.metrics.regression import RegressionMeter
from sonde.tasks.regression.config import RegressionConfig
from sonde.tasks.supervised import (
    Each,
    by_row,
    mean_loss,
    objective,
    own_loss,
    own_loss_by_row,
    terms,
    wide,
    with_auxiliary,
)

# B rows, K members of an ensemble, T targets


class Regression:
    """Trains one model on standardised targets; its predictions are in the targets' own units.

    Models output one value per target: (B, T), or (B, K, T) from an ensemble, whose members are trained each by itself
    and evaluated by their mean.
    """

    def __init__(
        self,
        model: nn.Module,
        target: TargetSpec,
        config: RegressionConfig,
        *,
        monitor: str | None = None,
        loss: Callable[..., Any] | None = None,
    ) -> None:
        """loss: a function of values and targets (B, T), both standardised, to train by instead of the config's

        Raises: ConfigError when the targets are not numbers, or `monitor` is not a metric"""
        if target.kind != "value":
            raise ConfigError(
                "task regression needs numbers, and the targets are "
                f"{'labels' if target.kind == 'labels' else 'classes'} "
                f"({', '.join(target.names[:3])}{', …' if len(target.names) > 3 else ''}); use --task classification"
            )
        self.modules = nn.ModuleDict({"model": model})
        self.target, self.config = target, config
        self.phases: Sequence[Phase] = (Phase(name="model", loss=self.loss, trains=[model]),)
        self.objective: Objective = objective("rmse", _metrics(target.names), monitor)
        self.abilities = Abilities(trivial_baseline=self.trivial_baseline, answers=_answers)
        self._own = loss
        self._each = _each(config)
        self._scale = torch.tensor(
            [target.mean or (0.0,) * len(target.names), target.std or (1.0,) * len(target.names)]
        )

    def loss(self, batch: Batch) -> Loss:
        """The mean over rows and targets, those masked left out; what micro-batches scale by comes with it."""

        def loss_of(outputs: Tensor) -> Loss:
            if self._own is not None:
                return own_loss(self._own, wide(outputs), batch)
            return mean_loss(*terms(batch, wide(outputs), self._each, None), len(batch))

        return with_auxiliary(self.modules["model"](*batch.fed()), loss_of)

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """For the meter: values and target (B, T) in own units, the mask there is; loss and its weight of each row."""
        outputs = wide(self.modules["model"](*batch.fed()))
        found = by_row(*terms(batch, outputs, self._each, None))
        if self._own is not None:
            found = {"rank": found["loss"], **own_loss_by_row(self._own, outputs, batch)}
        if "mask" in batch:
            found["mask"] = batch["mask"]
        return {**found, "values": self._own_units(_pooled(outputs)), "target": self._own_units(batch["target"])}

    def meter(self) -> Meter:
        """A fresh one."""
        return RegressionMeter(self.target.names)

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"values": (B, T)} in own units."""
        return {"values": self._own_units(_pooled(wide(self.modules["model"](*batch.fed()))))}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One dict per row: target's name -> value."""
        return [dict(zip(self.target.names, row, strict=True)) for row in outputs["values"].tolist()]

    def trivial_baseline(
        self, known: Mapping[str, Tensor], evaluated: Mapping[str, Tensor]
    ) -> tuple[str, dict[str, float]]:
        """Always the mean of the training rows."""
        counted = known["mask"] if "mask" in known else torch.ones_like(known["target"])
        mean = torch.where(counted > 0, known["target"], 0).sum(0) / counted.sum(0).clamp(min=1)
        values, target = self._own_units(mean[None]), self._own_units(evaluated["target"])
        meter = self.meter()
        rows = {
            **evaluated,
            "values": values.expand(len(target), -1),
            "target": target,
            "loss": torch.zeros(len(target)),
        }
        meter.update(rows, torch.arange(len(target)))
        what = "always predicting the mean of each target"
        if values.numel() == 1:
            only = float(values)
            what = f"always predicting the mean, {f'{only:,.0f}' if abs(only) >= 10_000 else f'{only:.4g}'}"
        return what, {name: value for name, value in meter.compute().items() if name != "loss"}

    def _own_units(self, values: Tensor) -> Tensor:
        if self._scale.device != values.device:
            self._scale = self._scale.to(values.device)
        mean, std = self._scale
        return values * std + mean


def _answers(outputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Values and targets (B, T) in the targets' units."""
    return outputs["values"], outputs["target"]


def _pooled(outputs: Tensor) -> Tensor:
    """(B, T), or the mean over the members of (B, K, T)."""
    return outputs if outputs.ndim == 2 else outputs.mean(1)


def _metrics(names: Sequence[str]) -> dict[str, Literal["max", "min"]]:
    modes: dict[str, Literal["max", "min"]] = {"rmse": "min", "mae": "min", "loss": "min"}
    modes |= dict.fromkeys(("r2", "pearson", "spearman"), "max")
    if len(names) > 1:
        modes |= {
            f"{metric}/{name}": mode for name in names for metric, mode in list(modes.items()) if metric != "loss"
        }
    return modes


def _each(config: RegressionConfig) -> Each:
    match config.loss:
        case "mse":
            return squared
        case "mae":
            return absolute
        case "huber":
            return partial(huber, delta=config.huber_delta)
        case "log-cosh":
            return log_cosh
