"""What forecast errors are made of, by series or by stretches of time: neighbouring windows are no independent rows."""

from typing import Any

import torch
from torch import Tensor

from sonde.metrics.by_row import table_of_sums

SUMS = (
    "square",
    "absolute",
    "scaled",
    "raw_square",
    "raw_absolute",
)  # of errors; scaled: over those of a season before
COUNTS = ("count", "seasonal")  # truths that are known, and those of series and variables with a season's error
COMPARED = 2  # the model, and the rule that it is compared with
FEWEST = 5  # series or stretches, of fewer of which nothing is told
STRETCHES = 30  # of one series. Source: Schmeiser 1982, Operations Research 30(3): 10 to 30 batches of a mean
MOST = 10_000  # series that are kept

# B windows, H horizon, V variables, K forecasts compared, G groups, C sums


class GroupSums:
    """Adds up sums of rows by the number of their group, (G, C) float64."""

    def __init__(self) -> None:
        self.sums: Tensor | None = None

    def add(self, group: Tensor, sums: Tensor) -> None:
        """group: (B,) int64;  sums: (B, C)"""
        more = sums.new_zeros(int(group.max()) + 1, sums.shape[1]).index_add(0, group, sums)
        self._take(more)

    def merge(self, other: "GroupSums") -> None:
        """Add another process's."""
        if other.sums is not None:
            self._take(other.sums)

    def _take(self, more: Tensor) -> None:
        if self.sums is None:
            self.sums = more
            return
        most = max(len(self.sums), len(more))
        self.sums = _grown(self.sums, most) + _grown(more.to(self.sums.device), most)


class ForecastSums:
    """Sums of a model's errors and of those of the rule beside it, of each series and of each stretch of windows.

    Windows of one stretch begin within one horizon of each other. Where there are several series, a series is one row of the
    table, as if it had nothing in common with the others; else stretches are, put together until there are at most STRETCHES,
    each at least two horizons long: errors of windows that overlap are alike.
    """

    def __init__(self) -> None:
        self.by_series, self.by_time = GroupSums(), GroupSums()

    def update(
        self, errors: Tensor, scales: tuple[Tensor, Tensor], counted: Tensor, at: tuple[Tensor, Tensor | None]
    ) -> None:
        """Add windows.

        errors: (K, B, H, V) standardised, 0 where the truth is missing, of which the first COMPARED are added up
        scales: deviation that errors are in, and that of a season in own units, 0 where it is not known; each (V,) or (B, 1, V)
        counted: (B, H, V) 1 where a truth is known;  at: index of the windows (B,), and number of their series
        """
        spread, season = (scale.to(errors) for scale in scales)
        errors = errors[:COMPARED]
        raw = errors * spread
        seasonal = (season > 0) * counted
        scaled = raw.abs() / season.clamp(min=1e-30) * seasonal
        parts = [errors.square(), errors.abs(), scaled, raw.square(), raw.abs()]
        sums = torch.stack([part.sum((2, 3)) for part in parts], 2)  # (COMPARED, B, SUMS)
        counts = torch.stack([part.to(errors.dtype).sum((1, 2)) for part in (counted, seasonal.expand_as(counted))], 1)
        columns = torch.cat([*sums, counts], 1)
        index, series = at
        self.by_time.add(index.to(errors.device).long() // counted.shape[1], columns)
        if series is not None:
            self.by_series.add(series.to(errors.device).long(), columns)

    def merge(self, other: "ForecastSums") -> None:
        """Add another process's windows."""
        self.by_series.merge(other.by_series)
        self.by_time.merge(other.by_time)

    def table(self) -> dict[str, Any]:
        """For sums.json; without rows where there are too few."""
        for unit, sums in (("series", self.by_series.sums), ("stretches of time", _stretches(self.by_time.sums))):
            if sums is None:
                continue
            known = sums[sums[:, -len(COUNTS)] > 0].cpu()
            if len(known) >= FEWEST:
                kept = known[torch.linspace(0, len(known) - 1, min(MOST, len(known))).long()]
                return table_of_sums(unit, len(known), _named(kept))
        return table_of_sums("series", 0, {})


def _named(sums: Tensor) -> dict[str, Tensor]:
    names = [*SUMS, *(f"baseline_{name}" for name in SUMS), *COUNTS]
    return dict(zip(names, sums.unbind(1), strict=True))


def _stretches(sums: Tensor | None) -> Tensor | None:
    """Neighbours put together; what is left over at the end goes to the last."""
    if sums is None:
        return None
    each = max(2, len(sums) // STRETCHES)
    number = (torch.arange(len(sums), device=sums.device) // each).clamp(max=max(1, len(sums) // each) - 1)
    return sums.new_zeros(int(number[-1]) + 1, sums.shape[1]).index_add(0, number, sums)


def _grown(values: Tensor, count: int) -> Tensor:
    return torch.cat([values, values.new_zeros(count - len(values), values.shape[1])])
