"""What is scored without learning, in the same matches."""

import time
from dataclasses import replace

import pytest
import torch

from sonde.acting.self_play.games.rows import GameRows
from sonde.acting.self_play.matches import Matches
from sonde.acting.self_play.opponents import Searching
from sonde.acting.self_play.plain import AT_ONCE, plain_players
from sonde.core.playing import Playing, SearchPlan
from sonde.engine.tree import same

ROWS = GameRows(name="tic_tac_toe", seed=2_000_000, number=6, longest=9, opponents=("random", "minimax"))


def evenly(seen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A network that knows nothing, of tic-tac-toe."""
    return torch.zeros(len(seen), 9), torch.zeros(len(seen))


def never(seen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    raise AssertionError("the trained network does not play")


def playing(*, untrained: bool = True) -> Playing:
    plan = SearchPlan(kind="puct", simulations=40, considered=9)
    return Playing(judge=never, plan=plan, earlier=lambda: None, untrained=(lambda: evenly) if untrained else None)


def test_a_random_player_and_the_untrained_network_play_the_rows_games() -> None:
    found = plain_players(ROWS, playing(), torch.device("cpu"), seconds=100.0)
    assert [each.what for each in found] == ["the untrained network with the same search", "a random player"]
    for each in found:
        assert [len(batch) for batch in each.batches] == [2 * AT_ONCE, 2 * (6 - AT_ONCE)]
        assert sorted(torch.cat([batch.index for batch in each.batches]).tolist()) == list(range(12))
    searched, chance = (torch.cat([batch["score"] for batch in each.batches]).mean() for each in found)
    assert searched > chance  # a search of 40 leaves sees wins that chance does not
    again = plain_players(ROWS, playing(), torch.device("cpu"), seconds=100.0)
    assert all(same(dict(a.batches[0].fields), dict(b.batches[0].fields)) for a, b in zip(found, again, strict=True))


def test_without_time_there_are_none_and_without_a_first_network_chance_alone() -> None:
    assert [each.batches for each in plain_players(ROWS, playing(), torch.device("cpu"), seconds=0.0)] == [[], []]
    [only] = plain_players(ROWS, playing(untrained=False), torch.device("cpu"), seconds=100.0)
    assert only.what == "a random player"
    assert len(only.batches) >= 1


def test_of_long_games_a_pair_is_played_to_its_end_before_it_is_known_whether_two_end_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Matches, "_expected_s", lambda self, together, at_most_s: 60.0)
    for each in plain_players(ROWS, playing(), torch.device("cpu"), seconds=100.0):
        assert [len(batch) for batch in each.batches] == [4, 8]


def test_a_random_player_plays_another_game_against_each_opponent() -> None:
    rows = replace(ROWS, opponents=("random", "one-ply"), number=AT_ONCE)
    [only] = plain_players(rows, playing(untrained=False), torch.device("cpu"), seconds=100.0)
    lengths = torch.cat([batch["length"] for batch in only.batches])
    assert not torch.equal(lengths[:AT_ONCE], lengths[AT_ONCE:])


def test_where_the_untrained_network_has_no_time_for_a_pair_of_games_the_random_player_has_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else it would take four fifths of the time before it is given up."""
    expected = {True: 60.0, False: 1.0}
    searches = lambda self, together, at_most_s: expected[isinstance(self._judged, Searching)]  # noqa: E731
    monkeypatch.setattr(Matches, "_expected_s", searches)
    begun = time.perf_counter()
    searching, chance = plain_players(ROWS, playing(), torch.device("cpu"), seconds=50.0, longest=1)
    assert searching.batches == []
    assert chance.batches
    assert chance.seconds > 45.0
    assert time.perf_counter() - begun < 40.0
