"""What is known of a game before anything is learned."""

from typing import Any

import pytest

from sonde.acting.config import EnvironmentConfig
from sonde.acting.self_play.games.rows import GameRows
from sonde.core.config import DataConfig
from sonde.core.errors import ConfigError, DataError
from sonde.modalities.open import open_data


def opened(name: str, **settings: Any) -> Any:
    return open_data(f"game:{name}", DataConfig(given=(EnvironmentConfig(**settings),)))


def test_connect_four() -> None:
    found = opened("connect_four", episodes=6)
    assert found.schema.input.shape == (2, 6, 7)
    assert (found.schema.target.kind, found.schema.target.names) == ("move", tuple("0123456"))
    rows = found.splits["validation"]
    assert isinstance(rows, GameRows)
    assert rows.opponents == ("random", "one-ply", "mcts-100", "earlier")
    assert len(rows) == 4 * 6
    assert rows.longest == 42
    assert "2 symmetries of the board" in [fact.what for fact in found.facts]


def test_small_games_are_played_against_minimax_too() -> None:
    assert opened("tic_tac_toe").splits["test"].opponents == ("random", "one-ply", "mcts-100", "minimax", "earlier")


def test_moves_are_called_as_the_game_calls_them() -> None:
    assert opened("tic_tac_toe").schema.target.names[4] == "(1,1)"  # whoever makes it
    assert opened("hex(board_size=3)").schema.target.names[5] == "5"


def test_games_that_could_go_on_and_on_are_cut_off() -> None:
    found = opened("chess")
    assert found.splits["train"].longest == 512
    assert opened("chess", max_episode_steps=40).splits["train"].longest == 40
    assert (found.schema.input.shape, len(found.schema.target.names)) == ((19, 8, 8), 4674)


def test_opponents_are_those_that_are_named() -> None:
    assert opened("connect_four", opponents=("mcts-7",)).splits["test"].opponents == ("mcts-7",)
    with pytest.raises(ConfigError, match="--opponents names one of random, random twice"):
        opened("connect_four", opponents=("random", "random"))
    with pytest.raises(ConfigError, match="no such opponent; did you mean random"):
        opened("connect_four", opponents=("randum",))
    with pytest.raises(ConfigError, match="connect_four may last 42; leave it out, or give mcts-1000"):
        opened("connect_four", opponents=("minimax",))


def test_unknown_games_are_refused() -> None:
    with pytest.raises(DataError, match="did you mean game:connect_four"):
        opened("connectfour")


def test_settings_of_environments_and_games_are_not_mixed() -> None:
    with pytest.raises(
        DataError, match="game:connect_four is a game for two, not an environment; leave --frame-skip out"
    ):
        opened("connect_four", frame_skip=4)
    with pytest.raises(DataError, match="gym:CartPole-v1 is no game for two; leave --opponents out"):
        open_data("gym:CartPole-v1", DataConfig(given=(EnvironmentConfig(opponents=("random",)),)))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (
            "go(board_size=50)",
            r"game:go\(board_size=50\) cannot be played: The current Go implementation supports .* up to 19",
        ),
        ("hex(board_size=abc)", "cannot be played: board_size=abc has to be a whole number from 1"),
        ("hex(board_size=0)", "cannot be played"),
        ("game:hex", r"game:game:hex: game: stands once before a name; did you mean game:hex\?"),
        ("", "connect_four is one: game:connect_four"),
    ],
)
def test_games_that_cannot_be_played_are_refused_in_one_line(
    name: str, why: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DataError, match=why) as raised:
        opened(name)
    assert "\n" not in str(raised.value)
    assert capfd.readouterr().err == ""  # nothing of what OpenSpiel prints itself


def test_where_the_most_moves_of_a_game_come_from_is_said() -> None:
    def told(**settings: Any) -> dict[str, str]:
        return {fact.what: fact.why for fact in opened("chess", **settings).facts}

    assert (
        (told()["4,674 moves, 512 in a game at most"])
        == "by default; --max-episode-steps for another number: what is not over then is a draw; its rules allow 17,695"
    )
    assert told(max_episode_steps=40)["4,674 moves, 40 in a game at most"].startswith(
        "--max-episode-steps: what is not over"
    )
    assert told()["no symmetries are known"] == "positions are learned as they are"
    small = {fact.what: fact.why for fact in opened("tic_tac_toe").facts}
    assert small["9 moves, 9 in a game at most"] == "the game's rules"
