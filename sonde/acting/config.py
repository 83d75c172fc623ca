"""Settings of environments."""

from dataclasses import dataclass

from sonde.core.bounds import at_least


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
    """Of a log: the environment that what was learned is evaluated in, as gym:NAME; none for held-out episodes; by default the
    one that the log names."""
    environment_timeout: float = 120.0
    """Seconds that a step or a reset of an environment may take before it counts as hanging; 0 for any time."""
    max_episode_steps: int | None = None
    """Steps after which an episode is truncated; by default the environment's own limit."""
    films: bool = True
    """Films of the best, the median and the worst episode at the end, for the report, where the environment draws frames."""
    opponents: tuple[str, ...] = ()
    """Of games, whom to play against in evaluations: random, one-ply, mcts-N (N random games for a move), minimax, earlier; by
    default random, one-ply, mcts-100, earlier, and minimax where the game is small."""

    def __post_init__(self) -> None:
        at_least(self, 1, "environments", "episodes", "test_episodes", "max_episode_steps")
        at_least(self, 0, "environment_timeout")
