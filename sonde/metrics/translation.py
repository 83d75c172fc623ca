"""Evaluation of translations, batch by batch: likelihood of the reference, and BLEU of the generated text."""

import heapq
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sonde.core.vocabulary import PAD, Vocabulary
from sonde.metrics.bleu import ORDER, Bleu
from sonde.metrics.by_row import ByRow, sums_table
from sonde.metrics.first_nan import FirstNaN
from sonde.metrics.mean import Mean

SHOWN = 12  # of the worst and of the best sentences
MAPPED = 4  # sentences whose attention is kept
MOST_MAPPED = 40  # tokens of either side of such a map

# B rows, S source tokens, M target tokens, L tokens that were generated


@dataclass(frozen=True, order=True)
class Sentence:
    """One translation, ordered by how good it is.

    score: BLEU of this sentence, 0 to 100;  loss: nats a token of the true translation
    """

    score: float
    loss: float
    index: int
    prediction: str
    truth: str

    def as_case(self) -> dict[str, Any]:
        """As `worst` and `best` are kept in a run folder."""
        return {
            "index": self.index,
            "target": self.truth,
            "prediction": self.prediction,
            "bleu": self.score,
            "loss": self.loss,
        }


class TranslationMeter:
    """Adds up sentences.

    metrics: bleu (cased, detokenised, over all rows that were translated), token_accuracy (the likeliest next token, given
             the true ones before it), perplexity = exp(loss), loss (nats a token; without label smoothing)
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        """vocabulary: of the target. Raises: MissingDependency without sacrebleu."""
        self.vocabulary = vocabulary
        self.first_nan = FirstNaN()
        self.loss, self.right, self.bleu, self.by_row = Mean(), Mean(), Bleu(), ByRow()
        self._worst: list[Sentence] = []
        self._best: list[Sentence] = []
        self._maps: dict[int, dict[str, Any]] = {}

    def update(self, outputs: Mapping[str, Tensor], index: Tensor) -> None:
        """Add rows.

        loss, right (B,) means over the row's target tokens, tokens (B,) how many those are; target (B, M) and generated (B, L)
        tokens, the latter where decoded (B,) is True; reference (B, R) UTF-8 bytes of the true text where it is known, else
        it is what the target's tokens say; attention (n, L, S) of the rows of which mapped (B,) is True, spans (n,) tokens
        of their sources
        """
        loss = outputs["loss"].detach()
        self.first_nan.update(loss, index)
        self.loss.update(loss, outputs["tokens"])
        self.right.update(outputs["right"], outputs["tokens"])
        losses = loss.tolist()
        decoded = outputs["decoded"].nonzero().flatten()
        counts = [self._add(outputs, row, int(index[row]), losses[row]) for row in decoded.tolist()]
        if counts:
            self._keep_sums(index[decoded.to(index.device)].cpu(), torch.from_numpy(np.stack(counts)))
        if "attention" in outputs:
            self._map(outputs, index)

    def merge(self, other: "TranslationMeter") -> None:
        """Add another process's sums."""
        for name in ("loss", "right", "bleu", "first_nan", "by_row"):
            getattr(self, name).merge(getattr(other, name))
        self._keep(*other._worst, *other._best)
        self._maps |= other._maps

    def compute(self) -> dict[str, float]:
        """All metrics over all rows so far. Raises: NonFinite when an output was NaN."""
        self.first_nan.refuse()
        loss = float(self.loss.value())
        return {
            "bleu": self.bleu.value(),
            "token_accuracy": float(self.right.value()),
            "perplexity": math.exp(min(loss, 700.0)),  # where float64 ends
            "loss": loss,
        }

    def details(self) -> dict[str, Any]:
        """The worst and the best sentences by their BLEU, n-grams counted in each, and maps of attention."""
        maps = [self._maps[index] for index in sorted(self._maps)[:MAPPED]]
        return {
            "worst": [sentence.as_case() for sentence in self._worst],
            "best": [sentence.as_case() for sentence in self._best],
            "sums": sums_table(self.by_row, "sentences"),
            **({"attention": maps} if maps else {}),
        }

    def _add(self, outputs: Mapping[str, Tensor], row: int, index: int, loss: float) -> np.ndarray:
        """Add a translation; what BLEU counts of it."""
        prediction = self.vocabulary.decode(outputs["generated"][row].tolist())
        if "reference" in outputs:
            truth = bytes(outputs["reference"][row].tolist()).rstrip(b"\0").decode()
        else:
            truth = self.vocabulary.decode(outputs["target"][row].tolist())
        self.bleu.update(prediction, truth)
        self._keep(Sentence(self.bleu.sentence(prediction, truth), loss, index, prediction, truth))
        return self.bleu.statistics(prediction, truth)

    def _keep_sums(self, index: Tensor, counts: Tensor) -> None:
        """counts: (B, 2 * ORDER + 2), as `Bleu.statistics` has them"""
        agree, total = counts[:, 2 : 2 + ORDER], counts[:, 2 + ORDER :]
        self.by_row.update(index, predicted=counts[:, 0], reference=counts[:, 1], agree=agree, total=total)

    def _keep(self, *sentences: Sentence) -> None:
        """The worst by BLEU, the likeliest of equal ones last; the best, of equal ones the longest, which is harder."""
        self._worst = heapq.nsmallest(
            SHOWN, {*self._worst, *sentences}, key=lambda sentence: (sentence.score, -sentence.loss, sentence.index)
        )
        self._best = heapq.nsmallest(
            SHOWN,
            {*self._best, *sentences},
            key=lambda sentence: (-sentence.score, -len(sentence.truth), sentence.index),
        )

    def _map(self, outputs: Mapping[str, Tensor], index: Tensor) -> None:
        rows = outputs["mapped"].nonzero().flatten().tolist()
        for row, weights, across in zip(rows, outputs["attention"], outputs["spans"].tolist(), strict=True):
            generated = [number for number in outputs["generated"][row].tolist() if number != PAD]
            if max(len(generated), across) <= MOST_MAPPED:
                self._maps[int(index[row])] = {
                    "index": int(index[row]),
                    "said": [self.vocabulary.symbol(number) for number in generated],
                    "weights": [
                        [round(value, 4) for value in line] for line in weights[: len(generated), :across].tolist()
                    ],
                }
