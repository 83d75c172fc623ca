"""Rules over many positions are OpenSpiel's, state by state; turned boards are the same game."""

from typing import Any

import numpy as np
import pyspiel
import pytest

from sonde.acting.self_play.games.bitboards import ConnectFour, TicTacToe
from sonde.acting.self_play.games.boards import board_of, fields_of
from sonde.acting.self_play.games.open_spiel import OpenSpiel, game, rules_of
from sonde.acting.self_play.games.rules import Rules, replayed
from sonde.core.errors import DataError

GAMES = (
    "connect_four",
    "tic_tac_toe",
    "othello",
    "hex(board_size=4)",
    "go(board_size=5)",
    "gomoku(size=5,connect=4)",
    "mnk(m=4,n=4,k=3)",
    "mnk(m=4,n=3,k=3)",
    "connect_four(rows=4,columns=5)",
    "chess",
    "mancala",
)


def random_games(rules: Rules, count: int, *, seed: int, moves: int = 100) -> Any:
    """(positions, view, (n,) each of them as a state of OpenSpiel) at each move of random games."""
    random = np.random.default_rng(seed)
    positions = rules.start(count)
    states = [game(rules.name).new_initial_state() for _ in range(count)]
    for _ in range(moves):
        view = rules.view(positions)
        yield positions, view, states
        going = np.flatnonzero(~view.over)
        if not len(going):
            return
        actions = np.array([random.choice(np.flatnonzero(legal)) for legal in view.legal[going]])
        positions, view = rules.step(positions[going], actions), None
        states = [states[number] for number in going]
        for state, action in zip(states, actions.tolist(), strict=True):
            state.apply_action(action)


def check_like_open_spiel(rules: Rules, view: Any, states: list[Any]) -> None:
    planes = np.array([state.observation_tensor(0) for state in states]).reshape(len(states), 3, *rules.shape[1:])
    first, second = (planes[:, 0], planes[:, 1]) if rules.name == "connect_four" else (planes[:, 2], planes[:, 1])
    for number, state in enumerate(states):
        assert view.over[number] == state.is_terminal()
        assert np.flatnonzero(view.legal[number]).tolist() == state.legal_actions()
        assert view.result[number] == (state.returns()[0] if state.is_terminal() else 0)
        if not state.is_terminal():
            assert view.mover[number] == state.current_player()
        sides = [first[number], second[number]][:: 1 if view.mover[number] == 0 else -1]
        seen = view.observation[number]
        if rules.name == "connect_four":
            seen = seen[:, ::-1]  # OpenSpiel's lowest row comes first
        assert np.array_equal(seen, sides)


@pytest.mark.parametrize("rules", [ConnectFour(), TicTacToe()], ids=lambda rules: rules.name)
def test_states_of_random_games_are_those_of_open_spiel(rules: Rules) -> None:
    ends = 0
    for _, view, states in random_games(rules, 300, seed=1):
        check_like_open_spiel(rules, view, states)
        ends += view.over.sum()
    assert ends == 300


@pytest.mark.slow
def test_states_of_thousands_of_games_of_connect_four_are_those_of_open_spiel() -> None:
    for _, view, states in random_games(ConnectFour(), 5_000, seed=2):
        check_like_open_spiel(ConnectFour(), view, states)


def test_every_state_of_tic_tac_toe_is_that_of_open_spiel() -> None:
    rules, seen = TicTacToe(), set()
    layer = [game("tic_tac_toe").new_initial_state()]
    while layer:
        check_like_open_spiel(rules, rules.view(replayed(rules, [state.history() for state in layer])), layer)
        seen |= {state.observation_string(0) for state in layer}
        found = {}
        for state in layer:
            for move in state.legal_actions():
                after = state.child(move)
                found.setdefault(after.observation_string(0), after)
        layer = list(found.values())
    assert len(seen) == 5_478  # positions of tic-tac-toe that can come about


def test_a_full_board_without_a_line_is_a_draw() -> None:
    rules = ConnectFour()
    moves = [0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 2, 3, 2, 3, 3, 2, 3, 2, 2, 3, 2, 3, 4, 5, 4, 5, 5, 4, 5, 4, 4, 5, 4, 5]
    view = rules.view(replayed(rules, [[*moves, 6, 6, 6, 6, 6, 6]]))
    assert (bool(view.over[0]), float(view.result[0]), bool(view.legal.any())) == (True, 0.0, False)


