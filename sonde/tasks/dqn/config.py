"""Settings of deep Q-learning: their flags."""

from dataclasses import dataclass

from sonde.core.bounds import at_least, within
from sonde.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class DQNConfig:
    """Settings of deep Q-learning."""

    discount: float = 0.99
    """What a reward a step later is worth."""
    replay: int = 100_000
    """Transitions that are kept to learn from."""
    warmup_steps: int = 1_000
    """Steps of the environments, by random actions, before the first update."""
    train_every: int = 1
    """Steps of the environments for an update."""
    return_steps: int = 1
    """Steps whose rewards are summed before the value of what follows is taken (n-step returns)."""
    double: bool = True
    """Let the network choose the best next action, and the target network only say what it is worth."""
    dueling: bool = False
    """Estimate the value of a state and what each action adds to it apart."""
    quantiles: int = 0
    """Estimate so many quantiles of the return, and not only its mean (QR-DQN); 0 for the mean."""
    target_every: int = 500
    """Updates after which the target network becomes like the network."""
    explore_last: float = 0.05
    """Share of random actions after exploration; it falls to that from 1."""
    explore_steps: int = 10_000
    """Steps of the environments over which the share of random actions falls."""
    act_sampled: bool = False
    """Evaluate with as many random actions as in training, and not with the best alone."""

    def __post_init__(self) -> None:
        at_least(self, 1, "replay", "train_every", "return_steps", "target_every", "explore_steps")
        at_least(self, 0, "warmup_steps", "quantiles")
        within(self, 0, 1, "discount", "explore_last")
        if self.quantiles == 1:
            raise ConfigError("--quantiles is 0 for the mean, or 2 and more, got 1")
