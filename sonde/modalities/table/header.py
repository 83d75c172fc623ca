"""Whether the first row of a table names its columns, or is a row like those below it."""

import re
from collections.abc import Sequence
from itertools import pairwise

LONGEST_NAME = 60  # characters; names are shorter
MOST_WORDS = 8  # of a name
SENTENCE = 4  # words from which on a cell may be a sentence
FEWEST = 2  # rows below that show what a column holds
MOSTLY = 0.8
FEWEST_BELOW_LONG = 5  # rows below a long cell, to be sure that they are of another kind
FAR_SHORTER = 4  # times
_VALUE = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}")
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first of some rows names the columns, which it does unless a cell of it cannot be a name.

    A cell is no name when it is longer than names are, unless what stands below it is numbers, or far shorter. A number that
    its column holds again below, beside a cell that may be a sentence, is a value. Of short cells, the first row is like the
    others where it repeats what they hold, or has numbers above numbers that are none of a row of names, as those of pixels
    and years are.

    >>> is_header([["text", "label"], ["a film of rare charm", "1"]])
    True
    >>> is_header([["5.1", "3.5", "setosa"], ["4.9", "3.0", "setosa"], ["6.3", "2.5", "virginica"]])
    False
    >>> is_header([["one long string of cliches", "0"], ["a film of rare charm", "1"], ["no fun", "0"]])
    False
    """
    first, below = rows[0], rows[1:]
    long = [len(cell.strip()) > LONGEST_NAME or len(cell.split()) > MOST_WORDS for cell in first]
    if any(
        there and not _above_others(cell, place, below)
        for place, (cell, there) in enumerate(zip(first, long, strict=True))
    ):
        return False
    for place, cell in enumerate(first):
        if below and _is_chain(cell) and all(_is_chain(row[place]) for row in below[:10] if len(row) > place):
            return False
    columns = [[row[place].strip() for row in below if len(row) > place] for place in range(len(first))]
    cells = [cell.strip() for cell in first]
    if not any(len(cell.split()) >= SENTENCE for cell in first):
        return not _is_row(cells, columns)
    return not any(NUMBER.fullmatch(cell) and cell in column for cell, column in zip(cells, columns, strict=True))


def _above_others(cell: str, place: int, below: Sequence[Sequence[str]]) -> bool:
    """Whether a cell that is long for a name, but has few words, stands above values that are numbers or far shorter."""
    values = [row[place].strip() for row in below if len(row) > place]
    filled = [value for value in values if value]
    if len(filled) < FEWEST_BELOW_LONG or _is_chain(cell):
        return False
    numbers = sum(_VALUE.fullmatch(value) is not None for value in filled)
    return numbers == len(filled) or (
        len(cell.split()) <= MOST_WORDS and max(map(len, filled)) * FAR_SHORTER <= len(cell.strip())
    )


def _is_row(cells: Sequence[str], columns: Sequence[Sequence[str]]) -> bool:
    """Whether short cells are a row like those below."""
    if not columns or len(columns[0]) < FEWEST:
        return False
    numbers: list[str] = []
    names: list[bool] = []  # of each, whether its column holds it again
    for cell, column in zip(cells, columns, strict=True):
        if _DATE.match(cell) and sum(_DATE.match(below) is not None for below in column) > MOSTLY * len(column):
            return True
        numeric = sum(_VALUE.fullmatch(below) is not None for below in column) > MOSTLY * len(column)
        if _VALUE.fullmatch(cell) and numeric:
            numbers.append(cell)
        elif cell:
            names.append(cell in column and len(set(column)) > 1)
    if names and (all(names) and len(cells) > 1 or any(names) and numbers):
        return True
    fraction = any(not NUMBER.fullmatch(cell) or "." in cell or cell.startswith("-") for cell in numbers)
    return not _are_names(numbers) if not names else fraction and not _are_names(numbers)


def _are_names(cells: Sequence[str]) -> bool:
    """Whether numbers in a row are names: a whole one, two years or neighbours, even steps, or five that only rise or fall."""
    values = [float(cell) for cell in cells]
    steps = [after - before for before, after in pairwise(values)]
    whole = all(NUMBER.fullmatch(cell) and "." not in cell for cell in cells)
    if len(values) < 2:
        return whole
    if not (all(step > 0 for step in steps) or all(step < 0 for step in steps)):
        return False
    even = max(steps) - min(steps) <= 1e-6 * max(map(abs, values))
    if len(values) == 2:
        return whole and (abs(steps[0]) == 1 or all(1800 <= value <= 2200 for value in values))
    return even or len(values) >= 5


def _is_chain(cell: str) -> bool:
    """Whether a cell is a chain of nucleotides (some forty words are made of these letters, none so long)."""
    return re.fullmatch(r"[ACGTUN]{10,}", cell.strip(), re.IGNORECASE) is not None
