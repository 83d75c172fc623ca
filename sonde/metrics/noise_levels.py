"""The loss of a denoiser, as a whole and by how noisy its input was."""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from sonde.metrics.mean import Mean


class NoiseLevelMeter:
    """Mean loss, and the mean at each of several noise levels: B rows, each at one of L levels."""

    def __init__(self, levels: tuple[float, ...]) -> None:
        """levels: the share of noise at each, from 0 to 1"""
        self.levels = levels
        self.loss, self.by_level = Mean(), Mean()

    def update(self, outputs: Mapping[str, Tensor], index: Tensor) -> None:
        """Add rows: loss (B,) and level (B,) int64."""
        loss = outputs["loss"]
        self.loss.update(loss)
        at = F.one_hot(outputs["level"], len(self.levels)).to(loss.dtype)
        self.by_level.update(loss[:, None].expand_as(at), at)

    def merge(self, other: "NoiseLevelMeter") -> None:
        """Add another process's rows."""
        self.loss.merge(other.loss)
        self.by_level.merge(other.by_level)

    def compute(self) -> dict[str, float]:
        """{"loss": mean over the rows}."""
        return {"loss": float(self.loss.value())}

    def details(self) -> dict[str, Any]:
        """{"noise_levels": the level and its mean loss, of the levels that a row had}."""
        values = self.by_level.value().tolist()
        return {
            "noise_levels": [
                {"level": level, "loss": value}
                for level, value in zip(self.levels, values, strict=True)
                if not torch.tensor(value).isnan()
            ]
        }
