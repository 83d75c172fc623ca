"""Settings of REINFORCE: their flags."""

from dataclasses import dataclass

from sonde.core.bounds import at_least
from sonde.tasks.acting_config import OnPolicyConfig


@dataclass(frozen=True, kw_only=True)
class REINFORCEConfig(OnPolicyConfig):
    """Settings of REINFORCE."""

    baseline: bool = True
    """Compare what an episode returned with what was expected, which a second network learns."""
    rollout_episodes: int = 1
    """Episodes of each environment for an update."""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 1, "rollout_episodes")
