"""Other runs as opponents in matches: `sonde eval RUN --opponents runs/other`."""

import re
from collections.abc import Sequence
from pathlib import Path

import torch

from sonde.acting.self_play.opponents import MCTS, NAMES
from sonde.acting.self_play.source import playing_of
from sonde.core.bounds import flag
from sonde.core.errors import ConfigError
from sonde.core.playing import Playing
from sonde.core.run_folder import open_run
from sonde.run.playing import game_of, same_game

Runs = tuple[tuple[str, Path], ...]
"""(name, folder) of opponents that are runs."""


def met_by(given: Sequence[str], game: str) -> tuple[tuple[str, ...], Runs]:
    """Names of opponents, each once, and those that are runs: a folder is called by its name, as far as that is its own.

    given: of the ladder, or folders of runs;  game: that is played, as `game:NAME` has it
    Raises: ConfigError for a run of another game, RunFolderError for a folder that holds no run
    """
    folders: dict[Path, str] = {}
    for one in given:
        folder = Path(one).expanduser()
        if not is_of_ladder(one) and folder.is_dir():
            _check(one, folder, game)
            folders.setdefault(folder.resolve(), one)
    names = dict(zip(folders, _names(list(folders)), strict=True))
    called = [names.get(Path(one).expanduser().resolve(), one) if not is_of_ladder(one) else one for one in given]
    return tuple(dict.fromkeys(called)), tuple((names[place], Path(one)) for place, one in folders.items())


def is_of_ladder(name: str) -> bool:
    """Whether an opponent of this name needs no run."""
    return name in NAMES or MCTS.fullmatch(name) is not None


def _check(given: str, folder: Path, game: str) -> None:
    """Raises: ConfigError, RunFolderError"""
    try:
        own = game_of(open_run(folder))
    except ConfigError as error:
        raise ConfigError(f"{flag('opponents')} {given}: {error}") from None
    if not same_game(own, game):
        raise ConfigError(f"{flag('opponents')} {given}: it was trained on game:{own}, and game:{game} is played")


def _names(folders: Sequence[Path]) -> list[str]:
    """As short as they can be and differ, also where they stand in a metric's name, and from those of the ladder."""
    for depth in range(1, max((len(each.parts) for each in folders), default=0)):
        found = [re.sub(r"[^\w.-]+", "_", "-".join(each.parts[-depth:])) for each in folders]
        if len({name.replace("-", "_") for name in found}) == len(found) and not any(map(is_of_ladder, found)):
            return found
    return [f"run-{number}" for number, _ in enumerate(folders, 1)]


def players(runs: Runs, device: torch.device, *, trust_code: bool) -> dict[str, Playing]:
    """How each plays, by its name. Raises: RunFolderError, ConfigError for a run that cannot be loaded"""
    from sonde.run.run import Run

    return {
        name: playing_of(Run(open_run(folder.expanduser()), trust_code=trust_code).to(device).task)
        for name, folder in runs
    }
