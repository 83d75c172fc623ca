"""Settings of REINFORCE: their flags."""

from dataclasses import dataclass

from sonde.core.bounds import at_least, within


@dataclass(frozen=True, kw_only=True)
class REINFORCEConfig:
    """Settings of REINFORCE."""

    discount: float = 0.99
    """What a reward a step later is worth."""
    baseline: bool = True
    """Compare what an episode returned with what was expected, which a second network learns."""
    rollout_episodes: int = 1
    """Episodes of each environment for an update."""
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
        at_least(self, 1, "rollout_episodes")
        within(self, 0, 1, "discount")
        at_least(self, 0, "value_weight", "entropy_weight")
