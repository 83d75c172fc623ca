import random
from functools import cache

import jiwer
import pytest

from sonde.metrics.edits import aligned, distance


def slow(one: str, other: str) -> int:
    """The definition, by trying every way."""

    @cache
    def left(i: int, j: int) -> int:
        if i == len(one) or j == len(other):
            return len(one) - i + len(other) - j
        return min(left(i + 1, j) + 1, left(i, j + 1) + 1, left(i + 1, j + 1) + (one[i] != other[j]))

    return left(0, 0)


def pairs(count: int = 60) -> list[tuple[str, str]]:
    drawn = random.Random(0)
    return [tuple("".join(drawn.choices("abc", k=drawn.randint(0, 9))) for _ in range(2)) for _ in range(count)]  # type: ignore[misc]


def test_the_distance_is_the_fewest_edits() -> None:
    for one, other in pairs():
        assert distance(one, other) == distance(other, one) == slow(one, other)


def test_an_alignment_costs_that_much_and_gives_both_back() -> None:
    for one, other in pairs():
        found = aligned(one, other)
        assert sum(a != b for a, b in found) == distance(one, other)
        assert "".join(a for a, _ in found if a is not None) == one
        assert "".join(b for _, b in found if b is not None) == other


@pytest.mark.parametrize(
    ("truth", "said"), [("the cat sat", "cat sat down"), ("one", "one one two"), ("a b c d", "d c b a")]
)
def test_words_are_counted_as_jiwer_does(truth: str, said: str) -> None:
    found = jiwer.process_words(truth, said)
    assert distance(truth.split(), said.split()) == found.substitutions + found.deletions + found.insertions
