"""Beam search beside an exhaustive one, on vocabularies so small that every answer can be tried."""

from itertools import product

import pytest
import torch
from torch import Tensor

from sonde.core.vocabulary import BEGIN, END, PAD
from sonde.tasks.decode.beam import Autoregressive, beam_search, length_penalty

SYMBOLS = 7
WORDS = [n for n in range(SYMBOLS) if n not in (PAD, BEGIN, END)]


class Said:
    """All tokens so far of each row, and its source."""

    def __init__(self, source: Tensor) -> None:
        self.source, self.said = source, torch.zeros(len(source), 0, dtype=torch.int64)
        self.kept = 0

    def keep(self, rows: Tensor) -> None:
        self.source, self.said = self.source[rows], self.said[rows]
        self.kept += 1

    def reorder(self, rows: Tensor) -> None:
        assert torch.equal(self.source, self.source[rows]), "a beam went on from another row's words"
        self.said = self.said[rows]


class Drawn:
    """A network whose logits are drawn from all that was said and the source: no two prefixes are alike."""

    def __init__(self, sharpness: float = 1.5) -> None:
        self.sharpness = sharpness
        self.states: list[Said] = []

    def begin(self, source: Tensor, length: int) -> Said:
        self.states.append(Said(source))
        return self.states[-1]

    def step(self, tokens: Tensor, state: Said) -> Tensor:
        state.said = torch.cat([state.said, tokens[:, None]], 1)
        return torch.stack([self.logits(s.tolist(), w.tolist()) for s, w in zip(state.source, state.said, strict=True)])

    def logits(self, source: list[int], said: list[int]) -> Tensor:
        seed = sum((place + 1) * 1009 * (word + 3) for place, word in enumerate([*source, 99, *said]))
        return self.sharpness * torch.randn(SYMBOLS, generator=torch.Generator().manual_seed(seed))


def score(network: Drawn, source: list[int], answer: list[int], alpha: float) -> float:
    """Log probability of an answer with END, over the length penalty; what a row's last place allows is no choice."""
    total, said = 0.0, [BEGIN]
    for token in answer:
        total += float(network.logits(source, said).log_softmax(0)[token])
        said.append(token)
    return total / length_penalty(len(answer), alpha)


def exhaustive(network: Drawn, source: list[int], most: int, alpha: float) -> tuple[list[int], float]:
    answers = [[*words, END] for length in range(most) for words in product(WORDS, repeat=length)]
    scores = [score(network, source, answer, alpha) for answer in answers]
    best = max(range(len(answers)), key=scores.__getitem__)
    return answers[best], scores[best]


def greedy(network: Drawn, source: list[int], most: int) -> list[int]:
    said = [BEGIN]
    while len(said) - 1 < most:
        logits = network.logits(source, said)
        logits[[PAD, BEGIN]] = -torch.inf
        said.append(END if len(said) == most else int(logits.argmax()))
        if said[-1] == END:
            break
    return said[1:]


def words(tokens: Tensor) -> list[int]:
    return [n for n in tokens.tolist() if n != PAD]


@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
def test_a_beam_that_is_wide_enough_finds_what_an_exhaustive_search_finds(alpha: float) -> None:
    network, source = Drawn(), torch.tensor([[4, 5], [6, 4], [5, 0]])
    most = torch.tensor([4, 3, 4])
    found = beam_search(network, source, most=most, width=600, alpha=alpha)
    for row in range(3):
        answer, best = exhaustive(network, source[row].tolist(), int(most[row]), alpha)
        assert words(found.tokens[row]) == answer
        assert float(found.scores[row]) == pytest.approx(best, abs=1e-4)


def test_a_beam_of_one_takes_the_likeliest_token_each_time() -> None:
    network = Drawn(0.7)
    source = torch.arange(24).view(12, 2)
    found = beam_search(network, source, most=torch.full((12,), 9), width=1)
    lengths = set()
    for row in range(12):
        expected = greedy(network, source[row].tolist(), 9)
        assert words(found.tokens[row]) == expected
        lengths.add(len(expected))
    assert len(lengths) > 2, "the rows should end at different places"


@pytest.mark.parametrize("width", [1, 2, 4])
def test_a_rows_answer_does_not_depend_on_the_batch(width: int) -> None:
    network, source = Drawn(), torch.arange(16).view(8, 2)
    most = torch.tensor([3, 9, 5, 7, 2, 9, 4, 6])
    together = beam_search(network, source, most=most, width=width)
    for row in range(8):
        alone = beam_search(network, source[row : row + 1], most=most[row : row + 1], width=width)
        assert words(alone.tokens[0]) == words(together.tokens[row])
        assert float(alone.scores[0]) == pytest.approx(float(together.scores[row]), abs=1e-5)
        assert len(words(alone.tokens[0])) <= int(most[row])


def test_scores_are_those_of_the_answers_and_wider_beams_find_no_worse_ones_here() -> None:
    network, source = Drawn(), torch.arange(20).view(10, 2)
    most = torch.full((10,), 6)
    before = None
    for width in (1, 600):
        found = beam_search(network, source, most=most, width=width, alpha=0.6)
        for row in range(10):
            answer = words(found.tokens[row])
            assert answer[-1] == END
            assert float(found.scores[row]) == pytest.approx(
                score(network, source[row].tolist(), answer, 0.6), abs=1e-4
            )
        if before is not None:
            assert (found.scores >= before - 1e-5).all()
            assert (found.scores > before + 1e-3).any()
        before = found.scores


def test_rows_that_are_done_leave_the_batch() -> None:
    network, source = Drawn(), torch.arange(16).view(8, 2)
    beam_search(network, source, most=torch.tensor([2, 2, 2, 9, 9, 9, 9, 9]), width=3)
    assert network.states[-1].kept > 1
    assert len(network.states[-1].said) < 24


def test_the_length_penalty_is_that_of_the_paper() -> None:
    assert length_penalty(1, 0.6) == 1
    assert length_penalty(7, 1.0) == 2
    assert length_penalty(19, 0.5) == 2
    assert length_penalty(50, 0.0) == 1


def test_long_answers_win_as_the_penalty_grows() -> None:
    network, source = Drawn(), torch.arange(40).view(20, 2)
    most = torch.full((20,), 4)
    lengths = [
        float((beam_search(network, source, most=most, width=600, alpha=a).tokens != PAD).sum())
        for a in (0.0, 1.0, 4.0)
    ]
    assert lengths[0] < lengths[1] < lengths[2]


class Sure:
    """Says 4 5 6 5 4 and is sure of it; an end is always the next likely."""

    def begin(self, source: Tensor, length: int) -> Said:
        return Said(source)

    def step(self, tokens: Tensor, state: Said) -> Tensor:
        state.said = torch.cat([state.said, tokens[:, None]], 1)
        logits = torch.zeros(len(tokens), SYMBOLS)
        logits[:, END] = 3.0
        logits[:, [4, 5, 6, 5, 4, END][min(5, state.said.shape[1] - 1)]] = 8.0
        return logits


@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_unlikely_ends_that_come_early_do_not_end_the_search(width: int) -> None:
    found = beam_search(Sure(), torch.ones(2, 1), most=torch.full((2,), 12), width=width)
    assert [words(row) for row in found.tokens] == [[4, 5, 6, 5, 4, END]] * 2


def test_the_sample_speaks() -> None:
    assert isinstance(Drawn(), Autoregressive)
