"""Matches against a ladder: who begins alternates, the same match is the same each time, perfect play never loses."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from sonde.acting.self_play.games.bitboards import TicTacToe
from sonde.acting.self_play.games.open_spiel import game
from sonde.acting.self_play.games.rows import GameRows
from sonde.acting.self_play.games.rules import replayed
from sonde.acting.self_play.matches import Matches
from sonde.acting.self_play.openings import distinct_games
from sonde.acting.self_play.opponents import Minimax, RolloutSearch, check_opponents, opponent
from sonde.core.errors import ConfigError
from sonde.core.pace import leaving_off
from sonde.core.playing import Playing, SearchPlan
from sonde.engine.tree import same


def evenly(seen: Tensor) -> tuple[Tensor, Tensor]:
    """A network that knows nothing, of tic-tac-toe."""
    return torch.zeros(len(seen), 9), torch.zeros(len(seen))


def rows_of(*opponents: str, number: int = 8, seed: int = 1_000_000, name: str = "tic_tac_toe") -> GameRows:
    return GameRows(name=name, seed=seed, number=number, longest=9, opponents=opponents)


def knowing() -> Any:
    """A network that knows what every position of tic-tac-toe is worth, and nothing of moves."""
    perfect, rules, worth = Minimax(), TicTacToe(), {}
    layer = {"": game("tic_tac_toe").new_initial_state()}
    while layer:
        seen = rules.view(replayed(rules, [state.history() for state in layer.values()])).observation
        worth |= {each.tobytes(): perfect.value(state) for each, state in zip(seen, layer.values(), strict=True)}
        below = [state.child(move) for state in layer.values() for move in state.legal_actions()]
        layer = {state.observation_string(0): state for state in below}

    def judge(seen: Tensor) -> tuple[Tensor, Tensor]:
        return torch.zeros(len(seen), 9), torch.tensor(
            [worth.get(each.tobytes(), 0) for each in seen.to(torch.int8).numpy()]
        )

    return judge


def matches(
    rows: GameRows,
    *,
    simulations: int = 30,
    judge: Any = evenly,
    earlier: Any = None,
    now: Callable[[], float] = time.perf_counter,
) -> Matches:
    plan = SearchPlan(kind="puct", simulations=simulations, considered=9)
    return Matches(rows, Playing(judge=judge, plan=plan, earlier=lambda: earlier), torch.device("cpu"), now=now)


def test_who_knows_every_position_does_not_lose_and_random_moves_do() -> None:
    [batch] = matches(rows_of("random", "minimax", number=12), judge=knowing())
    assert batch["opponent"] == ["random"] * 12 + ["minimax"] * 12
    assert batch["score"][12:].tolist() == [0.5] * 12
    assert batch["score"][:12].min() >= 0.5
    assert batch["score"][:12].mean() > 0.85


def test_games_that_are_over_are_counted_while_they_are_played() -> None:
    played, told = matches(rows_of("random", "one-ply", number=4), simulations=2), []
    played.leave_off = lambda: bool(told.append(played.so_far))
    list(played)
    assert played.so_far == (8, 8)
    assert told[0] == (0, 8)
    assert told == sorted(told)


def test_every_other_game_is_begun_by_the_opponent() -> None:
    [batch] = matches(rows_of("random"), simulations=2)
    assert batch["first"].tolist() == [True, False] * 4
    assert batch.index.tolist() == list(range(8))


def test_matches_are_the_same_each_time_and_others_from_other_seeds() -> None:
    rows = rows_of("random", "mcts-5", number=12)
    first, again = (list(matches(rows, simulations=20)) for _ in range(2))
    other = list(matches(rows_of("random", "mcts-5", number=12, seed=2_000_000), simulations=20))
    assert same([dict(each.fields) for each in first], [dict(each.fields) for each in again])
    assert not same([dict(each.fields) for each in first], [dict(each.fields) for each in other])


def test_opponents_that_choose_alike_play_other_games() -> None:
    state, plan = game("connect_four").new_initial_state(), SearchPlan(kind="puct", simulations=1, considered=1)
    moves = []
    for name in ("random", "one-ply", "mcts-1"):
        found = opponent(name, rows_of(name="connect_four"), 7, None, plan)
        assert found is not None
        moves.append(found.move(range(12), [state] * 12))
    assert moves[0] != moves[1]  # nothing wins at once, so that both move by chance alone


def test_games_side_by_side_are_those_of_a_match_that_is_played_in_parts() -> None:
    whole = list(matches(rows_of("random", "mcts-5", number=44), simulations=10))
    assert [len(batch) for batch in whole] == [40, 40, 8]
    [part] = matches(rows_of("mcts-5", number=20), simulations=10)
    assert torch.equal(part["score"], whole[0]["score"][20:])
    assert sorted(torch.cat([batch.index for batch in whole]).tolist()) == list(range(88))


class Hours:
    """A clock that a move in a group of games moves on by a second for each game that goes on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, move = 0.0, Matches._move

        def moved(matches: Matches, games: Any, states: Any, going: Any, *args: Any) -> None:
            self.now += len(going)
            move(matches, games, states, going, *args)

        monkeypatch.setattr(Matches, "_move", moved)

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("within_s", "sizes"),
    [(None, [20, 20, 4]), (1e5, [20, 20, 4]), (700.0, [2, 20, 20, 2]), (150.0, [2, 4, 2])],
    ids=["any time", "much", "little", "hardly any"],
)
def test_where_there_is_little_time_a_pair_against_each_is_played_first_and_then_as_many_as_end_in_it(
    within_s: float | None, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Hours(monkeypatch)
    played = matches(rows_of("random", "one-ply", number=44), simulations=2, now=clock)
    with leaving_off(played, lambda: within_s is not None and clock() > within_s, within_s):
        found = list(played)
    assert [len(batch) for batch in found] == [2 * size for size in sizes]
    assert [batch["opponent"].count("random") for batch in found] == sizes
    assert played.which == ("" if sum(sizes) == 44 else ", the first of each match")
    assert (played.so_far == (88, 88)) == (sum(sizes) == 44)
    assert within_s is None or clock() < within_s  # no wave is begun that would not end
    assert played.within_s is None
    pairs = [pair for batch in played for pair in zip(batch.index.tolist(), batch["score"].tolist(), strict=True)]
    whole = dict(pairs)
    for batch in found:
        assert batch["score"].tolist() == [whole[number] for number in batch.index.tolist()]


@pytest.mark.parametrize("within_s", [60.0, 100.0, 150.0, 250.0, 400.0])
def test_quick_wins_are_not_counted_more_often_than_long_games(
    within_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One opponent loses at once, and one holds out for as long as there are moves: whenever time is over, both count alike."""
    clock = Hours(monkeypatch)
    lengths, of, kept = {"random": 2, "minimax": 9}, {}, []
    monkeypatch.setattr(
        Matches, "_over", lambda self, state: state.is_terminal() or state.move_number() >= lengths[of[id(state)]]
    )
    begun = Matches._begun

    def begin(matches: Matches, known: Any, one: Any, others: Any) -> Any:
        state = begun(matches, known, one, others)
        of[id(state)] = one.opponent
        kept.append(state)  # so that no other state is taken for it
        return state

    monkeypatch.setattr(Matches, "_begun", begin)
    played = matches(rows_of("random", "minimax", number=20), simulations=2, now=clock)
    with leaving_off(played, lambda: clock() > within_s, within_s):
        found = list(played)
    assert found
    for batch in found:
        assert batch["opponent"].count("random") == batch["opponent"].count("minimax")
        assert batch["first"].tolist().count(True) == len(batch) / 2


def test_nothing_is_told_where_not_all_games_of_the_first_wave_end(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Hours(monkeypatch)
    played = matches(rows_of("random", "one-ply", "minimax", number=20), simulations=2, now=clock)
    with leaving_off(played, lambda: clock() > 92.0, 92.0):  # in which some have ended
        assert list(played) == []
    assert played.so_far[0] > 0
    assert played.so_far[1] == 60


def test_an_earlier_self_is_met_where_there_is_one_from_openings_that_differ() -> None:
    assert list(matches(rows_of("earlier"))) == []
    [batch] = matches(rows_of("earlier", number=16), simulations=3, earlier=evenly)
    assert batch["score"].mean() == 0.5  # the same player on both sides of each opening
    assert len(set(batch["length"].tolist())) > 1


def test_an_earlier_self_that_is_still_to_come_is_expected_to_take_its_time() -> None:
    to_come = matches(rows_of("earlier", number=16), simulations=3)
    assert to_come.expected_s(1.0) > 0
    assert list(to_come) == []  # and is not met before it is there


def test_against_an_earlier_self_no_game_is_played_twice() -> None:
    rows = rows_of("earlier", "random", number=30, name="nim(pile_sizes=1;2)")

    def judge(seen: Tensor) -> tuple[Tensor, Tensor]:
        return torch.zeros(len(seen), rows.rules.actions), torch.zeros(len(seen))

    found = list(matches(rows, simulations=2, judge=judge, earlier=judge))
    against = [name for batch in found for name in batch["opponent"]]
    assert against.count("random") == 30
    assert against.count("earlier") == distinct_games(rows) < 30
    alone = rows_of("earlier", number=30, name=rows.name)
    [batch] = matches(alone, simulations=2, judge=judge, earlier=judge)
    assert len(batch) == distinct_games(alone)


def test_minimax_knows_what_tic_tac_toe_is_worth() -> None:
    perfect, state = Minimax(), game("tic_tac_toe").new_initial_state()
    assert perfect.value(state) == 0
    state.apply_action(0)
    assert perfect.best(state) == [4]  # the corner is met in the middle alone


def test_minimax_is_right_where_a_side_moves_again() -> None:
    """Beside a search that remembers nothing, in which each value is taken for player 0 alone."""
    played, perfect, random = game("dots_and_boxes(num_rows=2,num_cols=2)"), Minimax(), np.random.default_rng(0)

    def worth(state: Any) -> float:
        if state.is_terminal():
            return state.returns()[0]
        after = [worth(state.child(move)) for move in state.legal_actions()]
        return max(after) if state.current_player() == 0 else min(after)

    for _ in range(20):
        state = played.new_initial_state()
        while len(state.legal_actions()) > 5:
            state.apply_action(int(random.choice(state.legal_actions())))
        assert perfect.worth(state) == worth(state)
    assert perfect.value(played.new_initial_state()) == 1  # who begins wins


def test_a_rollout_search_moves_the_same_in_the_same_game() -> None:
    state = game("connect_four").new_initial_state()
    moves = [RolloutSearch("connect_four", 30, 7).move([number], [state])[0] for number in (0, 0, 1, 2, 3, 4)]
    assert moves[0] == moves[1]
    assert len(set(moves)) > 1
    together = RolloutSearch("connect_four", 30, 7).move([0, 1, 2, 3, 4], [state] * 5)
    assert together == moves[1:]


def test_one_ply_takes_a_win() -> None:
    state = game("connect_four").new_initial_state()
    for move in (3, 0, 3, 0, 3, 1):
        state.apply_action(move)
    found = opponent("one-ply", rows_of(), 0, None, SearchPlan(kind="puct", simulations=1, considered=1))
    assert found is not None
    assert found.move(range(5), [state] * 5) == [3] * 5


def test_opponents_that_are_not_there_or_cannot_play_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"--opponents minmax: no such opponent; did you mean minimax\?"):
        check_opponents(["random", "minmax"], "tic_tac_toe", 9)
    with pytest.raises(ConfigError, match="--opponents mcts-0: no such opponent"):
        check_opponents(["mcts-0"], "tic_tac_toe", 9)
    check_opponents(["random", "one-ply", "mcts-1000", "minimax", "earlier"], "tic_tac_toe", 9)
    check_opponents(["random", "one-ply", "mcts-1000", "earlier"], "hex", 121)
    with pytest.raises(
        ConfigError, match="minimax looks at all of a game, 12 moves at most, and hex may last 121; leave"
    ):
        check_opponents(["random", "minimax"], "hex", 121)


def test_rows_pickle_without_their_rules() -> None:
    import pickle

    rows = rows_of("random")
    assert rows.rules.actions == 9
    assert pickle.loads(pickle.dumps(rows)) == rows
    assert rows.describe(3) == "game 4 against random"
    assert rows.read(np.arange(2))["game"].tolist() == [0, 1]
