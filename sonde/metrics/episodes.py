"""What episodes returned."""

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

MODES: Mapping[str, Literal["max", "min"]] = {
    "return": "max",
    "return_std": "min",
    "return_worst": "max",
    "length": "max",
}


class EpisodesMeter:
    """Mean and spread of the returns of episodes, and their mean length."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[float, float]] = {}

    def update(self, outputs: Mapping[str, Tensor], index: Tensor) -> None:
        """Add episodes by their number."""
        rows = zip(outputs["return"].tolist(), outputs["length"].tolist(), strict=True)
        self._found |= dict(zip(index.tolist(), rows, strict=True))

    def merge(self, other: "EpisodesMeter") -> None:
        """Add another's episodes."""
        self._found |= other._found

    def compute(self) -> dict[str, float]:
        """The metrics."""
        found = torch.tensor(list(self._found.values()), dtype=torch.float64)
        returns, lengths = found.T
        return {
            "return": float(returns.mean()),
            "return_std": float(returns.std(unbiased=False)),
            "return_worst": float(returns.min()),
            "length": float(lengths.mean()),
        }

    def details(self) -> dict[str, Any]:
        """Each episode's return and length, by its number."""
        ordered = [self._found[number] for number in sorted(self._found)]
        return {"episodes": {"return": [each[0] for each in ordered], "length": [each[1] for each in ordered]}}
