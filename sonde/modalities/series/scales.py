"""The scale of each of several series, its own mean and deviation: one near 1 is learned as well as one near a million."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sonde.core.dataset import Column
from sonde.modalities.series.columns import Series, Sizes
from sonde.modalities.series.panel import Panel

FEWEST = 2  # known values of a variable that say how it spreads

# S series, T steps, V variables, F of them that are forecast, the first


@dataclass(frozen=True)
class Scales:
    """Of each series.

    mean, std:    (S, V) float64
    season_error: (S, F) float64, mean absolute difference from a season before, in its own units; 0 where it has none
    """

    mean: np.ndarray
    std: np.ndarray
    season_error: np.ndarray

    def of_steps(self, lengths: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """(mean, std) of every step of all series one behind the other: (T, V) each."""
        return np.repeat(self.mean, lengths, axis=0), np.repeat(self.std, lengths, axis=0)

    def as_dict(self, labels: Sequence[str]) -> dict[str, Any]:
        """What a schema keeps: {series: [mean, std, season_error]}."""
        rows = zip(self.mean.tolist(), self.std.tolist(), self.season_error.tolist(), strict=True)
        return dict(zip(labels, map(list, rows), strict=True))


def fitted(series: Sequence[Series], ends: Sequence[int], *, first: int, season: int, forecast: int) -> Scales:
    """The scales of series by their steps before `ends`.

    first: steps that stand before whatever is forecast; they are taken of a series that has none to train on
    """
    found = [
        _one(one, end if one.known[:end].sum(axis=0).min(initial=FEWEST) >= FEWEST else first, season, forecast)
        for one, end in zip(series, ends, strict=True)
    ]
    mean, std, season_error = (np.stack(part) for part in zip(*found, strict=True))
    return Scales(mean, std, season_error)


def remembered(kept: Mapping[str, Any], labels: Sequence[str], fresh: Scales) -> tuple[Scales, list[str]]:
    """The scales that were kept of series by name, and which series are new: they have the `fresh` ones."""
    new = [label for label in labels if label not in kept]
    rows = [
        kept[label] if label in kept else [fresh.mean[place], fresh.std[place], fresh.season_error[place]]
        for place, label in enumerate(labels)
    ]
    mean, std, season_error = (np.array(part, dtype=np.float64) for part in zip(*rows, strict=True))
    return Scales(mean, std, season_error), new


def scales_of(panel: Panel, ends: list[int], found: Sizes, forecast: int) -> Scales | None:
    """Of each of several series by its steps before `ends`; None of a single one."""
    if not panel.ids:
        return None
    first = max(found.look_back, found.season)
    return fitted(panel.series, ends, first=first, season=found.season, forecast=forecast)


def scaled(panel: Panel, columns: tuple[Column, ...], scales: Scales | None) -> np.ndarray:
    """(T, V) float32 of all series, each by its own scale where there are such."""
    values = panel.joined("values")
    if scales is None:
        return by_columns(values, columns)
    mean, std = scales.of_steps(list(map(len, panel.series)))
    return ((values - mean) / std).astype(np.float32)


def by_columns(values: np.ndarray, columns: tuple[Column, ...]) -> np.ndarray:
    """(T, V) float32: values less the mean of their column, over its deviation."""
    mean, std = (np.array([getattr(column, what) for column in columns]) for what in ("mean", "std"))
    return ((values - mean) / std).astype(np.float32)


def _one(series: Series, end: int, season: int, forecast: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    values, known = series.values[:end], series.known[:end]
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0).sum(axis=0) / count
    std = np.sqrt((np.where(known, values - mean, 0) ** 2).sum(axis=0) / count)
    std = np.where(std > 1e-9 * np.abs(mean), std, 1.0)  # of a constant nothing but rounding is left
    both = (known[season:] & known[:-season])[:, :forecast]
    apart = np.abs(values[season:] - values[:-season])[:, :forecast]
    return mean, std, (apart * both).sum(axis=0) / np.maximum(both.sum(axis=0), 1)
