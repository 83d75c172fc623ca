"""Questions with their paragraphs as tokens: one row a question, `BEGIN question END paragraph END`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sonde.core.code_points import code_points, of_several
from sonde.core.vocabulary import BEGIN, END, WORD, Subwords, Vocabulary, Words
from sonde.data.ragged import Ragged, end_to_end
from sonde.modalities.text.questions import Question

QUESTION = 64  # tokens of a question that are read, as in Devlin et al. 2018; further ones are cut


@dataclass(frozen=True, kw_only=True)
class Passages:
    """Paragraphs, held once however many questions there are about them.

    tokens: numbers;  spans: (tokens, 2) of each token its first character and the one behind its last;  text: code points
    """

    tokens: Ragged
    spans: Ragged
    text: Ragged


@dataclass(frozen=True, kw_only=True)
class QuestionRows:
    """Rows of questions (`sonde.data.rows.Sequences`).

    Fields: input (B, T); target (B, 2), the first and last token of the first true answer; spans (B, T, 2), which characters
    of the context a token stands for, 0 and 0 for those of the question; context, question and answers (B, …) as code points
    (`sonde.core.code_points`).
    questions: tokens;  passage: (n,) int64, of each question its place among `passages`;  target: (n, 2) int64, in its row
    """

    passages: Passages
    questions: Ragged
    question_texts: Ragged
    answers: Ragged
    passage: np.ndarray
    target: np.ndarray
    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.names)

    def read(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """The fields of some rows, in the given order, each as wide as the longest of them."""
        width = int(self.lengths()[indices].max(initial=0))
        tokens = np.zeros((len(indices), width), np.int64)
        spans = np.zeros((len(indices), width, 2), np.int64)
        for row, index in enumerate(map(int, indices)):
            question, passage = self.questions[index], int(self.passage[index])
            begin, context = len(question) + 2, self.passages.tokens[passage]
            end = begin + len(context)
            tokens[row, 0], tokens[row, 1 : begin - 1] = BEGIN, question
            tokens[row, begin - 1] = tokens[row, end] = END
            tokens[row, begin:end] = context
            spans[row, begin:end] = self.passages.spans[passage]
        return {
            "input": tokens,
            "spans": spans,
            "context": self.passages.text.padded(self.passage[indices]),
            "question": self.question_texts.padded(indices),
            "answers": self.answers.padded(indices),
            "target": self.target[indices],
        }

    def describe(self, index: int) -> str:
        """ "dev.json: Super_Bowl_50, question 56beb4343aeaaa14008c925b"."""
        return self.names[index]

    def nbytes(self) -> int:
        """Bytes of all fields as they are held: a paragraph once."""
        parts = (*vars(self.passages).values(), self.questions, self.question_texts, self.answers)
        return sum(part.values.nbytes for part in parts) + self.target.nbytes

    def lengths(self) -> np.ndarray:
        """(n,) int64, tokens of each row."""
        return self.questions.lengths() + self.passages.tokens.lengths()[self.passage] + 3

    def targets(self) -> np.ndarray:
        """(n, 2) int64."""
        return self.target


def pieces_of(text: str, vocabulary: Vocabulary) -> tuple[list[int], list[tuple[int, int]]]:
    """(numbers, of each its first character in `text` and the one behind its last; spaces around are no part of a piece)."""
    numbers = vocabulary.encode(text)
    if isinstance(vocabulary, Subwords):
        return numbers, [_without_spaces(text, *span) for span in vocabulary.offsets(text)]
    if isinstance(vocabulary, Words):
        return numbers, [found.span() for found in WORD.finditer(text.lower() if vocabulary.lower else text)]
    return numbers, [(place, place + 1) for place in range(len(numbers))]


def passages_of(paragraphs: Sequence[str], vocabulary: Vocabulary) -> Passages:
    """Paragraphs as tokens."""
    found = [pieces_of(paragraph, vocabulary) for paragraph in paragraphs]
    return Passages(
        tokens=end_to_end([numbers for numbers, _ in found]),
        spans=end_to_end([np.asarray(spans, np.int32).reshape(-1, 2) for _, spans in found]),
        text=end_to_end([code_points(paragraph) for paragraph in paragraphs]),
    )


def rows_of(questions: Sequence[Question], passages: Passages, vocabulary: Vocabulary) -> QuestionRows:
    """Questions about some paragraphs as rows. One without answers has the target 0, 0."""
    texts = [question.text for question in questions]
    tokens = [numbers[:QUESTION] for numbers in vocabulary.encode_all(texts)]
    target = np.zeros((len(questions), 2), np.int64)
    for row, question in enumerate(questions):
        if question.answers:
            answer = question.answers[0]
            first, last = _covering(passages.spans[question.paragraph], answer.begin, answer.end)
            target[row] = first + len(tokens[row]) + 2, last + len(tokens[row]) + 2
    return QuestionRows(
        passages=passages,
        questions=end_to_end(tokens),
        question_texts=end_to_end([code_points(text) for text in texts]),
        answers=end_to_end([of_several([answer.text for answer in question.answers]) for question in questions]),
        passage=np.array([question.paragraph for question in questions], np.int64),
        target=target,
        names=[question.name for question in questions],
    )


def _covering(spans: np.ndarray, begin: int, end: int) -> tuple[int, int]:
    """First and last of the tokens that have a character from `begin` to before `end`.

    >>> _covering(np.array([[0, 3], [4, 9], [9, 10]]), 4, 9)
    (1, 1)
    """
    inside = np.flatnonzero((spans[:, 1] > begin) & (spans[:, 0] < end) & (spans[:, 1] > spans[:, 0]))
    return (int(inside[0]), int(inside[-1])) if len(inside) else (0, 0)


def _without_spaces(text: str, begin: int, end: int) -> tuple[int, int]:
    piece = text[begin:end]
    left = len(piece) - len(piece.lstrip())
    return (begin + left, begin + len(piece.rstrip())) if piece.strip() else (end, end)
