"""Searches of many games at once are those of one game after the other, find forced wins, and never an illegal move."""

from typing import Any

import numpy as np
import pytest

from sonde.acting.self_play.games.bitboards import ConnectFour, TicTacToe
from sonde.acting.self_play.games.open_spiel import game, rules_of
from sonde.acting.self_play.games.rules import replayed
from sonde.acting.self_play.opponents import Minimax
from sonde.acting.self_play.search import gumbel, puct
from sonde.acting.self_play.search.search import searched
from sonde.acting.self_play.search.tree import Forest, Judge
from sonde.core.playing import SearchPlan
from tests.acting.self_play.search import reference

KINDS = ("gumbel", "puct")


def positions_of(name: str, count: int, *, seed: int = 0) -> list[list[int]]:
    """Moves of games that were stopped at some point before their end."""
    random, known, found = np.random.default_rng(seed), game(name), []
    while len(found) < count:
        state = known.new_initial_state()
        for _ in range(random.integers(0, 30)):
            if not state.is_terminal():
                state.apply_action(int(random.choice(state.legal_actions())))
        if not state.is_terminal():
            found.append(state.history())
    return found


def state_of(name: str, moves: list[int]) -> Any:
    state = game(name).new_initial_state()
    for move in moves:
        state.apply_action(move)
    return state


def evenly(actions: int) -> Judge:
    """A network that knows nothing."""
    return lambda seen: (np.zeros((len(seen), actions), np.float32), np.zeros(len(seen), np.float32))


@pytest.mark.parametrize("simulations", [1, 2, 17, 60])
def test_puct_follows_the_moves_that_one_game_at_a_time_does(simulations: int) -> None:
    rules, moves = ConnectFour(), positions_of("connect_four", 12)
    found = puct.search(rules, replayed(rules, moves), reference.judge, simulations=simulations, random=None)
    for number, each in enumerate(moves):
        expected = reference.puct(rules, state_of("connect_four", each), simulations)
        assert {move: int(found.visits[number, move]) for move in expected} == expected


@pytest.mark.parametrize(("simulations", "considered"), [(1, 4), (8, 4), (16, 7), (50, 3), (40, 1)])
def test_gumbel_finds_what_one_game_at_a_time_does(simulations: int, considered: int) -> None:
    rules, moves = ConnectFour(), positions_of("connect_four", 12, seed=1)
    noise = np.random.default_rng(7).gumbel(size=(12, 7)).astype(np.float32)
    found = gumbel.search(
        rules,
        replayed(rules, moves),
        reference.judge,
        simulations=simulations,
        considered=considered,
        random=np.random.default_rng(7),
    )
    for number, each in enumerate(moves):
        state = state_of("connect_four", each)
        action, policy, value = reference.gumbel(rules, state, simulations, considered, noise[number])
        assert int(found.action[number]) == action
        assert float(found.value[number]) == pytest.approx(value, abs=1e-4)
        assert {move: float(found.policy[number, move]) for move in policy} == pytest.approx(policy, abs=2e-4)


def test_a_search_does_not_depend_on_the_games_beside_it() -> None:
    rules, moves = ConnectFour(), positions_of("connect_four", 6, seed=2)
    together = puct.search(rules, replayed(rules, moves), reference.judge, simulations=30, random=None)
    for number, each in enumerate(moves):
        alone = puct.search(rules, replayed(rules, [each]), reference.judge, simulations=30, random=None)
        assert np.array_equal(alone.visits[0], together.visits[number])


def test_the_score_of_puct_is_that_of_the_paper() -> None:
    rules = ConnectFour()
    forest = Forest(rules, rules.start(1), evenly(7), simulations=4)
    for _ in range(4):
        forest.simulate(lambda forest, rows: np.zeros(len(rows), np.int64), puct.choice)
    # the first move was followed 4 times and is worth nothing; others have U = (log((1 + 5 + 19652) / 19652) + 1.25) / 7 sqrt 5
    assert forest.visits[0].tolist() == [4, 0, 0, 0, 0, 0, 0]
    rate = np.log(19_658 / 19_652) + 1.25
    other, first = rate / 7 * np.sqrt(5) - 0.2 * np.sqrt(1 / 7), rate / 7 * np.sqrt(5) / 5
    assert other > first
    assert puct.choice(forest, np.array([0])).tolist() == [1]
    forest.total[0, 0] = 4 * (other - first + 1e-3)
    forest.value[0] = -forest.total[0].sum()  # so that the node itself is worth nothing as before
    assert puct.choice(forest, np.array([0])).tolist() == [0]


