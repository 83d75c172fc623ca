"""Lines of text with their label on them: which way a file is written, and its lines cut in text and labels."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sonde.modalities.text.columns import FEW_WORDS, mean_words

LOOKED_AT = 1 << 16  # bytes, to recognise a file by
FEWEST = 8  # lines: of fewer nothing can be told
FASTTEXT = "__label__"
MARKS = ("\t", ";", "|", ",")  # between a text and its label
LONGEST_LABEL = 40  # characters
MOST_LABEL_WORDS = 3
REPEATED = 0.2  # distinct labels by lines, up to which they are classes
MOST_CLASSES = 200
TAG = re.compile(r"(?:[BIESLU]-[A-Za-z_.-]+|O|[A-Z$#.,:`'\"()-]{1,6})")
TAGGED = 0.95  # lines of a word and its tag, from which on a file is one of such
WORD = re.compile(r"[^\W\d_]{2}")
TABLE_MARKS = ("\t", ";", "|", ",")
FEWEST_CELLS = 3  # on a line of a table; two may be a sentence and its other half
VALUES = 0.8  # of a column's cells are numbers, dates or times of day; others may be gaps
VALUE = re.compile(r"[^\W\d]{0,3}[+-]?\d[\d.,:/T Z+-]*%?")
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|nan|NaN|NA")


@dataclass(frozen=True, kw_only=True)
class Writing:
    """How lines are written.

    mark:  between text and label, "" for fastText's __label__
    first: whether the label comes first
    words: in words, for a person
    """

    mark: str
    first: bool
    words: str

    def cut(self, line: str) -> tuple[str, list[str]]:
        """(text, labels) of a line; no labels where it has none."""
        if not self.mark:
            words = line.split()
            labels = [word.removeprefix(FASTTEXT) for word in words if word.startswith(FASTTEXT)]
            return " ".join(word for word in words if not word.startswith(FASTTEXT)), labels
        if self.mark not in line:
            return line.strip(), []
        label, text = line.split(self.mark, 1) if self.first else reversed(line.rsplit(self.mark, 1))
        return text.strip(), [label.strip()] if label.strip() else []


def head_lines(file: Path) -> list[str]:
    """The first whole lines of a file with something on them, as far as they are looked at; undecodable bytes replaced."""
    with file.open("rb") as opened:
        content = opened.read(LOOKED_AT)
    text = content.decode("utf-8-sig", errors="replace").replace("\r\n", "\n")
    lines = text.split("\n")
    return [line for line in (lines[:-1] if len(content) == LOOKED_AT else lines) if line.strip()]


def blank_lines(file: Path) -> int:
    """Lines with nothing on them between others, as far as a file is looked at."""
    with file.open("rb") as opened:
        text = opened.read(LOOKED_AT).decode("utf-8-sig", errors="replace").replace("\r\n", "\n")
    return sum(not line.strip() for line in text.strip().split("\n"))


def writing_of(lines: Sequence[str]) -> Writing | None:
    """How labels stand on lines of text; None for lines without."""
    if len(lines) < FEWEST:
        return None
    if all(FASTTEXT in line for line in lines):
        return Writing(mark="", first=lines[0].startswith(FASTTEXT), words="fastText's __label__")
    for mark in MARKS:
        for first in (False, True):
            if all(mark in line for line in lines) and _are_labels(
                *_both(lines, one := Writing(mark=mark, first=first, words=_words(mark, first=first)))
            ):
                return one
    return None


def _both(lines: Sequence[str], writing: Writing) -> tuple[list[str], list[str]]:
    cut = [writing.cut(line) for line in lines]
    return [text for text, _ in cut], [labels[0] if labels else "" for _, labels in cut]


def _words(mark: str, *, first: bool) -> str:
    name = {"\t": "a tab"}.get(mark, repr(mark))
    return f"a label, {name} and a text on each line" if first else f"a text, {name} and its label on each line"


def _are_labels(texts: Sequence[str], labels: Sequence[str]) -> bool:
    """Whether one side is text, and the other a few short words that come again and again."""
    counts = Counter(labels)
    if not 2 <= len(counts) <= min(MOST_CLASSES, max(2, REPEATED * len(labels))) or "" in counts:
        return False
    if any(len(label) > LONGEST_LABEL or len(label.split()) > MOST_LABEL_WORDS for label in counts):
        return False
    if sum(WORD.search(text) is not None for text in texts) < 0.5 * len(texts):
        return False  # rows of numbers, dates and times
    return mean_words(texts) >= FEW_WORDS and len(set(texts)) > 0.5 * len(texts)


def is_tagged_words(lines: Sequence[str], blanks: int) -> bool:
    """Whether lines are words with tags, a blank line behind each sentence (CoNLL)."""
    if len(lines) < FEWEST or not blanks:
        return False
    cut = [line.split() for line in lines if not line.startswith(("-DOCSTART-", "#"))]
    tagged = sum(2 <= len(cells) <= 10 and TAG.fullmatch(cells[-1]) is not None for cells in cut)
    return bool(cut) and tagged >= TAGGED * len(cut) and len({cells[-1] for cells in cut}) > 1


def is_numbers(lines: Sequence[str]) -> bool:
    """Whether lines are rows of numbers, as many on each, perhaps with names above."""
    rows = [[cell for cell in re.split(r"[\s,;]+", line.strip()) if cell] for line in lines]
    rows = rows[1:] if len(rows) > 1 and not all(map(NUMBER.fullmatch, rows[0])) else rows
    if len(rows) < FEWEST or len({len(row) for row in rows}) > 1:
        return False
    return len(rows[0]) > 1 and all(NUMBER.fullmatch(cell) for row in rows for cell in row)


def table_mark(lines: Sequence[str]) -> str:
    """What parts the cells of lines that are a table: as many of three or more on each, and a column of values; "" for text."""
    for mark in TABLE_MARKS if len(lines) >= FEWEST else ():
        rows = list(csv.reader(lines, delimiter=mark, quoting=csv.QUOTE_NONE if mark == "\t" else csv.QUOTE_MINIMAL))
        if len(rows[0]) < FEWEST_CELLS or len({len(row) for row in rows}) > 1:
            continue
        columns = zip(*rows[1:], strict=True)
        if any(
            sum(VALUE.fullmatch(cell.strip()) is not None for cell in cells) >= VALUES * len(cells) for cells in columns
        ):
            return mark
    return ""