@pytest.mark.parametrize("name", GAMES)
def test_turned_boards_are_the_same_game(name: str) -> None:
    rules = rules_of(name)
    for symmetry in rules.symmetries:
        assert sorted(symmetry.actions.tolist()) == list(range(rules.actions))
        back = np.argsort(symmetry.actions)  # the move on the turned board that a move becomes
        moves: list[list[int]] = [[] for _ in range(4)]
        random = np.random.default_rng(3)
        for _ in range(12 if name == "chess" else 40):
            view = rules.view(replayed(rules, moves))
            turned = rules.view(replayed(rules, [[int(back[move]) for move in each] for each in moves]))
            seen = view.observation.reshape(len(moves), -1)[:, symmetry.observation]
            assert np.array_equal(seen, turned.observation.reshape(len(moves), -1))
            assert np.array_equal(view.legal[:, symmetry.actions], turned.legal)
            assert np.array_equal(view.result, turned.result)
            assert np.array_equal(view.over, turned.over)
            for number in np.flatnonzero(~view.over):
                moves[number].append(int(random.choice(np.flatnonzero(view.legal[number]))))


def test_black_sees_a_board_of_chess_as_white_would_see_it_with_the_colours_exchanged() -> None:
    rules, random = rules_of("chess"), np.random.default_rng(0)
    state, seen = game("chess").new_initial_state(), set()
    while not state.is_terminal() and state.move_number() < 150:
        other = game("chess").new_initial_state(exchanged(str(state)))
        one, two = (rules.view(np.array([[each]], object)) for each in (state, other))
        assert np.array_equal(
            one.observation[:, PLAIN], two.observation[:, PLAIN]
        )  # a position is repeated by its history
        assert np.array_equal(one.legal, two.legal)
        assert one.mover != two.mover
        seen |= set(str(state).split()[2])
        state.apply_action(int(random.choice(state.legal_actions())))
    assert seen >= {"K", "Q", "k", "q"}


@pytest.mark.parametrize(
    ("name", "own", "other"),
    [("go(board_size=4)", 0, 1), ("gomoku(size=4,connect=3)", 0, 1), ("mnk(m=4,n=4,k=3)", 2, 1)],
)
def test_who_is_to_move_sees_its_own_stones_where_the_other_side_sees_its_own(name: str, own: int, other: int) -> None:
    rules, stones = rules_of(name), set()
    for _, view, states in random_games(rules, 20, seed=4, moves=16):
        for number, state in enumerate(states):
            if view.over[number]:
                continue
            fields = np.array(list(fields_of(board_of(state.get_game()), state))).reshape(4, 4)
            fields = fields[::-1] if rules.name.startswith("go(") else fields  # whose first row is the lowest
            mine, theirs = "xo" if view.mover[number] == 0 else "ox"
            seen = view.observation[number].reshape(-1, 4, 4)
            assert np.array_equal(seen[own], fields == mine)
            assert np.array_equal(seen[other], fields == theirs)
            if rules.name.startswith("go("):  # who is to move counts there: white has the komi
                assert np.array_equal(seen[3], np.full((4, 4), view.mover[number]))
            stones.add((int(view.mover[number]), (fields == mine).any(), (fields == theirs).any()))
    assert {(0, True, True), (1, True, True)} <= stones


PLAIN = [plane for plane in range(19) if plane != 13]


def exchanged(fen: str) -> str:
    """The same position with the colours exchanged."""
    rows, mover, castling, passed, *counts = fen.split()
    rows = "/".join(reversed(rows.swapcase().split("/")))
    passed = passed if passed == "-" else passed[0] + {"3": "6", "6": "3"}[passed[1]]
    castling = "".join(sorted(castling.swapcase()))
    return " ".join([rows, "w" if mover == "b" else "b", castling, passed, *counts])


