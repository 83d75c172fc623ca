"""The errors of each of several series that are forecast together."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

# B windows, S series, V variables
SUMS = 5  # squared and absolute errors, absolute errors over those of a season before, truths, truths of those


class BySeries:
    """Adds up errors of windows by the number of their series; a series is known by the first of its windows."""

    def __init__(self) -> None:
        self.sums: Tensor | None = None  # (S, SUMS, V)
        self.windows: Tensor | None = None  # (S,)
        self.first: Tensor | None = None  # (S,) the lowest index of a window

    def add(self, series: Tensor, index: Tensor, sums: Tensor) -> None:
        """Add windows: the number of their series and their own index (B,), sums (B, SUMS, V)."""
        count = max(int(series.max()) + 1, 0 if self.sums is None else len(self.sums))
        more = sums.new_zeros(count, *sums.shape[1:]).index_add(0, series, sums)
        windows = torch.bincount(series, minlength=count)
        nothing = torch.full((count,), torch.iinfo(torch.int64).max, device=series.device)
        first = nothing.scatter_reduce(0, series, index.to(series), "amin")
        self._take(more, windows, first)

    def merge(self, other: "BySeries") -> None:
        """Add another process's."""
        if other.sums is not None and other.windows is not None and other.first is not None:
            self._take(other.sums, other.windows, other.first)

    def table(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """For each series {index of a window, windows, mase, raw_mae and raw_rmse by variable}, the highest MASE first.

        None where a score is not defined: no truth is known, or the series never changed from season to season
        """
        assert self.sums is not None
        assert self.windows is not None
        assert self.first is not None
        square, absolute, scaled, known, seasonal = self.sums.cpu().double().unbind(1)  # (S, V) each
        rows = []
        for place in torch.nonzero(self.windows.cpu())[:, 0].tolist():
            raw = {
                "raw_mae": _by_name(names, absolute[place] / known[place]),
                "raw_rmse": _by_name(names, (square[place] / known[place]).sqrt()),
            }
            mase = _defined((scaled[place] / seasonal[place])[seasonal[place] > 0].mean())
            beside = {"index": int(self.first[place]), "windows": int(self.windows[place])}
            rows.append({**beside, "mase": mase, **raw})
        return sorted(rows, key=lambda row: -1.0 if row["mase"] is None else row["mase"], reverse=True)

    def _take(self, sums: Tensor, windows: Tensor, first: Tensor) -> None:
        if self.sums is not None and self.windows is not None and self.first is not None:
            count = max(len(self.sums), len(sums))
            largest = torch.iinfo(torch.int64).max
            sums = _grown(self.sums, count, 0) + _grown(sums, count, 0).to(self.sums.device)
            windows = _grown(self.windows, count, 0) + _grown(windows, count, 0).to(self.windows.device)
            ours, theirs = _grown(self.first, count, largest), _grown(first, count, largest)
            first = torch.minimum(ours, theirs.to(ours.device))
        self.sums, self.windows, self.first = sums, windows, first


def _grown(values: Tensor, count: int, fill: int) -> Tensor:
    return torch.cat([values, values.new_full((count - len(values), *values.shape[1:]), fill)])


def _by_name(names: Sequence[str], values: Tensor) -> dict[str, float | None]:
    return {name: _defined(value) for name, value in zip(names, values, strict=True)}


def _defined(value: Tensor) -> float | None:
    return float(value) if torch.isfinite(value) else None
