"""What is learned from self-play is what the games were, and playing goes on exactly where it was left."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from sonde.acting.self_play.games.bitboards import ConnectFour, TicTacToe
from sonde.acting.self_play.games.open_spiel import game, rules_of
from sonde.acting.self_play.games.rules import replayed
from sonde.acting.self_play.source import SelfPlay, SelfPlayPlan
from sonde.core.batch import Batch
from sonde.core.playing import Playing, SearchPlan
from sonde.engine.tree import copied, same


def plan(**more: Any) -> SelfPlayPlan:
    settings: dict[str, Any] = {
        "games": 6,
        "longest": 42,
        "quick": 2,
        "full": 0.5,
        "drawn_moves": 4,
        "random_moves": 2,
        "window": 400,
        "reuse": 2.0,
        "batch": 16,
        "symmetries": True,
    }
    return SelfPlayPlan(**{**settings, **more})


def judge(seen: Tensor) -> tuple[Tensor, Tensor]:
    """Logits for 7 moves or 9."""
    flat = seen.flatten(1)
    count = 9 if flat.shape[1] == 18 else 7
    return flat[:, :count] - flat[:, -count:] / 2, (flat.mean(1) - 0.2).tanh()


def played(rules: Any, kind: Any = "gumbel", **more: Any) -> SelfPlay:
    search = SearchPlan(kind=kind, simulations=6, considered=4)
    playing = Playing(judge=judge, plan=search, earlier=lambda: None)
    return SelfPlay(rules, playing, plan(**more), seed=5, device=torch.device("cpu"))


def batches(source: SelfPlay, count: int) -> list[Batch]:
    found = iter(source)
    return [next(found) for _ in range(count)]


@pytest.mark.parametrize("kind", ["gumbel", "puct"])
@pytest.mark.parametrize("name", ["connect_four", "hex(board_size=2)", "tic_tac_toe"])
def test_batches_after_a_stop_are_those_of_a_run_that_was_not_stopped(name: str, kind: Any) -> None:
    rules = rules_of(name)

    def network(seen: Tensor) -> tuple[Tensor, Tensor]:
        flat = seen.flatten(1)
        return flat[:, : rules.actions] * 2, (flat.mean(1) - 0.2).tanh()

    def fresh() -> SelfPlay:
        search = SearchPlan(kind=kind, simulations=6, considered=4)
        return SelfPlay(
            rules, Playing(judge=network, plan=search, earlier=lambda: None), plan(), seed=5, device=torch.device("cpu")
        )

    straight, stopped, resumed = fresh(), fresh(), fresh()
    expected = batches(straight, 30)
    for number, batch in enumerate(batches(stopped, 13)):
        assert same(dict(batch.fields), dict(expected[number].fields))
    resumed.load_state_dict(copied(stopped.state_dict()))
    for batch, other in zip(batches(resumed, 17), expected[13:], strict=True):
        assert same(dict(batch.fields), dict(other.fields))
        assert torch.equal(batch.index, other.index)
    assert same(resumed.state_dict(), straight.state_dict())
    assert resumed.figures == straight.figures


def test_values_are_the_ends_of_games_for_the_side_to_move() -> None:
    source = played(TicTacToe(), games=1, full=1.0, symmetries=False, window=9, batch=1, random_moves=0)
    known = game("tic_tac_toe")
    moves: list[int] = []
    while not source.figures["games"]:
        moves = list(source._moves[0])
        source._move()
    state = known.new_initial_state()
    for move in moves:
        state.apply_action(move)
    source._window.read(np.arange(len(moves) + 1))
    state.apply_action(next(move for move in state.legal_actions() if state.child(move).is_terminal()))
    rows = source._window.read(np.arange(source._window.filled))
    result = source._results.argmax()
    for number in range(source._window.filled):
        expected = {0: 1.0, 1: 0.0, 2: -1.0}[int(result)]
        assert rows["value"][number] == (expected if number % 2 == 0 else -expected)
        assert rows["observation"][number].sum() == number  # stones on the board
    assert result == 1 or rows["value"][-1] == 1  # who moves last wins


def test_policies_are_0_where_moves_are_illegal_and_add_up_to_1() -> None:
    source = played(ConnectFour(), full=1.0)
    for batch in batches(source, 30):
        legal, policy = batch["legal"], batch["policy"]
        assert not policy[~legal].any()
        assert torch.allclose(policy.sum(1), torch.ones(len(policy)), atol=1e-5)
        top = batch["observation"][:, :, 0].sum(1)  # stones in the highest row
        assert torch.equal(legal, top == 0)


def test_games_begin_with_random_moves_that_do_not_end_them() -> None:
    rules = TicTacToe()
    source = played(rules, games=200, random_moves=9)
    source._begin(range(200))
    assert {len(moves) for moves in source._moves} == set(range(9))
    assert not rules.view(source._positions).over.any()
    assert np.array_equal(source._positions, replayed(rules, source._moves))
    plain = played(rules, games=200, random_moves=0)
    plain._begin(range(200))
    assert plain._moves == [[]] * 200


def test_a_share_of_moves_is_learned_from() -> None:
    source = played(ConnectFour(), games=4, full=0.25, window=10_000)
    for _ in range(400):
        source._move()
    held = sum(map(len, source._pending))
    assert (source._window.written + held) / (400 * 4) == pytest.approx(0.25, abs=0.06)


def test_positions_are_learned_from_as_often_as_asked() -> None:
    source = played(ConnectFour(), reuse=2.0, batch=16, window=10_000)
    batches(source, 40)
    assert 40 * 16 / source._window.written == pytest.approx(2.0, rel=0.25)
    assert source._window.written * 2.0 >= 40 * 16


def test_a_game_that_takes_too_long_is_a_draw() -> None:
    source = played(ConnectFour(), games=2, longest=3, full=1.0, random_moves=0)
    for _ in range(3):
        source._move()
    assert source.figures["draws"] == 1
    assert source._window.read(np.arange(6))["value"].tolist() == [0] * 6


def test_turned_rows_are_positions_of_the_turned_game() -> None:
    source = played(TicTacToe(), full=1.0)
    batches(source, 20)
    rows = source._window.read(np.arange(64))
    turned = source._turned(rows, np.random.default_rng(0))
    changed = (turned["observation"] != rows["observation"]).reshape(64, -1).any(1)
    assert changed.sum() > 20
    assert np.array_equal(turned["observation"].reshape(64, 2, 9).sum(1) == 0, turned["legal"])  # fields that are empty
    assert np.allclose(np.sort(turned["policy"]), np.sort(rows["policy"]))
    assert np.array_equal(turned["value"], rows["value"])


def test_a_window_smaller_than_a_batch_is_refused() -> None:
    import sonde
    from sonde.core.errors import ConfigError

    with pytest.raises(ConfigError, match="window=9 holds fewer positions than batch_size=16; give at least as many"):
        sonde.train("game:tic_tac_toe", window=9, batch_size=16, steps=1, quiet=True)


@pytest.mark.parametrize(
    ("given", "longest", "refused"), [(9, 9, True), (8, 9, False), (4, 3, False), (20, None, False)]
)
def test_random_moves_as_many_as_a_game_has_are_refused(given: int, longest: int | None, refused: bool) -> None:
    import sonde
    from sonde.core.errors import ConfigError

    name = {9: "tic_tac_toe", 3: "nim(pile_sizes=1;2)", None: "connect_four"}[longest]
    made = partial(sonde.train, f"game:{name}", random_moves=given, quiet=True, steps=1)
    told = "random_moves=9 leaves none to learn of a game that has 9 moves at most; give fewer than 9, such as 4"
    with pytest.raises(ConfigError, match=told if refused else "window=1 holds fewer"):
        made(window=10_000 if refused else 1)  # another refusal, so that nothing is trained


@pytest.mark.parametrize(
    "name", ["hex(board_size=3)", "othello", "go(board_size=5)", "chess", "mancala", "dots_and_boxes"]
)
def test_games_that_open_spiel_steps_are_played_and_learned_from(name: str, tmp_path: Any) -> None:
    import sonde

    run = sonde.train(
        f"game:{name}", out=tmp_path / "run", steps=2, environments=4, simulations=4, batch_size=16,
        window=200, episodes=2, test_episodes=2, max_episode_steps=30,
        opponents=("random",), quiet=True, threads=1, model="policy-value-mlp", hidden=(8,),
    )  # fmt: skip
    assert 0 <= run.metrics["score_random"] <= 1


def test_openings_are_those_of_games_without_random_moves() -> None:
    source = played(TicTacToe(), games=5, random_moves=2)
    known, ends = game("tic_tac_toe"), []
    end = source._end

    def noting(number: int, result: float) -> None:
        moves = source._moves[number]
        if source._given[number] == 0:
            state = known.new_initial_state()
            for move in moves:
                state.apply_action(move)
            ends.append((moves[0], moves[1], int(state.returns()[0])))
        end(number, result)

    source._end = noting  # type: ignore[method-assign]
    while source.figures["games"] < 40:
        source._move()
    assert source.openings == ends
    assert 0 < len(ends) < 40
    resumed = played(TicTacToe(), games=5, random_moves=2)
    resumed.load_state_dict(copied(source.state_dict()))
    assert resumed.openings == ends
    older = {name: value for name, value in source.state_dict().items() if name not in ("given", "openings")}
    resumed.load_state_dict(copied(older))
    assert resumed.openings == []