def test_halving_follows_every_move_equally_often_in_each_round() -> None:
    assert gumbel.halving(4, 16).tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert gumbel.halving(1, 3).tolist() == [0, 1, 2]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("moves", "best"),
    [
        ([3, 0, 3, 0, 3, 1], {3}),  # a win at once
        ([3, 0, 3, 0, 3], {3}),  # a loss at once, unless it is met
        ([3, 3, 2, 2], {1, 4}),  # three in a row with both ends open wins two moves later
    ],
)
def test_forced_wins_are_found_by_a_network_that_knows_nothing(kind: Any, moves: list[int], best: set[int]) -> None:
    rules = ConnectFour()
    plan = SearchPlan(kind=kind, simulations=800, considered=7)
    found = searched(rules, replayed(rules, [moves]), evenly(7), plan, random=None)
    assert int(found.action[0]) in best


@pytest.mark.parametrize("kind", KINDS)
def test_moves_of_a_long_search_are_those_of_minimax(kind: Any) -> None:
    rules, perfect = TicTacToe(), Minimax()
    moves = [each for each in positions_of("tic_tac_toe", 200, seed=3) if len(each) >= 2][:60]
    plan = SearchPlan(kind=kind, simulations=600, considered=9)
    found = searched(rules, replayed(rules, moves), evenly(9), plan, random=None)
    wrong = [
        each
        for each, action in zip(moves, found.action.tolist(), strict=True)
        if action not in perfect.best(state_of("tic_tac_toe", each))
    ]
    assert wrong == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["connect_four", "othello", "dots_and_boxes", "mancala"])
def test_illegal_moves_are_never_chosen_and_never_part_of_the_policy(kind: Any, name: str) -> None:
    rules = rules_of(name)
    moves = positions_of(name, 8, seed=4)

    def wishes(seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        logits = np.random.default_rng(len(seen)).normal(size=(len(seen), rules.actions)) * 20
        return logits.astype(np.float32), np.zeros(len(seen), np.float32)

    plan = SearchPlan(kind=kind, simulations=20, considered=16)
    for number in range(5):
        positions = replayed(rules, moves)
        random = np.random.default_rng(number)
        found = searched(rules, positions, wishes, plan, random=random, drawn=np.ones(8, bool))
        legal = rules.view(positions).legal
        assert legal[np.arange(8), found.action].all()
        assert not found.policy[~legal].any()
        assert not found.visits[~legal].any()
        assert found.policy.sum(1) == pytest.approx(np.ones(8), abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_values_are_those_of_the_side_to_move_where_sides_do_not_take_turns(kind: Any) -> None:
    rules, known = rules_of("dots_and_boxes"), game("dots_and_boxes")
    assert not all(_turns(known, moves) for moves in positions_of("dots_and_boxes", 40, seed=5))
    plan = SearchPlan(kind=kind, simulations=1_500, considered=12)
    moves = [each for each in positions_of("dots_and_boxes", 200, seed=5) if len(each) >= 8][:8]
    found = searched(rules, replayed(rules, moves), evenly(12), plan, random=None)
    for number, each in enumerate(moves):
        state = state_of("dots_and_boxes", each)
        worth = {move: _worth(state.child(move), state.current_player()) for move in state.legal_actions()}
        assert worth[int(found.action[number])] == max(worth.values())


def _turns(known: Any, moves: list[int]) -> bool:
    state = known.new_initial_state()
    for number, move in enumerate(moves):
        if state.current_player() != number % 2:
            return False
        state.apply_action(move)
    return True


def _worth(state: Any, player: int) -> float:
    """Under perfect play, for a player."""
    if state.is_terminal():
        return state.returns()[player]
    found = [_worth(state.child(move), player) for move in state.legal_actions()]
    return max(found) if state.current_player() == player else min(found)


def test_a_game_that_is_over_takes_no_part() -> None:
    rules, won = ConnectFour(), [0, 1, 0, 1, 0, 1, 0]
    found = puct.search(rules, replayed(rules, [won, []]), reference.judge, simulations=20, random=None)
    alone = puct.search(rules, replayed(rules, [[]]), reference.judge, simulations=20, random=None)
    assert np.array_equal(found.visits[1], alone.visits[0])
    assert not found.visits[0].any()
