"""Evaluation of extractive answers, as the official scripts of SQuAD v1.1 and 2.0 count, and adding them up."""

import re
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sonde.core.code_points import text_of, texts_of
from sonde.metrics.by_row import ByRow, sums_table
from sonde.metrics.first_nan import FirstNaN
from sonde.metrics.mean import Mean

WORST, BEST = 12, 6  # questions stored whole, to be shown
NONE = "(no answer)"
ARTICLE = re.compile(r"\b(a|an|the)\b")
PUNCTUATION = frozenset(string.punctuation)

# B rows


def normalised(answer: str) -> str:
    """Lower case, without punctuation and articles, single spaces.

    Source: Rajpurkar et al. 2016, SQuAD, arXiv:1606.05250, section 6.1

    >>> normalised("The  Denver Broncos'"), normalised("$1.2 million")
    ('denver broncos', '12 million')
    """
    plain = "".join(character for character in answer.lower() if character not in PUNCTUATION)
    return " ".join(ARTICLE.sub(" ", plain).split())


def exact_match(answer: str, truth: str) -> float:
    """1 where both are the same once normalised, else 0."""
    return float(normalised(answer) == normalised(truth))


def f1(answer: str, truth: str) -> float:
    """Harmonic mean of the shares of words that one has of the other, once normalised; words count as often as they stand.

    >>> f1("the Denver Broncos", "Denver"), f1("", "a")
    (0.6666666666666666, 0)
    """
    given, true = normalised(answer).split(), normalised(truth).split()
    same = sum((Counter(given) & Counter(true)).values())
    return 2 * same / (len(given) + len(true)) if same else 0


def best_of(score: Callable[[str, str], float], answer: str, truths: Sequence[str]) -> float:
    """The largest score against any of the true answers."""
    return max(score(answer, truth) for truth in truths)


class AnswersMeter:
    """Adds up answers to questions.

    metrics: exact_match and f1, means over questions of the best over their true answers; loss (the task's own),
             where it is known. Where some questions have no answer, both also over those that have one (HasAns in the script of
             SQuAD 2.0), and the share of the others that was not answered (NoAns, where both are one number)
    """

    def __init__(self) -> None:
        self.rows = self.unanswerable = 0
        self.exact = self.overlap = self.refused = 0.0
        self.loss: Mean | None = None
        self.first_nan, self.by_row = FirstNaN(), ByRow()
        self.cases: list[dict[str, Any]] = []  # in the order of `_shorten`, the first and the last of them

    def update(self, outputs: Mapping[str, Tensor], index: Tensor) -> None:
        """Add rows: found (B, 2) int64, the first character of the answer in the context and the one behind its last, both 0
        for none; truth (B, 2), likewise; question, context and answers (B, …) as code points, and probability and loss (B,)
        where they are known.
        """
        found, true = outputs["found"].tolist(), outputs["truth"].tolist()
        questions, contexts, truths = (outputs[name].tolist() for name in ("question", "context", "answers"))
        losses = outputs["loss"].detach().float() if "loss" in outputs else None
        if losses is not None:
            self.first_nan.update(losses, index)
            self.loss = self.loss or Mean()
            self.loss.update(losses, outputs.get("weight"))
        sure = outputs["probability"].tolist() if "probability" in outputs else [None] * len(found)
        listed = losses.tolist() if losses is not None else [0.0] * len(found)
        both = []
        for place, (begin, end) in enumerate(found):
            context, answers = text_of(contexts[place]), texts_of(truths[place])
            answer = context[begin:end]
            if any(answers):
                exact, overlap = best_of(exact_match, answer, answers), best_of(f1, answer, answers)
            else:
                exact = overlap = float(not normalised(answer))
                self.unanswerable, self.refused = self.unanswerable + 1, self.refused + exact
            both.append((exact, overlap))
            self.rows, self.exact, self.overlap = self.rows + 1, self.exact + exact, self.overlap + overlap
            self.cases.append(
                {
                    "index": int(index[place]),
                    "target": " / ".join(dict.fromkeys(answers)) or NONE,
                    "prediction": answer or NONE,
                    "confidence": sure[place],
                    "loss": listed[place],
                    "f1": overlap,
                    "text": text_of(questions[place]),
                    "question": text_of(questions[place]),
                    "context": context,
                    "truth": true[place],
                    "found": [begin, end],
                }
            )
        columns = torch.tensor(both, dtype=torch.float64).unbind(1)
        self.by_row.update(index.cpu(), exact_match=columns[0], f1=columns[1])
        self._shorten()

    def merge(self, other: "AnswersMeter") -> None:
        """Add another process's sums."""
        for name in ("rows", "unanswerable", "exact", "overlap", "refused"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.first_nan.merge(other.first_nan)
        self.by_row.merge(other.by_row)
        if other.loss is not None:
            self.loss = self.loss or Mean()
            self.loss.merge(other.loss)
        self.cases += other.cases
        self._shorten()

    def compute(self) -> dict[str, float]:
        """All metrics over all rows so far, the task's own first. Raises: NonFinite when a loss was NaN."""
        self.first_nan.refuse()
        found = {"f1": self.overlap / self.rows, "exact_match": self.exact / self.rows}
        if answerable := self.rows - self.unanswerable if self.unanswerable else 0:
            found["has_answer_f1"] = (self.overlap - self.refused) / answerable
            found["has_answer_exact_match"] = (self.exact - self.refused) / answerable
        if self.unanswerable:
            found["no_answer_exact_match"] = self.refused / self.unanswerable
        return found if self.loss is None else {**found, "loss": float(self.loss.value())}

    def details(self) -> dict[str, Any]:
        """worst and best questions, with their contexts, and the scores of each (docs/run-folder.md)."""
        worst, best = self.cases[:WORST], self.cases[::-1][:BEST]
        sums = sums_table(self.by_row, "questions")
        return {"worst": worst, "best": [case for case in best if case not in worst], "sums": sums}

    def _shorten(self) -> None:
        """Keep the first and the last cases."""
        # first those that share no word with the truth and that the model was most wrong about
        self.cases.sort(key=lambda case: (case["f1"], -case["loss"], case["index"]))
        if len(self.cases) > WORST + BEST:
            self.cases = self.cases[:WORST] + self.cases[-BEST:]
