"""Evaluation of forecasts step by step, beside two baselines: the last value, and the last season."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sonde.core.batch import Batch
from sonde.core.dataset import TargetSpec
from sonde.metrics.by_series import BySeries
from sonde.metrics.classification import mean_of_defined
from sonde.metrics.first_nan import FirstNaN
from sonde.metrics.forecast_distribution import ForecastDistribution, coverage_name
from sonde.metrics.forecast_sums import ForecastSums
from sonde.metrics.mean import Mean, Total, widest
from sonde.metrics.top_k import TopRows, shuffled_rank

WORST, EXAMPLES = 12, 8  # windows stored whole, to be drawn
FEW = 3  # quantiles: a band about a line, and no fan
SHOWN_BACK = 2  # horizons before a forecast that are drawn
FORECASTS = ("model", "last season", "last value")
OWN_SCALES = ("series", "centre", "spread", "season_error")
"""Fields of windows of several series, each with a scale of its own: its number (B,), and what is (B, 1, V) of it."""

# B windows, L look-back, H horizon, V variables, K forecasts compared, Q quantiles


def own_units(fields: Mapping[str, Tensor] | Batch, target: TargetSpec, like: Tensor) -> tuple[Tensor, Tensor]:
    """(mean, std) that bring standardised values back to their own units: each series' own, else those of all, (V,)."""
    kept = (fields[name] if "spread" in fields else None for name in ("centre", "spread"))
    of_all = (target.mean, target.std)
    mean, std = (
        torch.tensor(all_, dtype=like.dtype, device=like.device) if own is None else own.to(like)
        for own, all_ in zip(kept, of_all, strict=True)
    )
    return mean, std


