"""Reading `game:NAME`: a game for two of OpenSpiel, which is learned by self-play."""

import os.path

from sonde.acting.config import EnvironmentConfig, refuse_of_environments
from sonde.acting.seeds import FIRST, LIMIT
from sonde.acting.self_play.games.open_spiel import game, library, longest_of, silently
from sonde.acting.self_play.games.rows import GameRows
from sonde.acting.self_play.opponents import SMALL, check_opponents
from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, InputSpec, Schema, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.progress import Tick
from sonde.modalities.environment.spaces import KIND

LONGEST = 512  # moves of a game by default, where it could go on for longer


def read(name: str, config: DataConfig, *, task: str | None, tick: Tick, like: Schema | None) -> Dataset:
    """The matches of a game. name: as OpenSpiel takes it. Raises: ConfigError, DataError, MissingDependency"""
    settings = config.of(EnvironmentConfig)
    known = game(name)
    refuse_of_environments(settings, f"game:{name}")
    opponents = _opponents(settings, name, longest_of(known))
    longest = min(settings.max_episode_steps or LONGEST, longest_of(known))
    numbers = {"train": LIMIT, "validation": settings.episodes, "test": settings.test_episodes}
    splits = {
        split: GameRows(name=name, seed=FIRST.get(split, 0), number=number, longest=longest, opponents=opponents)
        for split, number in numbers.items()
    }
    rules = splits["train"].rules
    input = InputSpec(kind=KIND, shape=rules.shape)  # without means: planes of stones are no pixels
    known_ways = len(rules.symmetries)
    ways = Fact("no symmetries are known", "positions are learned as they are")
    if known_ways > 1:
        ways = Fact(f"{known_ways} symmetries of the board", "positions are turned and mirrored while learning")
    facts = [
        Fact(
            f"{rules.actions:,} moves, {longest:,} in a game at most",
            _limit(longest_of(known), longest, settings),
        ),
        Fact(f"positions of {'x'.join(map(str, rules.shape))} numbers", rules.shown),
        ways,
    ]
    return Dataset(
        name=name.partition("(")[0],
        source=f"game:{name}",
        form="OpenSpiel game",
        schema=Schema(input=input, target=TargetSpec(kind="move", names=_moves(known))),
        splits=splits,
        facts=facts,
        fingerprint={"open_spiel": getattr(library(), "__version__", ""), name: "game"},
    )


def _limit(allowed: int, longest: int, settings: EnvironmentConfig) -> str:
    """Where the most moves of a game come from. allowed: by its rules"""
    if longest >= allowed:
        return "the game's rules"
    given = settings.max_episode_steps is not None
    who = "--max-episode-steps" if given else "by default; --max-episode-steps for another number"
    return f"{who}: what is not over then is a draw; its rules allow {allowed:,}"


def _opponents(settings: EnvironmentConfig, name: str, longest: int) -> tuple[str, ...]:
    """Whom it plays against in evaluations. longest: moves that the game may last"""
    given = settings.opponents
    check_opponents(given, name, longest)
    if len(set(given)) < len(given):
        raise ConfigError(f"--opponents names one of {', '.join(given)} twice; name each once")
    perfect = ("minimax",) if longest <= SMALL else ()
    return given or ("random", "one-ply", "mcts-100", *perfect, "earlier")


def _moves(known: object) -> tuple[str, ...]:
    """What each move is called, whoever makes it: its number where its name depends on the position, and where a name says who
    makes it, what both players' have in common ("(1,1)" of x(1,1) and o(1,1))."""
    moves = range(known.num_distinct_actions())  # type: ignore[attr-defined]
    with silently():
        names = tuple(_called(known, move) for move in moves)
    return names if len(set(names)) == len(names) else tuple(map(str, moves))


def _called(known: object, move: int) -> str:
    try:
        one, other = (known.action_to_string(player, move) for player in range(2))  # type: ignore[attr-defined]
    except library().SpielError:  # of a game whose moves have names in a position alone
        return str(move)
    if one.startswith("Action("):
        return str(move)
    if one == other:
        return one
    same = os.path.commonprefix([one[::-1], other[::-1]])[::-1]
    return same or str(move)
