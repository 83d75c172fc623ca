"""Settings of advantage actor-critic: their flags."""

from dataclasses import dataclass

from sonde.core.bounds import at_least, within
from sonde.tasks.acting_config import OnPolicyConfig


@dataclass(frozen=True, kw_only=True)
class A2CConfig(OnPolicyConfig):
    """Settings of advantage actor-critic."""

    rollout: int = 8
    """Actions in each environment between updates."""
    gae_lambda: float = 1.0
    """How far advantages look: 0 at the next value only, 1 at all rewards to come (generalised advantage estimation)."""
    scale_advantages: bool = False
    """Standardise advantages in each batch."""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 1, "rollout")
        within(self, 0, 1, "gae_lambda")
