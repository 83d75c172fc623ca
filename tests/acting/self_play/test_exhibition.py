"""Games that are played out to be looked at: legal, the same each time, and told where they are cut off."""

import time
from typing import Any

import torch

from sonde.acting.seeds import LIMIT
from sonde.acting.self_play.exhibition import exhibited
from sonde.acting.self_play.games.open_spiel import game
from sonde.acting.self_play.games.rows import GameRows
from sonde.acting.self_play.openings import MOVES
from sonde.acting.self_play.shown import played_to
from sonde.core.pace import never
from sonde.core.playing import Playing, SearchPlan

ROWS = GameRows(name="tic_tac_toe", seed=2_000_000, number=2, longest=9, opponents=("random",))


def evenly(seen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A network that knows nothing, of tic-tac-toe."""
    return torch.zeros(len(seen), 9), torch.zeros(len(seen))


def last_fields(seen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """One that likes high numbers."""
    return torch.arange(9.0).expand(len(seen), 9) * 3, torch.full((len(seen),), 0.25)


def played(
    earlier: Any = None, *, rows: GameRows = ROWS, seconds: float = 60.0, judge: Any = evenly, leave_off: Any = never
) -> dict[str, Any]:
    plan = SearchPlan(kind="puct", simulations=9, considered=9)
    playing = Playing(judge=judge, plan=plan, earlier=lambda: earlier)
    return exhibited(rows, playing, torch.device("cpu"), seconds=seconds, leave_off=leave_off)


def test_games_are_legal_to_their_ends_and_the_same_each_time() -> None:
    found = played(last_fields)
    assert found == played(last_fields)
    assert (found["against"], found["simulations"], found["seed"]) == ("earlier", 9, 2_000_000)
    for each in found["games"]:
        moves = [ply["played"]["action"] for ply in each["plies"]]
        for made, ply in enumerate(each["plies"]):
            assert ply["fields"] == fields_after(moves[:made])
            assert abs(ply["value"][0]) == 0  # the judged network's, whoever moves
        assert each["final"]["fields"] == fields_after(moves)
        assert (each["final"]["over"], each["cut"]) == (True, "")


def fields_after(moves: list[int]) -> str:
    return str(played_to(game("tic_tac_toe"), moves)[0]).replace("\n", "")


def test_the_network_begins_one_and_moves_second_in_the_other_after_random_moves() -> None:
    first, second = played(last_fields)["games"]
    assert [ply["by"] for ply in first["plies"]] == (["network", "earlier"] * 5)[: len(first["plies"])]
    by = [ply["by"] for ply in second["plies"]]
    assert by == (["drawn"] * MOVES + ["earlier", "network"] * 4)[: len(by)]
    assert (first["network"], second["network"]) == (0, 1)
    assert first["plies"][1]["played"]["action"] == 8  # what the earlier self likes


def test_it_plays_the_best_that_it_finds_against_itself_where_there_was_none_before() -> None:
    found = played()
    assert found["against"] == "itself"
    for ply in found["games"][0]["plies"]:
        assert ply["by"] == "network"
        assert ply["played"]["action"] == ply["best"]


def test_a_game_that_is_cut_off_says_why() -> None:
    late = played(seconds=0.0)["games"]
    assert [each["cut"] for each in late] == ["after 0 s of play"] * 2
    assert [each["plies"] for each in late] == [[], []]
    short = played(rows=GameRows(name="tic_tac_toe", seed=1, number=2, longest=4, opponents=()))["games"]
    assert [(len(each["plies"]), each["cut"]) for each in short] == [(4, "after 4 moves")] * 2
    assert short[0]["final"]["result"] is None


def test_games_of_training_which_has_no_end_are_shown_at_once() -> None:
    """As many openings are looked for as are shown, not as many as there are games."""
    endless = GameRows(name="tic_tac_toe", seed=0, number=LIMIT, longest=9, opponents=("earlier",))
    begun = time.perf_counter()
    assert [each["cut"] for each in played(rows=endless, seconds=0.0)["games"]] == ["after 0 s of play"] * 2
    assert [each["cut"] for each in played(rows=endless)["games"]] == ["", ""]
    assert time.perf_counter() - begun < 2.0


def test_a_move_that_takes_long_is_cut_off_in_the_middle_and_a_stop_is_heeded() -> None:
    calls = []

    def slow(seen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        calls.append(len(seen))
        time.sleep(0.05)
        return evenly(seen)

    assert [each["plies"] for each in played(judge=slow, seconds=0.12)["games"]] == [[], []]
    assert 1 <= len(calls) <= 4  # of ten for one move
    stopped = played(leave_off=lambda: True)["games"]
    assert [each["cut"] for each in stopped] == ["as the run was stopped"] * 2
