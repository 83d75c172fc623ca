"""Games that neither side varies begin each from a position of its own, as far as the game has them."""

import pytest

from sonde.acting.seeds import LIMIT
from sonde.acting.self_play.games.open_spiel import game, rules_of
from sonde.acting.self_play.games.rows import GameRows
from sonde.acting.self_play.openings import distinct_games, openings


def rows_of(name: str, number: int, seed: int = 7) -> GameRows:
    return GameRows(name=name, seed=seed, number=number, longest=rules_of(name).longest, opponents=("earlier",))


def seen(name: str, moves: tuple[int, ...]) -> str:
    state = game(name).new_initial_state()
    for move in moves:
        state.apply_action(move)
    assert not state.is_terminal()
    return str(state)


@pytest.mark.parametrize(("name", "number", "moves"), [
    ("tic_tac_toe", 100, 2), ("tic_tac_toe", 200, 3), ("connect_four", 20, 2), ("connect_four", 100, 3), ("chess", 100, 2),
])  # fmt: skip
def test_pairs_begin_from_positions_that_differ_and_from_more_moves_where_two_are_too_few(
    name: str, number: int, moves: int
) -> None:
    found = openings(rows_of(name, number))
    assert len({seen(name, each) for each in found}) == len(found) == number // 2
    assert {len(each) for each in found} == {moves}
    assert distinct_games(rows_of(name, number)) == number


def test_all_openings_of_a_small_game_are_found() -> None:
    assert len(openings(rows_of("tic_tac_toe", 144))) == 9 * 8


def test_they_are_the_same_each_time_others_of_another_seed_and_of_fewer_games_the_first_of_them() -> None:
    from sonde.acting.self_play import openings as module

    first = openings(rows_of("tic_tac_toe", 100))
    module._openings.cache_clear()
    assert openings(rows_of("tic_tac_toe", 100)) == first
    assert openings(rows_of("tic_tac_toe", 19)) == first[:10]
    assert openings(rows_of("tic_tac_toe", 100, seed=8)) != first


def test_of_a_game_with_few_openings_there_are_fewer_games() -> None:
    rows = rows_of("nim(pile_sizes=1;2)", 100)
    found = openings(rows)
    assert 0 < len({seen(rows.name, each) for each in found}) == len(found) < 4
    assert distinct_games(rows) == 2 * len(found)


def test_of_games_without_end_only_so_many_are_looked_for_as_are_wanted() -> None:
    endless = rows_of("connect_four", LIMIT)
    assert openings(endless, pairs=3) == openings(rows_of("connect_four", 6))
    with pytest.raises(ValueError, match="say how many"):
        openings(endless)
