"""What is said and shown of matches."""

import torch

from sonde.metrics.matches import MatchesMeter
from sonde.tasks.alphazero.figures import additions, highlights


def details(name: str = "random", *, draws: bool = True) -> dict[str, object]:
    meter = MatchesMeter()
    scores = torch.tensor([1.0, 1.0, 0.5 if draws else 0.0, 0.0] * 5)
    outputs = {
        "opponent": [name] * 20,
        "score": scores,
        "length": torch.full((20,), 9.0),
        "first": torch.tensor([True, False] * 10),
    }
    meter.update(outputs, torch.arange(20))
    won = {
        "opponent": ["weak"] * 4,
        "score": torch.ones(4),
        "length": torch.ones(4),
        "first": torch.tensor([True, False] * 2),
    }
    meter.update(won, torch.arange(20, 24))
    return meter.details()


def test_a_terminal_says_a_line_for_each_opponent() -> None:
    mean, first, second = highlights(details())
    assert mean == "score, wins, losses and length are means over 2 opponents, a draw counting 0.5"
    assert first.startswith("against random: 10 won, 5 drawn, 5 lost; Elo +89 (")
    assert second == (
        "against weak: 4 won, 0 drawn, 0 lost; Elo +7 or more (4 games leave an interval of more than 400 points)"
    )


def test_of_perfect_play_it_is_said_what_a_score_can_be() -> None:
    [mean, *_] = highlights(details("minimax"))
    assert mean.endswith("against minimax 0.5 is the most where perfect play draws")
    [mean, *_] = highlights(details("minimax", draws=False))  # as of Hex
    assert "minimax" not in mean


def test_the_report_has_a_row_for_each_opponent_and_escapes_names() -> None:
    [section] = additions(details("<b>")).sections
    assert '<tr><td class="word">&lt;b&gt;</td>' in section.html
    assert "5 / 5 / 0" in section.html  # as first
    assert "Against weak the number is left out" in section.note
    assert additions({}).sections == []
