"""The bound on the likelihood of texts that masked diffusion gives, as a whole and by how much was masked."""

import math
from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from sonde.core.vocabulary import Vocabulary
from sonde.metrics.first_nan import FirstNaN
from sonde.metrics.language import MOST_NATS, characters
from sonde.metrics.mean import Mean

LEVELS = 8  # ranges of the masked share

# B rows, T tokens


class MaskedDiffusionMeter:
    """Adds up rows, each masked once.

    metrics: loss, an upper bound of the mean nats a token; perplexity, its exponential; bits_per_character, the bound in bits
             over all characters, where tokens give the text back; accuracy, the share of the masked tokens predicted correctly
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.nats, self.right, self.by_level = Mean(), Mean(), Mean()
        self.characters = 0
        self.first_nan = FirstNaN()

    def update(self, outputs: Mapping[str, Tensor], index: Tensor) -> None:
        """Add rows: nats, right (B,), means over the masked tokens of a row, and hidden (B,), how many those are; target (B, T).

        As the number of masked tokens is uniform from 1 to all n, the mean nats of those times n bound the nats of the row.
        """
        nats, hidden, target = outputs["nats"].detach(), outputs["hidden"], outputs["target"]
        tokens = (target != 0).sum(1)
        self.first_nan.update(nats, index)
        self.nats.update(nats, tokens)
        self.right.update(outputs["right"], hidden)
        level = ((hidden - 1) * LEVELS // tokens.clamp(min=1)).clamp(0, LEVELS - 1)
        at = F.one_hot(level, LEVELS).to(nats.dtype)
        self.by_level.update(nats[:, None].expand_as(at), at)
        self.characters += characters(self.vocabulary, target)

    def merge(self, other: "MaskedDiffusionMeter") -> None:
        """Add another process's sums."""
        self.characters += other.characters
        for name in ("nats", "right", "by_level", "first_nan"):
            getattr(self, name).merge(getattr(other, name))

    def compute(self) -> dict[str, float]:
        """All metrics over all rows so far. Raises: NonFinite when a loss was NaN."""
        self.first_nan.refuse()
        loss = float(self.nats.value())
        found = {"loss": loss, "perplexity": math.exp(min(loss, MOST_NATS))}
        if self.characters and self.nats.total is not None:
            found["bits_per_character"] = float(self.nats.total) / math.log(2) / self.characters
        return {**found, "accuracy": float(self.right.value())}

    def details(self) -> dict[str, Any]:
        """by_masked: mean nats of a masked token, by ranges of the share that was masked, of those that a row had."""
        values = self.by_level.value().tolist()
        return {
            "by_masked": [
                {"masked": (level + 0.5) / LEVELS, "nats": value}
                for level, value in enumerate(values)
                if not math.isnan(value)
            ]
        }
