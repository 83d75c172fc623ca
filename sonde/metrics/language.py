"""Evaluation of next-token predictions, added up batch by batch."""

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from sonde.core.vocabulary import PAD, SPECIAL, Characters, Subwords, Vocabulary
from sonde.metrics.first_nan import FirstNaN
from sonde.metrics.mean import Mean
from sonde.metrics.top_k import TopRows

WORST, BEST = 12, 6  # windows stored whole
MOST_NATS = 700.0  # whose exponential is still a number

# B rows, T tokens


class LanguageMeter:
    """Adds up the nats of every token that counts, those of PAD do not.

    metrics: loss, the mean nats a token; perplexity, its exponential; bits_per_character, all bits over all characters, where
             tokens give the text back; accuracy, the share of tokens that were held most probable
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.nats, self.right, self.by_place = Mean(), Mean(), Mean()
        self.characters = 0
        self.first_nan = FirstNaN()
        self.worst, self.best = TopRows(WORST), TopRows(BEST)

    def update(self, outputs: Mapping[str, Tensor], index: Tensor) -> None:
        """Add rows of one length: nats (B, T), and target and prediction (B, T) int64."""
        nats, target, prediction = outputs["nats"].detach(), outputs["target"], outputs["prediction"]
        counted = (target != PAD).to(nats.dtype)
        self.first_nan.update(nats, index)
        self.nats.update(nats.flatten(), counted.flatten())
        self.right.update((prediction == target).flatten().to(nats.dtype), counted.flatten())
        self.by_place.update(nats, counted)
        self.characters += characters(self.vocabulary, target)
        mean = (nats * counted).sum(1) / counted.sum(1).clamp(min=1)
        fields = {"target": target, "prediction": prediction}
        self.worst.update(mean, index, fields)
        self.best.update(-mean, index, fields)

    def merge(self, other: "LanguageMeter") -> None:
        """Add another process's sums."""
        self.characters += other.characters
        for name in ("nats", "right", "by_place", "worst", "best", "first_nan"):
            getattr(self, name).merge(getattr(other, name))

    def compute(self) -> dict[str, float]:
        """All metrics over all tokens so far. Raises: NonFinite when an output was NaN."""
        self.first_nan.refuse()
        loss = float(self.nats.value())
        found = {"loss": loss, "perplexity": math.exp(min(loss, MOST_NATS))}
        if self.characters and self.nats.total is not None:
            found["bits_per_character"] = float(self.nats.total) / math.log(2) / self.characters
        return {**found, "accuracy": float(self.right.value())}

    def details(self) -> dict[str, Any]:
        """by_place: mean nats of the tokens at each place of a window; worst and best windows as text."""
        weight = self.by_place.weight
        assert weight is not None
        counts, means = weight.tolist(), self.by_place.value().tolist()
        nats = [mean if count else None for mean, count in zip(means, counts, strict=True)]
        return {
            "by_place": {"nats": nats, "count": [int(count) for count in counts]},
            "worst": self._formatted(self.worst, sign=1),
            "best": self._formatted(self.best, sign=-1),
        }

    def _formatted(self, top: TopRows, *, sign: int) -> list[dict[str, Any]]:
        rows = top.rows
        return [
            {
                "index": index,
                "target": self.vocabulary.decode(rows["target"][place].tolist()),
                "prediction": self.vocabulary.decode(rows["prediction"][place][rows["target"][place] != PAD].tolist()),
                "confidence": None,
                "loss": sign * float(rows["rank"][place]),
            }
            for place, index in enumerate(rows["index"].tolist())
        ]


def characters(vocabulary: Vocabulary, target: Tensor) -> int:
    """Characters of the text that targets (B, T) stand for; 0 where tokens do not give it back."""
    if isinstance(vocabulary, Characters):
        return int((target >= len(SPECIAL)).sum())
    if isinstance(vocabulary, Subwords):
        return len(vocabulary.decode(target[target != PAD].tolist()))
    return 0
