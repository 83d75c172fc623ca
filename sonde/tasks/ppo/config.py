"""Settings of proximal policy optimisation: their flags."""

from dataclasses import dataclass

from sonde.core.bounds import above, at_least, within


@dataclass(frozen=True, kw_only=True)
class PPOConfig:
    """Settings of proximal policy optimisation."""

    rollout: int = 128
    """Actions in each environment between updates."""
    reuse: int = 10
    """Passes over the transitions of a rollout."""
    discount: float = 0.99
    """What a reward a step later is worth."""
    gae_lambda: float = 0.95
    """How far advantages look: 0 at the next value only, 1 at all rewards to come (generalised advantage estimation)."""
    clip_range: float = 0.2
    """How far the probability of an action may move in an update, as a share, before it earns nothing more."""
    value_weight: float = 0.5
    """Weight of the value's squared error."""
    entropy_weight: float = 0.0
    """Weight of the policy's entropy: more of it explores more."""
    scale_observations: bool = True
    """Scale observations that are numbers by their running mean and standard deviation."""
    act_sampled: bool = False
    """Evaluate with sampled actions, as in training, and not with the likeliest."""

    def __post_init__(self) -> None:
        at_least(self, 1, "rollout", "reuse")
        within(self, 0, 1, "discount", "gae_lambda")
        above(self, 0, "clip_range")
        at_least(self, 0, "value_weight", "entropy_weight")
