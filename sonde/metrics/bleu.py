"""BLEU, added up sentence by sentence: its n-grams are counted here, its words and its formula are sacrebleu's."""

from collections import Counter
from typing import Any

import numpy as np

from sonde.core.catalogue import require

ORDER = 4  # longest n-gram


class Bleu:
    """Corpus BLEU of translations as they read: cased, detokenised, one reference each; equal to sacrebleu's own.

    Source: Papineni et al. 2002, BLEU, ACL; Post 2018, A call for clarity in reporting BLEU scores, arXiv:1804.08771
    (words by mteval's rule 13a, smoothing "exp")
    """

    def __init__(self) -> None:
        """Raises: MissingDependency without sacrebleu."""
        library: Any = require("sacrebleu", extra="text", purpose="evaluating translations (BLEU)")
        from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

        self._score = library.metrics.BLEU.compute_bleu
        self._words = Tokenizer13a()
        self.counts: np.ndarray = np.zeros(2 * ORDER + 2, dtype=np.int64)  # see `statistics`

    def update(self, translation: str, reference: str) -> None:
        """Add a sentence."""
        self.counts = self.counts + self.statistics(translation, reference)

    def merge(self, other: "Bleu") -> None:
        """Add another process's counts."""
        self.counts = self.counts + other.counts

    def value(self) -> float:
        """0 to 100, over all sentences so far; 0 where nothing was predicted."""
        return self._of(self.counts, effective=False)

    def sentence(self, translation: str, reference: str) -> float:
        """0 to 100, of one sentence; of short ones, up to the longest n-gram there is."""
        return self._of(self.statistics(translation, reference), effective=True)

    def statistics(self, translation: str, reference: str) -> np.ndarray:
        """(2 * ORDER + 2,) of one sentence: words of it and of the reference, n-grams that agree by n, its n-grams by n."""
        predicted, truth = self._words(translation.rstrip()).split(), self._words(reference.rstrip()).split()
        agree, total = [], []
        for n in range(1, ORDER + 1):
            ours, theirs = _grams(predicted, n), _grams(truth, n)
            agree.append((ours & theirs).total())  # each as often as the reference has it
            total.append(ours.total())
        return np.array([len(predicted), len(truth), *agree, *total], dtype=np.int64)

    def _of(self, counts: np.ndarray, *, effective: bool) -> float:
        predicted, truth, *grams = counts.tolist()
        found = self._score(
            correct=grams[:ORDER],
            total=grams[ORDER:],
            sys_len=predicted,
            ref_len=truth,
            smooth_method="exp",
            effective_order=effective,
            max_ngram_order=ORDER,
        )
        return float(found.score)


def _grams(words: list[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))
