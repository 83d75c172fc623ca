"""Whether the first row of a table names its columns, or is a row like those below it."""

import re
from collections.abc import Sequence

LONGEST_NAME = 60  # characters; names are shorter
MOST_WORDS = 8  # of a name
SENTENCE = 4  # words from which on a cell may be a sentence
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first of some rows names the columns, which it does unless a cell of it cannot be a name.

    A cell is no name when it is longer than names are. A number that its column holds again below, beside a cell that may
    be a sentence, is a value. Rows of short cells alone always have a header: names may be numbers (of pixels, of years).

    >>> is_header([["text", "label"], ["a film of rare charm", "1"]])
    True
    >>> is_header([["one long string of cliches", "0"], ["a film of rare charm", "1"], ["no fun", "0"]])
    False
    """
    first, below = rows[0], rows[1:]
    if any(len(cell.strip()) > LONGEST_NAME or len(cell.split()) > MOST_WORDS for cell in first):
        return False
    for place, cell in enumerate(first):
        if below and _is_chain(cell) and all(_is_chain(row[place]) for row in below[:10] if len(row) > place):
            return False
    if not any(len(cell.split()) >= SENTENCE for cell in first):
        return True
    columns = [[row[place].strip() for row in below if len(row) > place] for place in range(len(first))]
    cells = [cell.strip() for cell in first]
    return not any(NUMBER.fullmatch(cell) and cell in column for cell, column in zip(cells, columns, strict=True))


def _is_chain(cell: str) -> bool:
    """Whether a cell is a chain of nucleotides (some forty words are made of these letters, none so long)."""
    return re.fullmatch(r"[ACGTUN]{10,}", cell.strip(), re.IGNORECASE) is not None
