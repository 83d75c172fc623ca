"""A game against a trained player in the terminal: whose side, what is typed, what is told of each move, and how it ends."""

import numpy as np
import pytest
import torch

from sonde.acting.self_play.games.open_spiel import game
from sonde.acting.self_play.player import Player, Thought
from sonde.cli.play_terminal import play
from sonde.core.playing import Playing, SearchPlan
from sonde.screen.screen import Screen


def conversation(
    capsys: pytest.CaptureFixture[str], *typed: str, ours: int = 0, name: str = "tic_tac_toe", simulations: int = 200
) -> tuple[str, str]:
    """(what was asked with, all that was printed), against a network that knows nothing."""
    known, asked = game(name), []

    def evenly(seen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.zeros(len(seen), known.num_distinct_actions()), torch.zeros(len(seen))

    def lines(sign: str):
        asked.append(sign)
        return iter(typed)

    plan = SearchPlan(kind="puct", simulations=simulations, considered=9)
    player = Player(name, Playing(judge=evenly, plan=plan, earlier=lambda: None), torch.device("cpu"))
    play(Screen(), known.new_initial_state(), player, ours=ours, typed=lines)
    return asked[0], capsys.readouterr().out


def played(capsys: pytest.CaptureFixture[str], *typed: str, ours: int = 0) -> str:
    return conversation(capsys, *typed, ours=ours)[1]


def test_a_game_is_played_to_its_end_and_the_result_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    out = played(capsys, "0", "1", "2", "3", "5", "6", "7", "8")
    assert "the network plays " in out
    assert "value for you " in out
    assert out.rstrip().split("\n")[-1].startswith("You lost after ")


def test_whose_side_is_whose_is_told_before_the_first_move(capsys: pytest.CaptureFixture[str]) -> None:
    sign, out = conversation(capsys, "quit")
    assert sign == "your move (x)> "
    assert out.startswith("you play x, and move first\nthe network plays o\n\nto move, type the number of a free field")
    assert out.endswith("   0  1  2\n   3  4  5\n   6  7  8\n\nyou left the game after 0 moves\n")


def test_the_network_begins_where_asked(capsys: pytest.CaptureFixture[str]) -> None:
    sign, out = conversation(capsys, "quit", ours=1)
    assert sign == "your move (o)> "
    assert out.startswith("you play o, and move second\nthe network plays x\n")
    assert out.count("the network plays ") == 2  # its side, and one move
    assert "[x]" in out


def test_what_the_network_thinks_stands_in_aligned_columns(capsys: pytest.CaptureFixture[str]) -> None:
    lines = played(capsys, "4", "quit").split("\n")
    at = next(place for place, line in enumerate(lines) if line.startswith("the network plays ") and place > 2)
    table = lines[at + 1 : lines.index("", at) - 1]
    assert table[0] == "  move  network alone  after search"
    shares = [line for line in table[1:] if line.endswith(" %") or line.endswith("  played")]
    assert 1 < len(shares) == len(table) - 1 <= 5
    assert {line.index("%") for line in shares} == {table[0].index("alone") + 4}
    [chosen] = [line for line in table if line.endswith("played")]
    assert chosen.split()[0] == lines[at].removeprefix("the network plays ")


def test_moves_go_by_number_and_name_and_wrong_ones_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    out = played(capsys, "9", "-1", "x(1,1", "", "x(1,1)")
    assert "'-1' is no legal move; legal are 0, 1, 2" in out
    assert "'9' is no legal move; legal are 0, 1, 2" in out
    assert "'x(1,1' is no legal move" in out
    assert "\nlegal are 0, 1, 2, 3, 4, 5, 6, 7, 8\n" in out
    assert "   3 [x] 5\n" in out


def test_a_move_is_taken_back_and_a_hint_given(capsys: pytest.CaptureFixture[str]) -> None:
    out = played(capsys, "back", "4", "back", "hint", "0", "quit")
    assert "there is no move of yours to take back" in out
    after = out.split("your last move is taken back\n\n")[1]
    assert after.startswith("   0  1  2\n   3  4  5\n")
    assert "the network would play " in after
    assert "  best\n" in after
    assert after.index("  best\n") < after.index("  [x] 1  2\n")


def test_what_it_would_have_played_is_told_after_the_move(capsys: pytest.CaptureFixture[str]) -> None:
    assert "in your place" not in played(capsys, "q", "4")
    out = played(capsys, "4", "quit", "0")
    assert out.count("in your place the network would have played ") == 1
    assert out.index("[x]") < out.index("in your place") < out.index("the network plays ", out.index("[x]"))


def test_who_plays_first_begins_also_in_chess_which_open_spiel_counts_the_other_way(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sign, out = conversation(capsys, "e4", "quit", ours=1, name="chess", simulations=1)
    assert sign == "your move (white)> "
    assert out.startswith("you play white (capital letters), and move first\nthe network plays black (small letters)\n")
    assert out.index("  4  .  .  .  . [P]") < out.index("in your place")
    assert "you left the game after 2 moves" in out


def test_a_game_that_is_written_as_open_spiel_does_says_who_moves_first(capsys: pytest.CaptureFixture[str]) -> None:
    sign, out = conversation(capsys, "quit", ours=1, name="breakthrough(rows=6,columns=6)", simulations=2)
    assert sign == "your move> "
    assert out.startswith("you move second, the network moves first\n")


def test_why_another_move_than_the_likeliest_is_played_is_told_and_no_value_is_minus_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    thought = Thought(
        move=np.array([3]), prior=np.full((1, 9), 1 / 9), policy=np.array([[0.6, 0, 0, 0, 0.4, 0, 0, 0, 0]]),
        value=np.array([-0.001]), found=np.array([0.001]),
    )  # fmt: skip
    monkeypatch.setattr(Player, "think", lambda player, games: thought)
    out = played(capsys, "8", "quit")
    assert "its last simulations 0 came out better" in out
    assert "value for you +0.00, by the network alone +0.00" in out
    assert "-0.00" not in out
    monkeypatch.setattr(Player, "think", lambda player, games: thought._replace(move=np.array([0])))
    assert "came out better" not in played(capsys, "8", "quit")
