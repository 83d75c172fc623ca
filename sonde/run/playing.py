"""Runs that play a game for two: which one, and their player, to be asked about positions."""

from typing import Any

import torch

from sonde.acting.self_play.asked import GamePlayer
from sonde.acting.self_play.games.open_spiel import game
from sonde.acting.self_play.player import Player
from sonde.core.bounds import flag
from sonde.core.config_file import read_config
from sonde.core.errors import ConfigError, DataError
from sonde.core.run_folder import RunFolder
from sonde.core.seams import Task, abilities_of


def game_of(folder: RunFolder) -> str:
    """The name of the game that a run was trained on, as `game:NAME` has it. Raises: ConfigError"""
    data = str(read_config(folder.config).data or "")
    scheme, _, name = data.partition(":")
    if scheme != "game":
        raise ConfigError(
            f"{folder.path} was trained on {data or 'data of its own'}, which is no game; train one with sonde train game:NAME"
        )
    return name


def player_of(task: Task, folder: RunFolder, *, simulations: int | None, device: torch.device) -> Player:
    """The player of a run. Raises: ConfigError for a run that plays no games, or fewer than one simulation"""
    name, playing = game_of(folder), abilities_of(task).playing
    if playing is None:
        raise ConfigError(
            f"{folder.path} was trained on game:{name} by a task that plays no games; name one that learned by self-play"
        )
    if simulations is not None and simulations < 1:
        raise ConfigError(f"{flag('simulations')} must be at least 1, got {simulations}")
    return Player(name, playing, device, simulations=simulations)


def asked(task: Task, folder: RunFolder, *, simulations: int | None, device: torch.device) -> GamePlayer:
    """See `Run.player`."""
    return GamePlayer(game_of(folder), player_of(task, folder, simulations=simulations, device=device))


def check_same_game(data: Any, folder: RunFolder) -> None:
    """Raises: DataError for data that are another game, or another board, than the run was trained on

    Before they are opened, since whom the run plays against may be nobody to play the other game against.
    """
    scheme, _, name = data.partition(":") if isinstance(data, str) else ("", "", "")
    if scheme != "game":
        return
    own = game_of(folder)
    if not same_game(own, name):
        raise DataError(
            f"{folder.path} was trained on game:{own}, and game:{name} is another game to its network; evaluate it on "
            f"game:{own}"
        )


def same_game(one: str, other: str) -> bool:
    """Whether two names, as `game:NAME` has them, are of one game on one board. Raises: DataError for a name that is none"""
    known = [game(name) for name in (one, other)]
    kinds = [(each.get_type().short_name, each.get_parameters()) for each in known]
    return kinds[0] == kinds[1]
