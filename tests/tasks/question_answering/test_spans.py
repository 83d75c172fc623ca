import itertools

import pytest
import torch
from torch import Tensor

from sonde.core.vocabulary import BEGIN, END, PAD
from sonde.tasks.question_answering.spans import best_span, context_of, windows_of


def row(question: int, context: int, width: int) -> list[int]:
    """Tokens that can be told apart: 100… for the question, 1000… for the context."""
    tokens = [BEGIN, *range(100, 100 + question), END, *range(1000, 1000 + context), END]
    return tokens + [PAD] * (width - len(tokens))


SIZES = [(3, 40), (7, 12), (1, 90), (5, 5), (2, 25)]
ROWS = torch.tensor([row(question, context, 95) for question, context in SIZES])


def test_the_context_stands_between_the_ends() -> None:
    for tokens, inside, (_, context) in zip(ROWS, context_of(ROWS), SIZES, strict=True):
        assert tokens[inside].tolist() == list(range(1000, 1000 + context))


def test_short_rows_are_one_window() -> None:
    windows = windows_of(ROWS, window=95, stride=10)
    assert torch.equal(windows.tokens, ROWS)
    assert windows.row.tolist() == list(range(5))
    assert torch.equal(windows.places[0][5:45], torch.arange(5, 45))


@pytest.mark.parametrize(("window", "stride"), [(30, 8), (40, 20), (24, 1), (94, 60)])
def test_windows_cover_every_answer_that_the_overlap_allows(window: int, stride: int) -> None:
    windows = windows_of(ROWS, window=window, stride=stride)
    assert windows.tokens.shape[1] == window
    for number, (question, context) in enumerate(SIZES):
        mine = windows.row == number
        room = window - question - 3
        longest = min(room - stride, 8)
        for begin in range(context):
            for end in range(begin, min(context, begin + longest)):
                target = torch.zeros(len(SIZES), 2, dtype=torch.int64)
                target[number] = torch.tensor([begin, end]) + question + 2
                found = windows.targets(target)[mine]
                held = found[found[:, 0] > 0]
                assert len(held)
                for (first, last), tokens in zip(found.tolist(), windows.tokens[mine], strict=True):
                    if first:
                        assert (tokens[first], tokens[last]) == (1000 + begin, 1000 + end)


def test_each_window_is_question_piece_and_end() -> None:
    for tokens, places, number in zip(*vars(windows_of(ROWS, window=30, stride=8)).values(), strict=True):
        question, _ = SIZES[number]
        assert tokens[: question + 2].tolist() == [BEGIN, *range(100, 100 + question), END]
        piece = tokens[places >= 0]
        assert torch.equal(piece, ROWS[number][places[places >= 0]])
        assert (piece.diff() == 1).all()
        behind = tokens[question + 2 + len(piece) :]
        assert behind[0] == END
        assert (behind[1:] == PAD).all()


def test_padding_brings_no_windows() -> None:
    short = torch.tensor([row(3, 20, 25)])
    wide = torch.tensor([row(3, 20, 80)])
    for window in (30, 15):
        one, two = (windows_of(tokens, window=window, stride=4) for tokens in (short, wide))
        assert torch.equal(one.row, two.row)
        assert torch.equal(one.places[one.places >= 0], two.places[two.places >= 0])


def slow(start: Tensor, end: Tensor, most: int) -> tuple[int, int]:
    pairs = [(i, j) for i, j in itertools.product(range(len(start)), repeat=2) if i <= j < i + most]
    return max(pairs, key=lambda pair: float(start[pair[0]] + end[pair[1]]))


@pytest.mark.parametrize("most", [1, 3, 50])
def test_the_best_span_is_that_of_a_search(most: int) -> None:
    scores = torch.randn(2, 40, 12, generator=torch.Generator().manual_seed(0))
    scores[:, :, 9:] = -torch.inf
    first, last, score = best_span(*scores, most=most)
    for place in range(40):
        assert (int(first[place]), int(last[place])) == slow(scores[0, place], scores[1, place], most)
    rows = torch.arange(40)
    assert torch.equal(score, scores[0, rows, first] + scores[1, rows, last])
