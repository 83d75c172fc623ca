"""Settings of soft actor-critic: their flags."""

from dataclasses import dataclass

from sonde.core.bounds import at_least, not_above, within


@dataclass(frozen=True, kw_only=True)
class SACConfig:
    """Settings of soft actor-critic."""

    discount: float = 0.99
    """What a reward a step later is worth."""
    replay: int = 100_000
    """Transitions that are kept to learn from."""
    warmup_steps: int = 1_000
    """Steps of the environments, by random actions, before the first update."""
    train_every: int = 1
    """Steps of the environments for an update."""
    updates_together: int = 1
    """Updates that follow one another, after as many times --train-every steps in which the policy stays the same."""
    return_steps: int = 1
    """Steps whose rewards are summed before the value of what follows is taken (n-step returns)."""
    follow_share: float = 0.005
    """How far the target networks move towards the networks at each update."""
    target_entropy: float | None = None
    """Entropy of actions that is aimed at, in nats; by default minus the number of numbers in an action."""
    scale_observations: bool = False
    """Scale observations that are numbers by their running mean and standard deviation."""
    act_sampled: bool = False
    """Evaluate with sampled actions, as in training, and not with the likeliest."""

    def __post_init__(self) -> None:
        at_least(self, 1, "replay", "train_every", "updates_together", "return_steps")
        at_least(self, 0, "warmup_steps")
        not_above(self, "warmup_steps", "replay")
        within(self, 0, 1, "discount")
        within(self, 0, 1, "follow_share", open_left=True)
