"""What tasks that forecast share: the network's forecast, what a meter takes, the plain baseline, predictions by step."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import TargetSpec
from sonde.core.errors import ConfigError
from sonde.metrics.forecast_distribution import coverage_name, naive_crps
from sonde.metrics.forecasting import OWN_SCALES, ForecastMeter, own_units
from sonde.nn.known_ahead import KnownAhead
from sonde.tasks.supervised import check_shape, wide

AT_ONCE = 1024  # windows, of a baseline that is evaluated

# B windows, L look-back, H horizon, V variables, Q quantiles, P paths


def check_series(target: TargetSpec, task: str) -> None:
    """Raises: ConfigError where the targets are no series"""
    if target.kind != "series":
        raise ConfigError(f"task {task} needs a time series, a table with a time column; leave --task {task} out")


def forecast(model: nn.Module, batch: Batch, target: TargetSpec, task: str) -> Tensor:
    """(B, H, V). Raises: ConfigError for a network with other outputs"""
    values = wide(model(*batch.fed()))
    needs = f"task {task} needs {{}}, (windows, steps, variables)"
    check_shape(values, (len(batch), *target.shape), needs, model="dlinear")
    return values


def past_of(model: nn.Module, batch: Batch, target: TargetSpec) -> Tensor:
    """The past of what is forecast (B, L, V), without what values known in advance explain: there is no doubt about that."""
    if isinstance(model, KnownAhead):
        return model.unexplained(batch["input"], batch["covariates"])
    return batch["input"][:, :, : target.shape[1]]


def for_meter(batch: Batch, values: Tensor, each: Tensor) -> dict[str, Tensor]:
    """Values and losses of each step (B, H, V) with the batch's own fields, as `ForecastMeter` takes them."""
    target = batch["target"]
    mask = batch["mask"].to(each.dtype) if "mask" in batch else torch.ones_like(each)
    weight = mask.flatten(1).sum(1)
    last = batch["input"][:, -1:, : target.shape[2]]
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
    return found | {name: batch[name] for name in OWN_SCALES if name in batch}


def repeated_season(
    target: TargetSpec, evaluated: Mapping[str, Tensor], *, distribution: bool
) -> tuple[str, dict[str, float]]:
    """Repeating the last season; where there is none, the last value. evaluated: with `seasonal` and `last` too.

    distribution: whether the CRPS of a normal distribution about that (`ForecastDistribution`) is among its scores
    """
    meter = ForecastMeter(target)
    rows = len(evaluated["target"])
    for piece in torch.arange(rows).split(AT_ONCE):
        fields = {name: value[piece] for name, value in evaluated.items()}
        nothing = torch.zeros(len(piece))
        values = fields["seasonal"]
        seen = {**fields, "values": values, "input": fields["last"], "loss": nothing, "weight": nothing + 1}
        if distribution:
            _, std = own_units(fields, target, values)
            error = fields["season_error"] if "spread" in fields else torch.tensor(target.scales)
            seen["crps"] = naive_crps(values, fields["target"], std, error, target.season)
        meter.update(seen, piece)
    what = f"repeating the last {target.season} steps" if target.season > 1 else "repeating the last value"
    return what, {name: value for name, value in meter.compute().items() if name != "loss"}


def in_own_units(batch: Batch, target: TargetSpec, values: Tensor, **lines: Tensor) -> dict[str, Tensor]:
    """ "values" (B, H, V) and further lines (B, H, V, …), all standardised, in the series' own units."""
    mean, std = own_units(batch, target, values)
    found = {"values": values * std + mean}
    return found | {name: each * std[..., None] + mean[..., None] for name, each in lines.items()}


def by_variable(names: Sequence[str], levels: Sequence[float], outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
    """One dict per window: variable -> its value at each step; "OT 10 %" for a quantile of OT, "OT path 1" for a path."""
    rows = [dict(zip(names, window.T.tolist(), strict=True)) for window in outputs["values"]]
    suffixes = {
        "quantiles": [f"{100 * level:g} %" if level != 0.5 else "" for level in levels],
        "paths": [f"path {place + 1}" for place in range(outputs["paths"].shape[-1])] if "paths" in outputs else [],
    }
    for kind, called in suffixes.items():
        for row, window in zip(rows, outputs.get(kind, ()), strict=kind in outputs):  # (H, V, Q or P)
            for name, variable in zip(names, window.transpose(0, 1), strict=True):
                columns = zip(called, variable.T.tolist(), strict=True)
                row |= {f"{name} {suffix}": values for suffix, values in columns if suffix}
    return rows


def metric_modes(names: Sequence[str], levels: Sequence[float], *, crps: bool) -> dict[str, Literal["max", "min"]]:
    """Every metric that is reported, and whether more or less of it is better."""
    plain = ["mse", "mae", "mase", "smape", "loss"] + ["crps"] * crps + ["pinball"] * (len(levels) > 3)
    raw = ["raw_mae", "raw_rmse"] + ["raw_crps"] * crps
    own = [metric if len(names) == 1 else f"{metric}/{name}" for metric in raw for name in names]
    modes: dict[str, Literal["max", "min"]] = dict.fromkeys((*plain, *own), "min")
    return {**modes, covered: "max"} if (covered := coverage_name(levels)) else modes
