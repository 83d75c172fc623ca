"""Settings of proximal policy optimisation: their flags."""

from dataclasses import dataclass

from sonde.core.bounds import above, at_least, within
from sonde.tasks.acting_config import OnPolicyConfig


@dataclass(frozen=True, kw_only=True)
class PPOConfig(OnPolicyConfig):
    """Settings of proximal policy optimisation."""

    rollout: int = 128
    """Actions in each environment between updates."""
    reuse: int = 10
    """Passes over the transitions of a rollout."""
    gae_lambda: float = 0.95
    """How far advantages look: 0 at the next value only, 1 at all rewards to come (generalised advantage estimation)."""
    clip_range: float = 0.2
    """How far the probability of an action may move in an update, as a share, before it earns nothing more."""
    value_clip_range: float | None = None
    """How far a value may move in an update before it earns nothing more, in rewards as they are scaled; by default any."""
    scale_advantages: bool = True
    """Standardise advantages in each batch."""
    target_kl: float | None = None
    """End the passes over a rollout once the policy moved 1.5 times so far from it (KL divergence); by default never."""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 1, "rollout", "reuse")
        within(self, 0, 1, "gae_lambda")
        above(self, 0, "clip_range", "value_clip_range", "target_kl")
