"""Settings of conservative Q-learning: their flags."""

from dataclasses import dataclass

from sonde.core.bounds import at_least, flag, within
from sonde.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class CQLConfig:
    """Settings of conservative Q-learning."""

    discount: float = 0.99
    """What a reward a step later is worth."""
    conservative: float = 1.0
    """Weight of keeping actions that the log does not take below those that it takes, whatever rewards count in; 0 for Q-learning
    alone."""
    double: bool = True
    """Let the network choose the best next action, and the target network only say what it is worth."""
    dueling: bool = False
    """Estimate the value of a state and what each action adds to it apart."""
    target_every: int = 128
    """Updates after which the target network becomes like the network."""
    drawn_actions: int = 10
    """Actions that are numbers: how many are drawn of each kind, any and the policy's, to find what all together are worth (Kumar
    et al. 2020, appendix F)."""
    follow_share: float = 0.005
    """Actions that are numbers: how far the target networks move towards the networks at each update."""
    target_entropy: float | None = None
    """Actions that are numbers: entropy of the policy's actions that is aimed at, in nats; by default minus their number."""

    def __post_init__(self) -> None:
        at_least(self, 1, "target_every", "drawn_actions")
        at_least(self, 0, "conservative")
        within(self, 0, 1, "discount")
        within(self, 0, 1, "follow_share", open_left=True)


OF_ONE = ("double", "dueling", "target_every")  # settings of one of several actions
OF_NUMBERS = ("drawn_actions", "follow_share", "target_entropy")


def refuse_of_others(config: CQLConfig, *, numbers: bool) -> None:
    """Raises: ConfigError for a setting that is changed and that these actions have no use for"""
    plain = CQLConfig()
    for name in OF_ONE if numbers else OF_NUMBERS:
        if getattr(config, name) != getattr(plain, name):
            wanted, here = ("one of several", "numbers") if numbers else ("numbers", "one of several")
            raise ConfigError(f"{flag(name)} is for actions that are {wanted}, and these are {here}; leave it out")
