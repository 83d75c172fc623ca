"""What episodes returned, and what was expected of them."""

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from sonde.core.batch import Batch

MODES: Mapping[str, Literal["max", "min"]] = {
    "return": "max",
    "return_std": "min",
    "return_worst": "max",
    "length": "max",
}
PLAYED = (
    "return",
    "length",
    "expected_return",
    "bootstrapped_return",
    "bootstrapped_part",
)  # fields of a batch of episodes; the last three may be absent


def played(batch: Batch) -> dict[str, Tensor]:
    """What is known of episodes that were played before, for the meter: a task's `evaluate`."""
    return {name: batch[name] for name in PLAYED if name in batch.fields}


class EpisodesMeter:
    """Mean and spread of the returns of episodes, and their mean length; of tasks that estimate what an episode will return,
    the mean of that at its first step, and of what it did return, discounted alike, with what was expected to follow where it was
    cut off: more than the return, where that is much."""

    def __init__(self) -> None:
        self._found: dict[int, dict[str, float]] = {}

    def update(self, outputs: Mapping[str, Tensor], index: Tensor) -> None:
        """Add episodes by their number."""
        columns = {name: outputs[name].tolist() for name in PLAYED if name in outputs}
        for place, number in enumerate(index.tolist()):
            self._found[number] = {name: values[place] for name, values in columns.items()}

    def merge(self, other: "EpisodesMeter") -> None:
        """Add another's episodes."""
        self._found |= other._found

    def kept(self) -> dict[int, dict[str, float]]:
        """Each episode's figures, by its number."""
        return dict(self._found)

    def take_up(self, kept: Mapping[int, Mapping[str, float]]) -> None:
        """Add episodes that were kept."""
        self._found |= {number: dict(figures) for number, figures in kept.items()}

    def _column(self, name: str) -> list[float]:
        ordered = [self._found[number] for number in sorted(self._found)]
        return [each[name] for each in ordered if name in each]

    def compute(self) -> dict[str, float]:
        """The metrics."""
        returns = torch.tensor(self._column("return"), dtype=torch.float64)
        means = {name: sum(found) / len(found) for name in PLAYED[1:] if (found := self._column(name))}
        return {
            "return": float(returns.mean()),
            "return_std": 0.0 if (returns == returns[0]).all() else float(returns.std(unbiased=False)),
            "return_worst": float(returns.min()),
            **means,
        }

    def details(self) -> dict[str, Any]:
        """Each episode's figures, by its number; and its return as what intervals are made of."""
        episodes = {name: found for name in PLAYED if (found := self._column(name))}
        numbers = {"index": sorted(self._found)}  # of the episodes: where not all were played, which those are
        sums = {
            "unit": "episodes",
            "rows": len(self._found),
            "index": None,
            "columns": {"return": episodes["return"], "length": episodes["length"]},
        }
        return {"episodes": numbers | episodes, "sums": sums}
