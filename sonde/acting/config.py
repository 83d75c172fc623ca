"""Settings of environments."""

from dataclasses import dataclass, fields
from typing import Literal

from sonde.core.bounds import at_least, flag, within
from sonde.core.errors import DataError


@dataclass(frozen=True, kw_only=True)
class EnvironmentConfig:
    """How an environment is played, and in how many episodes what was learned is evaluated."""

    environments: int = 1
    """Environments side by side while training; by default as many as suit the task."""
    episodes: int = 20
    """Episodes of each evaluation while training, in environments of their own."""
    test_episodes: int = 100
    """Episodes of the evaluation at the end."""
    environment: str = ""
    """Of a log: the environment that what was learned is evaluated in, as gym:NAME or env:MODULE:CLASS; none for held-out
    episodes; by default the one that the log names."""
    log_steps: int | None = None
    """Of a log that values are learned from: steps whose rewards are summed before the value of what follows is taken (n-step
    returns); by default 10 where actions are one of several, else 1."""
    environment_timeout: float = 120.0
    """Seconds that a step or a reset of an environment may take before it counts as hanging; 0 for any time."""
    max_episode_steps: int | None = None
    """Steps after which an episode is truncated; by default the environment's own limit."""
    films: bool = True
    """Films of the best, the median and the worst episode at the end, for the report, where the environment draws frames."""
    frame_skip: int | None = None
    """Frames that an action lasts, of the last two of which the brighter of each pixel is seen; by default 4 of Atari, else 1
    (Mnih et al. 2015)."""
    frame_stack: int | None = None
    """Pictures that an observation is made of, the newest last; by default 4 of Atari, else 1 (Mnih et al. 2015)."""
    frame_size: int | None = None
    """Height and width that pictures are scaled to, in pixels; by default 84 of Atari, else as they are (Mnih et al. 2015)."""
    frame_colors: Literal["auto", "grey", "rgb"] = "auto"
    """Whether pictures are seen in colours; by default grey of Atari, else as they are (Mnih et al. 2015)."""
    reward_clip: Literal["auto", "sign", "none"] = "auto"
    """Learn from rewards of -1, 0 and 1 (sign), whatever the score; by default of Atari (Mnih et al. 2015). The score that is
    told is never clipped."""
    noop_starts: int | None = None
    """Atari: fewer than so many frames, drawn, pass before the first action; by default 30 (Mnih et al. 2015)."""
    sticky_actions: float = 0.0
    """Atari: probability that a frame repeats the action before it; 0.25 in Machado et al. 2018, who take it in place of
    --noop-starts."""
    all_actions: bool = False
    """Atari: choose among all 18 actions, and not only those that do something in this game (Machado et al. 2018)."""
    ignore_lives: bool = False
    """Atari: learn across lost lives; by default one ends what is learned from, and the game goes on (Mnih et al. 2015)."""
    opponents: tuple[str, ...] = ()
    """Of games, whom to play against in evaluations: random, one-ply, mcts-N (N random games for a move), minimax, earlier; by
    default random, one-ply, mcts-100, earlier, and minimax where the game is small."""

    def __post_init__(self) -> None:
        at_least(self, 1, "environments", "episodes", "test_episodes", "max_episode_steps", "frame_skip", "frame_stack")
        at_least(self, 1, "log_steps")
        at_least(self, 0, "environment_timeout", "noop_starts")
        at_least(self, 8, "frame_size")
        within(self, 0, 1, "sticky_actions")


OF_GAMES = ("opponents",)
OF_LOGS = ("environment", "log_steps")
OF_ATARI = ("noop_starts", "sticky_actions", "all_actions", "ignore_lives")
OF_BOTH = ("environments", "episodes", "test_episodes", "max_episode_steps")


def refuse_of_games(settings: EnvironmentConfig, called: str) -> None:
    """Raises: DataError where an environment is given a setting of games, which would be ignored"""
    _refuse(settings, [name for name in vars(settings) if name in OF_GAMES], f"{called} is no game for two")


def refuse_of_environments(settings: EnvironmentConfig, called: str) -> None:
    """Raises: DataError where a game is given a setting of environments, which would be ignored"""
    _refuse(settings, of_environments(), f"{called} is a game for two, not an environment")


def of_environments() -> list[str]:
    """Names of the settings that games do not have."""
    return [entry.name for entry in fields(EnvironmentConfig) if entry.name not in (*OF_GAMES, *OF_BOTH)]


def _refuse(settings: EnvironmentConfig, names: list[str], why: str) -> None:
    plain = EnvironmentConfig()
    for name in names:
        if getattr(settings, name) != getattr(plain, name):
            raise DataError(f"{why}; leave {flag(name)} out")
