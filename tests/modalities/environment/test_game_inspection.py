"""What an inspection says of a game: how random games go, and what a search takes."""

from typing import Any

from sonde.acting.config import EnvironmentConfig
from sonde.acting.self_play.games.rows import GameRows
from sonde.core.config import DataConfig
from sonde.modalities.environment.game_inspection import GAMES, played_at_random
from sonde.modalities.inspect import inspect


def silent(*_: Any) -> None:
    """Tell nobody."""


def rows(name: str, longest: int) -> GameRows:
    return GameRows(name=name, seed=0, number=2, longest=longest, opponents=("random",))


def test_random_games_tell_how_wide_how_long_and_how_even_a_game_is() -> None:
    found = {fact.what: fact.why for fact in played_at_random(rows("tic_tac_toe", 9), 100.0, silent).facts}
    [wide] = [what for what in found if "legal moves" in what]
    assert 4 < float(wide.split()[0]) < 7  # 9 in the first position, one less after each move
    assert found[wide].endswith("1 to 9")
    assert found["games of 5 to 9 moves, 8 in the median"] == f"{GAMES} random games"
    [even] = [what for what in found if what.startswith("who begins won")]
    shares = [int(word) for word in even.replace("%", "").split() if word.isdigit()]
    assert abs(sum(shares) - 100) <= 1
    assert 48 < shares[0] < 70  # 58.5 % of all random games
    [search] = [what for what in found if "for a move of 64 simulations" in what]
    assert float(search.split()[0]) > 0


def test_games_that_are_cut_off_are_said_and_what_no_time_was_for_too() -> None:
    found = played_at_random(rows("tic_tac_toe", 4), 100.0, silent).facts
    assert any(fact.why == f"{GAMES} random games, {GAMES} of them cut off after 4: draws" for fact in found)
    nothing = played_at_random(rows("chess", 512), 0.0, silent).facts
    assert [fact.what for fact in nothing][0] == "no random game ended in the time there was"


def test_an_inspection_has_them() -> None:
    config = DataConfig(given=(EnvironmentConfig(),))
    told = [fact.what for fact in inspect("game:tic_tac_toe", config, seconds=0.5).facts]
    assert any("legal moves in a position" in what for what in told)
