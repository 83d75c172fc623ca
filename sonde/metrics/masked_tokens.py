"""Evaluation of masked-token predictions, added up batch by batch."""

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from sonde.metrics.first_nan import FirstNaN
from sonde.metrics.mean import Mean

MOST_NATS = 700.0  # whose exponential is still a number

# B rows


class MaskedTokensMeter:
    """Adds up rows.

    metrics: loss, mean nats of a masked token; perplexity, its exponential; accuracy, the share predicted correctly
    """

    def __init__(self) -> None:
        self.nats, self.right = Mean(), Mean()
        self.first_nan = FirstNaN()

    def update(self, outputs: Mapping[str, Tensor], index: Tensor) -> None:
        """Add rows: nats, right (B,), means over the masked tokens of a row, and hidden (B,), how many those are."""
        nats, hidden = outputs["nats"].detach(), outputs["hidden"]
        self.first_nan.update(nats, index)
        self.nats.update(nats, hidden)
        self.right.update(outputs["right"], hidden)

    def merge(self, other: "MaskedTokensMeter") -> None:
        """Add another process's sums."""
        self.first_nan.merge(other.first_nan)
        self.nats.merge(other.nats)
        self.right.merge(other.right)

    def compute(self) -> dict[str, float]:
        """All metrics over all masked tokens so far. Raises: NonFinite when a loss was NaN."""
        self.first_nan.refuse()
        loss = float(self.nats.value())
        return {"loss": loss, "perplexity": math.exp(min(loss, MOST_NATS)), "accuracy": float(self.right.value())}

    def details(self) -> dict[str, Any]:
        """Nothing more is known of single rows."""
        return {}
