"""Reading `atari:NAME`: how a game is played and seen, each step of which is a setting with its source."""

import json
from dataclasses import asdict, replace

from sonde.acting.config import EnvironmentConfig
from sonde.acting.environments.atari import AtariGame, library, rom, titled
from sonde.acting.environments.making import as_shown
from sonde.acting.seeds import SeedRows
from sonde.core.bounds import flag
from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, InputSpec, Schema, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.progress import Tick
from sonde.modalities.environment.gym import TRAIN, check_like, refuse_of_logs
from sonde.modalities.environment.spaces import KIND


def read(name: str, config: DataConfig, *, task: str | None, tick: Tick, like: Schema | None) -> Dataset:
    """The episodes of a game. Raises: DataError, ConfigError, MissingDependency"""
    settings = config.of(EnvironmentConfig)
    refuse_of_logs(task, f"atari:{name}", like)
    if settings.opponents:
        raise ConfigError(f"{flag('opponents')} are of games for two, and atari:{name} is played alone; leave it out")
    if settings.environment_timeout != EnvironmentConfig().environment_timeout:
        raise ConfigError(
            f"{flag('environment_timeout')} is of other environments: a game of Atari never hangs; leave it out"
        )
    if settings.log_steps is not None and like is None:
        raise ConfigError(f"--log-steps is for logs, and atari:{name} is acted in; --return-steps is for what acts")
    if settings.environment and like is None:
        raise ConfigError(f"--environment is for logs, and atari:{name} is an environment itself; leave it out")
    game = game_of(rom(name), settings)
    one = game()
    actions = tuple(str(number) for number in range(int(one.action_space.n)))
    one.close()
    clipped = settings.reward_clip != "none"
    numbers = {"train": TRAIN, "validation": settings.episodes, "test": settings.test_episodes}
    splits = {
        split: SeedRows(
            make=game,
            encode=as_shown,
            split=split,
            number=number,
            together=game.side_by_side,
            frames=game.stack,
            rendered=replace(game, filmed=True),
            clipped=clipped,
        )
        for split, number in numbers.items()
    }
    planes, target = game.shape[0], TargetSpec(kind="action", names=actions)
    seen = InputSpec(
        kind=KIND,
        shape=game.shape,
        mean=(0.0,) * planes,
        std=(1.0,) * planes,
        extra=json.dumps({"atari": asdict(game)}),
    )
    check_like(seen, target, like, f"atari:{titled(game.rom)}")
    return Dataset(
        name=titled(game.rom).lower(),
        source=f"atari:{titled(game.rom)}",
        form="Atari game",
        schema=Schema(input=seen, target=target),
        splits=splits,
        facts=_facts(game, len(actions), clipped=clipped),
        fingerprint={"ale-py": library().__version__, game.rom: json.dumps(asdict(game))},
    )


def game_of(name: str, settings: EnvironmentConfig) -> AtariGame:
    """As settings say, and Mnih et al. 2015 where they say nothing. name: of ale-py's"""
    return AtariGame(
        rom=name,
        skip=settings.frame_skip or 4,
        stack=settings.frame_stack or 4,
        size=settings.frame_size or 84,
        grey=settings.frame_colors != "rgb",
        noops=30 if settings.noop_starts is None else settings.noop_starts,
        sticky=settings.sticky_actions,
        every=settings.all_actions,
        longest=settings.max_episode_steps or AtariGame.longest,
        lives=not settings.ignore_lives,
    )


def _facts(game: AtariGame, actions: int, *, clipped: bool) -> list[Fact]:
    """What is done to a game before it is seen, each with its source."""
    colours = "grey" if game.grey else "in colours"
    by = "Mnih et al. 2015" if game.grey and game.size == 84 else "--frame-size, --frame-colors"
    found = [
        Fact(f"{game.stack} pictures of {game.size}x{game.size} pixels, {colours}, the newest last", by),
        Fact(
            f"{actions} actions of {game.skip} frames each",
            "all there are" if game.every else "those that do something",
        ),
    ]
    if game.sticky:
        found.append(
            Fact(f"a frame repeats the action before it with probability {game.sticky:g}", "Machado et al. 2018")
        )
    if game.noops:
        found.append(Fact(f"fewer than {game.noops} frames, drawn, pass before the first action", "Mnih et al. 2015"))
    if not (game.noops or game.sticky):
        found.append(Fact("every episode begins alike, and nothing is drawn", "--noop-starts 0, --sticky-actions 0"))
    found.append(Fact(f"an episode is cut off after {game.longest:,} actions", "max_episode_steps"))
    learned = [*(["the sign of rewards"] if clipped else []), *(["one life at a time"] if game.lives else [])]
    if learned:
        found.append(Fact(f"learned from {' and '.join(learned)}; returns are the real score", "Mnih et al. 2015"))
    return found
