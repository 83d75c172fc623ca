"""Evaluation of transcripts, batch by batch: words and characters that are wrong, and which words are taken for which."""

import heapq
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sonde.core.vocabulary import Vocabulary
from sonde.metrics.by_row import ByRow, sums_table
from sonde.metrics.edits import aligned, distance
from sonde.metrics.first_nan import FirstNaN
from sonde.metrics.mean import Mean

WORST = 24  # recordings that are listed
MOST_WORDS = 25  # different true words of which a table of confusions can be read
SUMS = ("word_edits", "words", "character_edits", "characters", "right")  # of each row
OTHER, NOTHING = "(another word)", "(nothing)"

# B rows, L tokens that were found, M tokens of the truth


@dataclass(frozen=True, order=True)
class Case:
    """One transcript, ordered by how wrong it is. rate: its character errors for each true character"""

    rate: float
    loss: float
    index: int
    truth: str
    found: str


class TranscriptMeter:
    """Adds up transcripts.

    metrics: wer and cer, edits for each true word and character of all rows together; accuracy, the share of rows without any;
             loss (nats a token); unreachable, the share of rows with fewer frames than their transcript needs, where there are
             any: their loss counts nowhere
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.first_nan = FirstNaN()
        self.loss = Mean()
        self.rows = self.right = self.unreachable = 0
        self.words = self.word_edits = self.characters = self.character_edits = 0
        self.pairs: Counter[tuple[str | None, str | None]] = Counter()
        self._worst: list[Case] = []
        self.by_row = ByRow()

    def update(self, outputs: Mapping[str, Tensor], index: Tensor) -> None:
        """Add rows: found (B, L) and target (B, M) tokens; loss and its weight (B,); unreachable (B,) bool."""
        loss = outputs["loss"].detach()
        self.first_nan.update(loss, index)
        self.loss.update(loss, outputs["weight"])
        self.unreachable += int(outputs["unreachable"].sum())
        listed = zip(outputs["target"].tolist(), outputs["found"].tolist(), loss.tolist(), index.tolist(), strict=True)
        sums = [
            self._add(self.vocabulary.decode(target), self.vocabulary.decode(found), lost, row)
            for target, found, lost, row in listed
        ]
        self.by_row.update(index.cpu(), **dict(zip(SUMS, torch.tensor(sums).unbind(1), strict=True)))

    def merge(self, other: "TranscriptMeter") -> None:
        """Add another process's sums."""
        self.first_nan.merge(other.first_nan)
        self.loss.merge(other.loss)
        counted = ("rows", "right", "unreachable", "words", "word_edits", "characters", "character_edits")
        for name in counted:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.pairs += other.pairs
        self.by_row.merge(other.by_row)
        self._worst = heapq.nlargest(WORST, [*self._worst, *other._worst])

    def compute(self) -> dict[str, float]:
        """All metrics over all rows so far. Raises: NonFinite when an output was NaN."""
        self.first_nan.refuse()
        found = {
            "wer": self.word_edits / max(1, self.words),
            "cer": self.character_edits / max(1, self.characters),
            "accuracy": self.right / self.rows,
            "loss": float(self.loss.value()),
        }
        return {**found, "unreachable": self.unreachable / self.rows} if self.unreachable else found

    def details(self) -> dict[str, Any]:
        """worst; sums of each row; of few different words the confusion of them (docs/run-folder.md)."""
        worst = [
            {
                "index": case.index,
                "target": case.truth,
                "prediction": case.found or NOTHING,
                "confidence": None,
                "loss": case.loss,
            }
            for case in sorted(self._worst, reverse=True)
        ]
        names = sorted({truth for truth, _ in self.pairs if truth is not None})
        found = {"worst": worst, "sums": sums_table(self.by_row, "recordings")}
        if not 2 <= len(names) <= MOST_WORDS:
            return found
        return {**found, "confusion": self._confusion(names)}

    def _add(self, truth: str, found: str, loss: float, row: int) -> tuple[int, ...]:
        """Add a row; its SUMS."""
        wrong = distance(truth, found)
        pairs = aligned(truth.split(), found.split())
        sums = (sum(one != other for one, other in pairs), len(truth.split()), wrong, len(truth), int(truth == found))
        self.rows += 1
        for name, value in zip(SUMS, sums, strict=True):
            setattr(self, name, getattr(self, name) + value)
        self.pairs.update(pairs)
        case = Case(wrong / max(1, len(truth)), loss, row, truth, found)
        self._worst = heapq.nlargest(WORST, [*self._worst, case])
        return sums

    def _confusion(self, names: list[str]) -> dict[str, Any]:
        """Counts of words, rows truth and columns what was found."""
        whole = [*names, OTHER, NOTHING]
        places = {name: place for place, name in enumerate(whole)}
        counts = [[0] * len(whole) for _ in whole]
        for (truth, found), number in self.pairs.items():
            row = places[NOTHING] if truth is None else places[truth]
            column = places[NOTHING] if found is None else places.get(found, places[OTHER])
            counts[row][column] += number
        return {"names": whole, "counts": counts, "unit": "words"}