class ForecastMeter:
    """Adds up the errors of a model, of repeating the last season and of repeating the last value, for each step and variable.

    metrics: mse and mae in deviations of the training part, as papers report them; mase, the absolute error over that of a
             season before in the training part (Hyndman and Koehler 2006); smape in percent; raw_mae and raw_rmse in the
             series' own units, for several variables each with its name; of several series mase and the raw errors are means
             of their windows' own; coverage_80, the share of truths between the outermost
             quantiles, where there are any, by what lies between them in percent; those of `ForecastDistribution`;
             loss (the task's own)
    """

    def __init__(self, target: TargetSpec, *, quantiles: Sequence[float] = (), first: str = "mse") -> None:
        """first: the metric that is told first"""
        self.target, self.quantiles, self.first = target, list(quantiles), first
        self.errors = Total()  # (K, 2, H, V): squared and absolute errors of each of FORECASTS
        self.percent = Total()  # (H, V) of the model: 2 |error| / (|truth| + |forecast|)
        self.inside = Total()  # (H, V): truths between the outermost quantiles
        self.count = Total()  # (H, V): truths that are known
        self.first_nan = FirstNaN()
        self.raw = (
            Total()
        )  # (K, 3, V) of windows with scales of their own: squared and absolute errors, and over season_error
        self.with_season = Total()  # (1, V): truths that are known, of series with a season_error
        self.by_series, self.sums = BySeries(), ForecastSums()
        self.distribution = ForecastDistribution(target, quantiles)
        self.loss, self.worst, self.examples = Mean(), TopRows(WORST), TopRows(EXAMPLES)

    def update(self, outputs: Mapping[str, Tensor], index: Tensor) -> None:
        """Add windows: values, target and seasonal (B, H, V), input (B, L, V), all standardised; loss and weight (B,); mask
        (B, H, V) where truths are missing; quantiles (B, H, V, Q), crps (B, H, V), paths (B, H, V, P) that are drawn.
        """
        values, target = outputs["values"].detach(), outputs["target"]
        self.first_nan.update(values, index)
        wide = widest(values.device)
        counted = outputs["mask"].to(wide) if "mask" in outputs else torch.ones_like(target, dtype=wide)
        last = outputs["input"][:, -1:, : target.shape[2]]
        every = torch.stack([values, outputs["seasonal"], last.expand_as(values)]).to(wide)  # (K, B, H, V)
        error = (every - target) * counted
        mean, std = own_units(outputs, self.target, every)
        raw, truth = values.to(wide) * std + mean, target.to(wide) * std + mean
        percent = 2 * (raw - truth).abs() / (raw.abs() + truth.abs()).clamp(min=1e-30) * counted
        self.errors.add(torch.stack([error.square().sum(1), error.abs().sum(1)], 1))
        self.percent.add(percent.sum(0))
        self.count.add(counted.sum(0))
        if "quantiles" in outputs:
            low, high = outputs["quantiles"][..., 0], outputs["quantiles"][..., -1]
            self.inside.add((((target >= low) & (target <= high)) * counted).sum(0))
        self.loss.update(outputs["loss"], outputs["weight"])
        if "spread" in outputs:
            self._add_raw(outputs, error * std, counted, index)
        season = outputs["season_error"] if "spread" in outputs else torch.tensor(self.target.scales, dtype=wide)
        if "quantiles" in outputs or "crps" in outputs:
            self.distribution.update(outputs, counted, std.to(wide), season.to(wide))
        self.sums.update(error, (std, season), counted, (index, outputs["series"] if "spread" in outputs else None))
        self._keep(outputs, counted, error[0], index)

    def merge(self, other: "ForecastMeter") -> None:
        """Add another process's sums."""
        for name in (
            "errors",
            "percent",
            "inside",
            "count",
            "loss",
            "worst",
            "examples",
            "first_nan",
            "raw",
            "with_season",
            "by_series",
            "sums",
            "distribution",
        ):
            getattr(self, name).merge(getattr(other, name))

    def compute(self) -> dict[str, float]:
        """All metrics over all windows so far. Raises: NonFinite when an output was NaN"""
        self.first_nan.refuse()
        found = {**self.scores_of(0), **self._of_distribution(), "loss": float(self.loss.value())}
        return {self.first: found[self.first], **found}

    def _of_distribution(self) -> dict[str, float]:
        return self.distribution.compute() if self.distribution.count.sum is not None else {}

    def scores_of(self, which: int) -> dict[str, float]:
        """The metrics of one of FORECASTS, those of the model alone where it takes more than errors."""
        square, absolute = self.errors.value()[which].sum(1)  # (V,)
        count = self.count.value().sum(0)
        std, scales = (torch.tensor(values).double() for values in (self.target.std, self.target.scales))
        raw, root = absolute * std / count, (square / count).sqrt() * std
        scaled = torch.where(scales > 0, raw / scales, torch.nan)
        if self.raw.sum is not None:
            of_all = self.raw.value()[which]
            root, raw, scaled = (
                (of_all[0] / count).sqrt(),
                of_all[1] / count,
                of_all[2] / self.with_season.value().sum(0),
            )
        found = {
            "mse": float(square.sum() / count.sum()),
            "mae": float(absolute.sum() / count.sum()),
            "mase": mean_of_defined(scaled.tolist()),
        }
        if which == 0:
            found["smape"] = float(100 * self.percent.value().sum() / count.sum())
        if which == 0 and self.inside.sum is not None and (name := coverage_name(self.quantiles)):
            found[name] = float(self.inside.value().sum() / count.sum())
        own = {"raw_mae": raw, "raw_rmse": root}
        names = self.target.names
        for metric, values in own.items():
            single = len(names) == 1
            found |= {metric if single else f"{metric}/{n}": v for n, v in zip(names, values.tolist(), strict=True)}
        return found

    def details(self) -> dict[str, Any]:
        """horizon: errors of each step beside the baselines'; worst and examples: windows of one variable each, to be drawn;
        sums: errors by series or by stretches of time."""
        errors, count = self.errors.value(), self.count.value().sum(1)
        by_step = {
            name: {
                "mse": (errors[place, 0].sum(1) / count).tolist(),
                "mae": (errors[place, 1].sum(1) / count).tolist(),
            }
            for place, name in enumerate(FORECASTS)
        }
        totals = {name: self.scores_of(place) for place, name in enumerate(FORECASTS)}
        return {
            "horizon": {"season": self.target.season, "steps": by_step, "totals": totals},
            "worst": self._formatted(self.worst),
            "examples": self._formatted(self.examples),
            "sums": self.sums.table(),
            **(self.distribution.details() if self.distribution.count.sum is not None else {}),
            **({"by_series": self.by_series.table(self.target.names)} if self.raw.sum is not None else {}),
        }

    def _add_raw(self, outputs: Mapping[str, Tensor], error: Tensor, counted: Tensor, index: Tensor) -> None:
        """error: (K, B, H, V) in own units, 0 where the truth is missing."""
        season_error = outputs["season_error"].to(error.dtype)  # (B, 1, V)
        there = (season_error > 0) * counted
        scaled = error.abs() / season_error.clamp(min=1e-30) * there
        self.raw.add(torch.stack([error.square().sum((1, 2)), error.abs().sum((1, 2)), scaled.sum((1, 2))], 1))
        self.with_season.add(there.sum((0, 1))[None])
        sums = [error[0].square(), error[0].abs(), scaled[0], counted, there]
        self.by_series.add(outputs["series"].long(), index, torch.stack([part.sum(1) for part in sums], 1))

    def _keep(self, outputs: Mapping[str, Tensor], counted: Tensor, error: Tensor, index: Tensor) -> None:
        """The variable of each window that went most wrong, and of any window one in turn."""
        rank = outputs["loss"].detach()
        self.worst.update(rank, index, self._one_variable(outputs, counted, error.abs().sum(1).argmax(1)))
        turn = (index.to(rank.device) % len(self.target.names)).long()
        fields = {**self._one_variable(outputs, counted, turn), "loss": rank}
        self.examples.update(shuffled_rank(index.to(rank.device)), index, fields)

    def _one_variable(self, outputs: Mapping[str, Tensor], counted: Tensor, which: Tensor) -> dict[str, Tensor]:
        """Past, truth, forecast and the outermost quantiles (B, steps) of one variable of each window; `which` (B,)."""
        back = SHOWN_BACK * outputs["target"].shape[1]
        columns = {
            "past": outputs["input"][:, -back:],
            "truth": outputs["target"],
            "found": outputs["values"],
            "seasonal": outputs["seasonal"],
            "counted": counted,
        }
        if "quantiles" in outputs:
            columns |= {"low": outputs["quantiles"][..., 0], "high": outputs["quantiles"][..., -1]}
            columns |= {"fan": outputs["quantiles"]} if len(self.quantiles) > FEW else {}
        columns |= {"paths": outputs["paths"]} if "paths" in outputs else {}
        rows = torch.arange(len(which), device=which.device)
        one = {name: values[rows, :, which] for name, values in columns.items()} | {"variable": which}
        own = ("centre", "spread") if "spread" in outputs else ()
        return one | {name: outputs[name][rows, 0, which] for name in own}

    def _formatted(self, top: TopRows) -> list[dict[str, Any]]:
        rows, formatted = {name: values.cpu() for name, values in top.rows.items()}, []
        for place, index in enumerate(rows["index"].tolist()):
            variable = int(rows["variable"][place])
            own = "centre" in rows
            mean = float(rows["centre"][place]) if own else self.target.mean[variable]
            std = float(rows["spread"][place]) if own else self.target.std[variable]
            lines = {
                name: [
                    None if value != value else round(value, 6)
                    for value in (rows[name][place].double() * std + mean).tolist()
                ]
                for name in ("past", "truth", "found", "seasonal", "low", "high")
                if name in rows
            }
            lines |= {  # a line for each quantile and each path
                name: [
                    [round(value, 6) for value in line] for line in (rows[name][place].double() * std + mean).T.tolist()
                ]
                for name in ("fan", "paths")
                if name in rows
            }
            known = rows["counted"][place].bool().tolist()
            lines["truth"] = [value if there else None for value, there in zip(lines["truth"], known, strict=True)]
            formatted.append(
                {
                    "index": index,
                    "target": _span(lines["truth"], self.target.names[variable]),
                    "prediction": _span(lines["found"], self.target.names[variable]),
                    "confidence": None,
                    "loss": float(rows["loss" if "loss" in rows else "rank"][place]),
                    "variable": self.target.names[variable],
                    **lines,
                }
            )
        return formatted


def _span(values: Sequence[float | None], name: str) -> str:
    """ "OT 3.2 to 9.1"."""
    there = [value for value in values if value is not None]
    return f"{name} {min(there):.4g} to {max(there):.4g}" if there else f"{name} unknown"
