"""Settings of proximal policy optimisation: their flags."""

from dataclasses import dataclass

from sonde.core.bounds import above, at_least, within


@dataclass(frozen=True, kw_only=True)
class PPOConfig:
    """Settings of proximal policy optimisation."""

    discount: float = 0.999
    """What a reward a step later is worth."""
    rollout: int = 128
    """Actions in each environment between updates."""
    reuse: int = 4
    """Passes over the transitions of a rollout."""
    gae_lambda: float = 0.98
    """How far advantages look: 0 at the next value only, 1 at all rewards to come (generalised advantage estimation)."""
    clip_range: float = 0.2
    """How far the probability of an action may move in an update, as a share, before it earns nothing more."""
    value_clip_range: float | None = None
    """How far a value may move in an update before it earns nothing more, in rewards as they are scaled; by default any."""
    scale_advantages: bool = True
    """Standardise advantages in each batch."""
    target_kl: float | None = None
    """End the passes over a rollout once the policy moved 1.5 times so far from it (KL divergence); by default never."""
    value_weight: float = 0.5
    """Weight of the value's squared error."""
    entropy_weight: float = 0.01
    """Weight of the policy's entropy: more of it explores more."""
    scale_observations: bool = True
    """Scale observations that are numbers by their running mean and standard deviation."""
    scale_rewards: bool = True
    """Divide rewards by the running standard deviation of their discounted sum."""
    share_layers: bool = False
    """Let the value read the same features as the policy; by default of pixels."""
    act_sampled: bool = False
    """Evaluate with sampled actions, as in training, and not with the likeliest."""

    def __post_init__(self) -> None:
        at_least(self, 1, "rollout", "reuse")
        within(self, 0, 1, "discount", "gae_lambda")
        above(self, 0, "clip_range", "value_clip_range", "target_kl")
        at_least(self, 0, "value_weight", "entropy_weight")
