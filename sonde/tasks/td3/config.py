"""Settings of twin delayed deep deterministic policy gradients: their flags."""

from dataclasses import dataclass

from sonde.core.bounds import at_least, not_above, within


@dataclass(frozen=True, kw_only=True)
class TD3Config:
    """Settings of twin delayed deep deterministic policy gradients. Noise is in halves of an action's range."""

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
    """How far the target networks move towards the networks each time."""
    policy_every: int = 2
    """Updates of the critics for one of the policy and of the target networks (delayed policy)."""
    explore_noise: float = 0.1
    """Standard deviation of what is added to actions while training, in halves of their range."""
    smooth_noise: float = 0.2
    """Standard deviation of what is added to the actions that targets are taken of, in halves of their range."""
    smooth_limit: float = 0.5
    """The most of --smooth-noise that is added."""
    scale_observations: bool = False
    """Scale observations that are numbers by their running mean and standard deviation."""
    act_sampled: bool = False
    """Evaluate with noisy actions, as in training, and not with the policy's own."""

    def __post_init__(self) -> None:
        at_least(self, 1, "replay", "train_every", "updates_together", "return_steps", "policy_every")
        at_least(self, 0, "warmup_steps", "explore_noise", "smooth_noise", "smooth_limit")
        not_above(self, "warmup_steps", "replay")
        within(self, 0, 1, "discount")
        within(self, 0, 1, "follow_share", open_left=True)