def test_how_many_symmetries_are_known() -> None:
    found = {name: len(rules_of(name).symmetries) for name in GAMES}
    assert found == {
        "connect_four": 2,
        "tic_tac_toe": 8,
        "othello": 4,  # the others change the first position
        "hex(board_size=4)": 2,
        "go(board_size=5)": 8,
        "gomoku(size=5,connect=4)": 8,
        "mnk(m=4,n=4,k=3)": 8,
        "mnk(m=4,n=3,k=3)": 4,
        "connect_four(rows=4,columns=5)": 2,
        "chess": 1,
        "mancala": 1,
    }


def test_what_is_seen_of_gomoku_is_a_board_where_it_has_two_dimensions() -> None:
    assert rules_of("gomoku").shape == (3, 15, 15)
    assert rules_of("gomoku(size=4,dims=3,connect=4)").shape == (3 * 4**3,)


def test_games_of_another_size_are_stepped_by_open_spiel() -> None:
    assert isinstance(rules_of("connect_four(rows=5)"), OpenSpiel)
    assert isinstance(rules_of("connect_four"), ConnectFour)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("conect_four", r"game:conect_four: no such game of OpenSpiel; did you mean game:connect_four\?"),
        ("poker", "game:poker: no such game of OpenSpiel; connect_four is one"),  # and not kuhn_poker, which has chance
        ("matching_pennies", "game:matching_pennies: no such game of OpenSpiel; connect_four is one"),
        ("backgammon", "game:backgammon has chance in it; self-play with search is for games for two"),
        ("kriegspiel", "game:kriegspiel hides something from its players;"),
        ("matching_pennies_3p", "game:matching_pennies_3p is not for two players;"),
        ("matrix_pd", "game:matrix_pd has moves that both make at the same time;"),
        (
            "hex(board_size=0)",
            r"game:hex\(board_size=0\) cannot be played: board_size=0 has to be a whole number from 1",
        ),
        ("connect_four(rows=0)", "rows=0 has to be a whole number from 1"),  # OpenSpiel crashes
        ("misere(game=hex(board_size=-1))", "board_size=-1 has to be a whole number from 1"),
        ("breakthrough(rows=1)", r"cannot be played: OpenSpiel takes no such parameters \(rows > 1\)"),
        ("hex(size=5)", "game:hex\\(size=5\\): hex has no parameter 'size'; it takes .*board_size"),
    ],
)
def test_other_games_are_refused_by_name(name: str, message: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DataError, match=message):
        game(name)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "name", ["misere(game=tic_tac_toe())", "start_at(history=4;0,game=hex(board_size=3,swap=True))"]
)
def test_a_game_made_of_another_is_what_that_one_is(name: str) -> None:
    assert len(rules_of(name).start(2)) == 2


def test_a_game_made_of_one_with_chance_has_chance() -> None:
    with pytest.raises(DataError, match="has chance in it; self-play with search"):
        game("misere(game=backgammon())")


def test_a_game_of_hex_with_the_swap_is_never_cut_off() -> None:
    rules, random, longest = rules_of("hex(board_size=3,swap=True)"), np.random.default_rng(0), 0
    for _ in range(60):
        state = game("hex(board_size=3,swap=True)").new_initial_state()
        while not state.is_terminal():
            state.apply_action(int(random.choice(state.legal_actions())))
        longest = max(longest, state.move_number())
        assert state.returns()[0] != 0
    assert 9 < longest <= rules.longest == 10


def test_positions_of_a_game_by_open_spiel_say_who_is_to_move() -> None:
    rules = rules_of("hex(board_size=4)")
    view = rules.view(replayed(rules, [[], [5]]))
    assert view.observation[:, -1].mean((1, 2)).tolist() == [1, 0]
    assert view.mover.tolist() == [0, 1]
    assert pyspiel.load_game("hex(board_size=4)").observation_tensor_shape()[0] == rules.shape[0] - 1


def test_who_began_has_white_in_chess() -> None:
    rules, known = rules_of("chess"), game("chess")
    moves: list[int] = []
    for san in ("f3", "e5", "g4", "Qh4#"):
        state = known.new_initial_state()
        for move in moves:
            state.apply_action(move)
        moves.append(state.string_to_action(san))
    views = [rules.view(replayed(rules, [moves[:count]])) for count in range(5)]
    assert [int(view.mover[0]) for view in views[:4]] == [0, 1, 0, 1]
    assert (bool(views[4].over[0]), float(views[4].result[0])) == (True, -1.0)
