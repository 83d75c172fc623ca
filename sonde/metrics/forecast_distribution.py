"""How a forecast's distribution did: CRPS by step beside two plain ones, and how often truths lay below each quantile."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sonde.core.dataset import TargetSpec
from sonde.metrics.crps import normal_crps, quantile_losses
from sonde.metrics.mean import Total

COMPARED = ("model", "last season", "training values")
INTERVALS = (50, 80, 90)
"""Percent, the intervals whose coverage is a metric where a forecast has both of their ends."""
OF_MEAN = math.sqrt(math.pi / 2)  # a normal distribution's deviation, of its mean absolute deviation

# B windows, H horizon, V variables, Q quantiles, K distributions compared


def coverage_name(levels: Sequence[float]) -> str:
    """What the share of truths between the outermost of these quantiles is called; "" where they are no interval.

    >>> coverage_name([0.1, 0.5, 0.9]), coverage_name([0.0125, 0.5, 0.9875]), coverage_name([0.5])
    ('coverage_80', 'coverage_97.5', '')
    """
    return f"coverage_{round(100 * (levels[-1] - levels[0]), 4):g}" if len(levels) > 1 else ""


class ForecastDistribution:
    """Adds up scores of distributions for each step and variable.

    metrics: crps, in deviations of the training part as mse is, and raw_crps in the series' own units; pinball, the mean over the
             quantiles; coverage_50, coverage_80 and coverage_90, the shares of truths in those intervals
    Beside the CRPS stand that of a normal distribution about the last season, as wide as the training part's errors of a season
    before (growing with the root of the seasons ahead; Hyndman and Athanasopoulos 2021, table 5.2), and that of a normal
    distribution with the training part's mean and deviation, which looks at nothing.
    """

    def __init__(self, target: TargetSpec, levels: Sequence[float]) -> None:
        self.target, self.levels = target, list(levels)
        self.crps = Total()  # (K, H, V)
        self.raw = Total()  # (V,)
        self.pinball = Total()  # ()
        self.below = Total()  # (Q,): truths at or below each quantile
        self.inside = Total()  # (Q,): truths between the quantile and the one of the opposite level
        self.count = Total()  # (H, V): truths that are known

    def update(self, outputs: Mapping[str, Tensor], counted: Tensor, std: Tensor, season_error: Tensor) -> None:
        """Add windows: crps (B, H, V) and quantiles (B, H, V, Q), where there are, target and seasonal, all standardised.

        counted: (B, H, V), 0 where the truth is missing;  std, season_error: as `ForecastMeter` has them, (V,) or (B, 1, V)
        """
        target = outputs["target"].to(counted)
        self.count.add(counted.sum(0))
        if "crps" in outputs:
            own = outputs["crps"].to(counted) * counted
            usual = naive_crps(outputs["seasonal"].to(counted), target, std, season_error, self.target.season)
            nothing = normal_crps(torch.zeros_like(target), torch.ones_like(target), target)
            self.crps.add(torch.stack([own, usual * counted, nothing * counted]).sum(1))
            self.raw.add((own * std).sum((0, 1)))
        if self.levels and "quantiles" in outputs:
            quantiles = outputs["quantiles"].to(counted)
            under = (target[..., None] <= quantiles) * counted[..., None]
            between = (under - under.flip(-1)).abs()  # the levels may lack an opposite: `_opposite` tells
            self.below.add(under.sum((0, 1, 2)))
            self.inside.add(between.sum((0, 1, 2)))
            level = torch.tensor(self.levels, dtype=quantiles.dtype, device=quantiles.device)
            losses = quantile_losses(quantiles, target, level).mean(-1)
            self.pinball.add((losses * counted).sum())

    def merge(self, other: "ForecastDistribution") -> None:
        """Add another process's sums."""
        for name in ("crps", "raw", "pinball", "below", "inside", "count"):
            getattr(self, name).merge(getattr(other, name))

    def compute(self) -> dict[str, float]:
        """The metrics of what was added."""
        found: dict[str, float] = {}
        count = self.count.value()
        if self.crps.sum is not None:
            found["crps"] = float(self.crps.value()[0].sum() / count.sum())
            own, names = self.raw.value() / count.sum(0), self.target.names
            single = len(names) == 1
            found |= {"raw_crps" if single else f"raw_crps/{n}": v for n, v in zip(names, own.tolist(), strict=True)}
        if self.below.sum is not None and len(self.levels) > 3:
            found["pinball"] = float(self.pinball.value() / count.sum())
            covered = {round(100 * nominal): share for nominal, share in self._intervals()}
            found |= {f"coverage_{nominal}": covered[nominal] for nominal in INTERVALS if nominal in covered}
        return found

    def details(self) -> dict[str, Any]:
        """crps: by step and of all steps, of each of COMPARED;  calibration_by_quantile: windows, steps of each, levels,
        truths below each, intervals."""
        found: dict[str, Any] = {}
        count = self.count.value()
        if self.crps.sum is not None:
            sums = self.crps.value()
            steps = (sums.sum(2) / count.sum(1)).tolist()
            totals = (sums.sum((1, 2)) / count.sum()).tolist()
            found["crps"] = {
                "season": self.target.season,
                "steps": dict(zip(COMPARED, steps, strict=True)),
                "totals": dict(zip(COMPARED, totals, strict=True)),
            }
        if self.below.sum is not None:
            found["calibration_by_quantile"] = {
                "windows": int(count.max()),
                "horizon": len(count),
                "levels": self.levels,
                "below": (self.below.value() / count.sum()).tolist(),
                "intervals": [{"nominal": nominal, "covered": share} for nominal, share in self._intervals()],
            }
        return found

    def _intervals(self) -> list[tuple[float, float]]:
        """(nominal share, share of truths) of each pair of opposite levels, the narrowest first."""
        shares = (self.inside.value() / self.count.value().sum()).tolist()
        pairs = list(zip(self.levels, reversed(self.levels), strict=True))
        if not all(math.isclose(low + high, 1, abs_tol=1e-9) for low, high in pairs):
            return []
        return [(high - low, shares[place]) for place, (low, high) in enumerate(pairs) if low < 0.5][::-1]


def naive_crps(seasonal: Tensor, target: Tensor, std: Tensor, season_error: Tensor, season: int) -> Tensor:
    """CRPS of the normal distribution about the last season: (B, H, V), all standardised by `std`."""
    ahead = torch.arange(target.shape[1], device=target.device)
    seasons = (ahead // max(season, 1) + 1).to(target).sqrt()[:, None]  # (H, 1)
    spread = season_error.to(target) / std.to(target) * OF_MEAN * seasons
    return normal_crps(seasonal, spread.expand_as(target), target)
