"""Settings of advantage actor-critic: their flags."""

from dataclasses import dataclass

from sonde.core.bounds import at_least, within


@dataclass(frozen=True, kw_only=True)
class A2CConfig:
    """Settings of advantage actor-critic."""

    discount: float = 0.99
    """What a reward a step later is worth."""
    rollout: int = 8
    """Actions in each environment between updates."""
    gae_lambda: float = 1.0
    """How far advantages look: 0 at the next value only, 1 at all rewards to come (generalised advantage estimation)."""
    scale_advantages: bool = False
    """Standardise advantages in each batch."""
    value_weight: float = 0.5
    """Weight of the value's squared error."""
    entropy_weight: float = 0.0
    """Weight of the policy's entropy: more of it explores more."""
    scale_observations: bool = True
    """Scale observations that are numbers by their running mean and standard deviation."""
    scale_rewards: bool = True
    """Divide rewards by the running standard deviation of their discounted sum."""
    act_sampled: bool = False
    """Evaluate with sampled actions, as in training, and not with the likeliest."""

    def __post_init__(self) -> None:
        at_least(self, 1, "rollout")
        within(self, 0, 1, "discount", "gae_lambda")
        at_least(self, 0, "value_weight", "entropy_weight")
