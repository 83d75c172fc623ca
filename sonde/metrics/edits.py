"""How far one text is from another: the fewest insertions, deletions and substitutions."""

from collections.abc import Sequence
from typing import TypeVar

Piece = TypeVar("Piece")


def distance(truth: Sequence[object], found: Sequence[object]) -> int:
    """The fewest edits that make one of the other. Source: Wagner and Fischer 1974, Journal of the ACM 21(1)

    >>> distance("kitten", "sitting")
    3
    """
    row = list(range(len(found) + 1))
    for number, piece in enumerate(truth, start=1):
        before, row[0] = row[0], number
        for place, other in enumerate(found, start=1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (piece != other))
    return row[-1]


def aligned(truth: Sequence[Piece], found: Sequence[Piece]) -> list[tuple[Piece | None, Piece | None]]:
    """Pairs of pieces along one cheapest way: None where a piece of the other is missing, or one too many.

    >>> aligned(["a", "b", "c"], ["a", "x", "c", "d"])
    [('a', 'a'), ('b', 'x'), ('c', 'c'), (None, 'd')]
    """
    costs = [[0] * (len(found) + 1) for _ in range(len(truth) + 1)]
    for i in range(len(truth) + 1):
        for j in range(len(found) + 1):
            if not i or not j:
                costs[i][j] = i + j
                continue
            over = costs[i - 1][j - 1] + (truth[i - 1] != found[j - 1])
            costs[i][j] = min(over, costs[i - 1][j] + 1, costs[i][j - 1] + 1)
    pairs: list[tuple[Piece | None, Piece | None]] = []
    i, j = len(truth), len(found)
    while i or j:
        if i and j and costs[i][j] == costs[i - 1][j - 1] + (truth[i - 1] != found[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((truth[i], found[j]))
        elif i and costs[i][j] == costs[i - 1][j] + 1:
            i -= 1
            pairs.append((truth[i], None))
        else:
            j -= 1
            pairs.append((None, found[j]))
    return pairs[::-1]
